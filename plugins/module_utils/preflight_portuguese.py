"""What preflight says, in Brazilian Portuguese. Keys, order and words in braces are those of ``preflight_messages``."""

from __future__ import annotations

PORTUGUESE: dict[str, tuple[str, str]] = {
    "mac": (
        "{host} usa macOS, que só serve como máquina de controle: o CVAT e seus modelos precisam de Linux.",
        "Ponha um servidor ou uma máquina virtual Linux no inventário e continue a rodar o ansible-playbook neste Mac.",
    ),
    "not_linux": (
        "{host} usa {name}, que não é Linux.",
        "Ponha no inventário uma máquina com {supported}.",
    ),
    "distribution": (
        "{host} usa {name}, que este projeto não conhece.",
        "Use {supported}.",
    ),
    "release_old": (
        "{host} usa {name}, que já perdeu o suporte: sem atualizações de segurança e sem pacotes atuais do Docker.",
        "Atualize o sistema, ou use {supported}.",
    ),
    "release_unknown": (
        "{host} usa {name}, uma versão para a qual este projeto não foi feito.",
        "Use {supported}.",
    ),
    "architecture": (
        "{host} tem um processador {machine}, mas as imagens do CVAT e do Nuclio existem apenas para x86-64.",
        "Use uma máquina x86-64.",
    ),
    "wsl1": (
        "{host} é WSL 1, que não tem o núcleo do Linux e não roda o Docker.",
        "Converta no PowerShell: wsl --set-version <distribuição> 2.",
    ),
    "wsl2": (
        "{host} é WSL 2: o driver da placa vem do Windows, e o servidor para quando o Windows para o WSL.",
        "Para experimentar, nada a fazer. Para um servidor que outros usam, escolha uma máquina Linux.",
    ),
    "docker_desktop": (
        "O Docker de {host} é o do Docker Desktop, e não o da própria máquina: os contêineres rodam em outra.",
        "Desligue a integração do Docker Desktop com esta distribuição; o papel docker_engine instala o Docker.",
    ),
    "docker_snap": (
        "O Docker de {host} é o pacote snap, que não lê /opt nem /mnt e ignora /etc/docker/daemon.json.",
        "Salve o que os contêineres guardam e remova-o (snap remove docker); o papel docker_engine instala o Docker.",
    ),
    "not_root": (
        "As tarefas rodam como usuário comum em {host}.",
        "Use become: true (os playbooks usam) e dê a esse usuário o direito de usar sudo.",
    ),
    "ansible": (
        "A máquina de controle tem ansible-core {found}; é preciso pelo menos {wanted}.",
        "Instale de novo as ferramentas: pip install -r requirements.txt em um ambiente virtual.",
    ),
    "python": (
        "{host} tem Python {found}; é preciso pelo menos {wanted}.",
        "Aponte ansible_python_interpreter para um mais novo, ou use uma versão suportada do sistema.",
    ),
    "systemd": (
        "{host} não foi iniciado pelo systemd, e assim nenhum serviço fica no ar.",
        "Use uma máquina completa ou virtual. No WSL 2 ponha systemd=true em [boot] no arquivo /etc/wsl.conf "
        "e rode wsl --shutdown no Windows.",
    ),
    "control_groups": (
        "{host} não tem grupos de controle montados, e sem eles o Docker não inicia.",
        "Inicie com o padrão do systemd; dentro de um contêiner, monte /sys/fs/cgroup.",
    ),
    "control_groups_v1": (
        "{host} usa grupos de controle {found}, que o Docker Engine está abandonando.",
        "Quando puder, tire systemd.unified_cgroup_hierarchy=0 da linha de comando do núcleo.",
    ),
    "clock_offset": (
        "O relógio de {host} difere {seconds} segundos do da máquina de controle; certificados e S3 recusam isso.",
        "Acerte o relógio (timedatectl set-ntp true) na máquina que está errada.",
    ),
    "clock_free": (
        "Nada mantém certo o relógio de {host}.",
        "Rode timedatectl set-ntp true, ou instale systemd-timesyncd ou chrony.",
    ),
    "processor_old": (
        "Falta {lacks} ao processador de {host}; o ClickHouse, parte do CVAT, para com 'illegal instruction'.",
        "Em uma máquina virtual, escolha o processador 'host' (Proxmox, KVM) em vez de kvm64 ou qemu64.",
    ),
    "processor_slow": (
        "Falta AVX2 ao processador de {host}: nele os modelos ficam várias vezes mais lentos.",
        "Em uma máquina virtual, escolha o processador 'host'. Com GPU isso pouco importa.",
    ),
    "memory": (
        "{host} tem {found} de memória; o CVAT com banco de dados, ClickHouse e um modelo precisa de {wanted}.",
        "Dê mais memória, ou diminua preflight_memory_minimum_mb se souber que menos basta.",
    ),
    "memory_low": (
        "{host} tem {found} de memória. Vai funcionar, mas para vários usuários ou modelos o bom é {wanted}.",
        "Dê mais memória, ou espaço de troca (swap) para os raros picos.",
    ),
    "disk_unreadable": (
        "{path} em {host} não pode ser examinado: {error}.",
        "Conserte (um laço de links? uma montagem de rede que não responde?) ou escolha outra pasta.",
    ),
    "disk_not_folder": (
        "{path} em {host} existe e não é uma pasta.",
        "Mova-o dali, ou escolha outra pasta.",
    ),
    "disk_read_only": (
        "{path} em {host} está em {mount}, montado somente para leitura.",
        "Monte para escrita (depois de um erro, veja antes o disco: dmesg conta), ou escolha outra pasta.",
    ),
    "disk_not_writable": (
        "O root não pode escrever em {path} em {host} (uma pasta de rede que troca root por nobody?).",
        "Exporte com no_root_squash, ou crie antes a pasta com o dono certo.",
    ),
    "disk_space": (
        "{mount} em {host} tem {found} livres para {path}; são precisos {wanted}.",
        "Libere espaço ou aumente o disco. O lixo do Docker: docker system df mostra, docker image prune libera.",
    ),
    "disk_inodes": (
        "{mount} em {host} tem só {found} % dos inodes livres: não dá para criar arquivos, embora haja espaço.",
        "Apague pastas com muitíssimos arquivos pequenos, ou refaça o sistema de arquivos com mais inodes.",
    ),
    "disk_full": (
        "{mount} em {host} está {found} % cheio{growth}. Acima de 90 % o CVAT se diz doente e recusa logins.",
        "Libere espaço ou aumente o disco antes que encha.",
    ),
    "port": (
        "A porta {port} de {host}, de que {purpose} precisa, está ocupada por {holder}.",
        "Pare isso, ou dê outra porta a {purpose} ({variable}).",
    ),
    "port_value": (
        "{port} não é uma porta para {purpose}.",
        "Escolha uma entre 1 e 65535 ({variable}).",
    ),
    "port_twice": (
        "A porta {port} foi pedida duas vezes, por {purpose}.",
        "Dê portas diferentes ({variable}).",
    ),
    "subnet_value": (
        "'{value}' não é uma rede IPv4 privada como 172.20.0.0/24 com lugar para os contêineres.",
        "Corrija annotation_server_subnet.",
    ),
    "functions_subnet_value": (
        "'{value}' não é uma rede IPv4 privada de 16 ou mais endereços, separada da do CVAT, {subnet}.",
        "Corrija annotation_server_functions_subnet, por exemplo para 172.20.1.0/24.",
    ),
    "ip_range_value": (
        "'{value}' não faz parte de {subnet}; dali os contêineres sem endereço fixo não podem ser numerados.",
        "Corrija annotation_server_ip_range, por exemplo {example}.",
    ),
    "ip_range_fixed": (
        "{value} contém {addresses}, que são endereços fixos dos serviços do CVAT; "
        "um modelo os tomaria antes ('address already in use').",
        "Escolha annotation_server_ip_range fora deles, por exemplo {example}.",
    ),
    "subnet_small": (
        "{subnet} não tem {addresses}, que são endereços fixos dos serviços do CVAT.",
        "Escolha um annotation_server_subnet maior (um /24).",
    ),
    "subnet_docker": (
        "{subnet} se sobrepõe a {other}, da rede {network} do Docker em {host}.",
        "Remova essa rede se ninguém a usa (docker network rm {network}), ou mude {variables}, "
        "por exemplo para {free}.",
    ),
    "subnet_host": (
        "{subnet} se sobrepõe a {other}, onde está a interface {interface} de {host}.",
        "Mude {variables}, por exemplo para {free}.",
    ),
    "subnet_route": (
        "{host} chega a {other} por {interface}; {subnet} vai esconder essa parte.",
        "Se as máquinas de lá importam para este servidor, mude {variables}, por exemplo para {free}.",
    ),
    "gpu_missing": (
        "annotation_server_gpu é true, mas {host} não tem placa NVIDIA.",
        "Use auto ou false. Em uma máquina virtual, a placa precisa antes ser entregue a ela (passthrough).",
    ),
    "gpu_none": (
        "{host} não tem placa NVIDIA: os modelos rodam no processador.",
        "",
    ),
    "gpu_found": (
        "{host} tem {count} placa(s) NVIDIA; driver carregado: {driver}.",
        "",
    ),
    "gpu_ignored": (
        "{host} tem uma placa NVIDIA, deixada de lado porque annotation_server_gpu é false.",
        "",
    ),
    "secure_boot": (
        "O Secure Boot está ligado em {host}, e o driver NVIDIA não está carregado: só módulos assinados são aceitos.",
        "Use os módulos assinados da distribuição (no Ubuntu linux-modules-nvidia-*), registre uma chave no console, "
        "ou desligue o Secure Boot no firmware.",
    ),
    "internet": (
        "{host} não alcança {url}: {error}.",
        "Abra o caminho, defina annotation_server_http_proxy e annotation_server_https_proxy, ou use um espelho e "
        "ponha os endereços dele em preflight_urls (vazio: não perguntar). Um servidor que não deve alcançar nada usa "
        "um pacote com tudo (bundle): docs/no-internet.md.",
    ),
    "certificate": (
        "{host} não confia no certificado de {url}: {error}.",
        "Atrás de um proxy que troca certificados, informe a autoridade dele em annotation_server_ca_certificates.",
    ),
    "server_name": (
        "'{value}' não é nome nem endereço IPv4 para o servidor: não pode ter protocolo, porta, caminho ou espaço.",
        "Ponha em annotation_server_host o que as pessoas digitam entre http:// e a porta.",
    ),
    "server_name_local": (
        "O CVAT vai responder só por '{value}', e assim apenas {host} consegue abri-lo.",
        "Ponha em annotation_server_host o nome ou o endereço do servidor na sua rede.",
    ),
    "server_name_unknown": (
        "{host} não conhece o nome {value}; o CVAT responde exatamente por esse nome.",
        "Garanta que os navegadores dos usuários o conheçam (DNS ou arquivo hosts), ou use um endereço.",
    ),
    "dpkg": (
        "O banco de pacotes de {host} ficou pela metade{packages}.",
        "Rode nele dpkg --configure -a e apt-get --fix-broken install.",
    ),
}
