"""Every sentence that preflight says, in one place. Add a language by adding a dictionary with the same keys.

Each entry is (what is wrong, what to do about it). Words in braces are filled in by ``preflight_checks``.
"""

from __future__ import annotations

from ansible_collections.annotation.server.plugins.module_utils.preflight_portuguese import PORTUGUESE

ENGLISH: dict[str, tuple[str, str]] = {
    "mac": (
        "{host} runs macOS, which can be the control node only: CVAT and its models need a Linux host.",
        "Put a Linux server or virtual machine into the inventory and keep running ansible-playbook from this Mac.",
    ),
    "not_linux": (
        "{host} runs {name}, not Linux.",
        "Put a host with {supported} into the inventory.",
    ),
    "distribution": (
        "{host} runs {name}, which this project does not know.",
        "Use {supported}.",
    ),
    "release_old": (
        "{host} runs {name}, which is past its support: no security updates, and no Docker packages of today.",
        "Upgrade it, or use {supported}.",
    ),
    "release_unknown": (
        "{host} runs {name}, a release this project was not made for.",
        "Use {supported}.",
    ),
    "architecture": (
        "{host} has a {machine} processor, but CVAT's images and Nuclio's are made for x86-64 only.",
        "Use an x86-64 host.",
    ),
    "wsl1": (
        "{host} is WSL 1, which has no Linux kernel and cannot run Docker.",
        "Convert it in PowerShell: wsl --set-version <distribution> 2.",
    ),
    "wsl2": (
        "{host} is WSL 2: the graphics driver comes from Windows, and the server stops when Windows stops WSL.",
        "Nothing to do for a trial. For a server that others use, take a Linux host.",
    ),
    "docker_desktop": (
        "Docker on {host} is Docker Desktop's, not the host's own: its containers run in another machine.",
        "Switch off Docker Desktop's WSL integration for this distribution; the role docker_engine installs Docker.",
    ),
    "docker_snap": (
        "Docker on {host} is the snap package, which cannot read /opt and /mnt and ignores /etc/docker/daemon.json.",
        "Remove it (snap remove docker) after saving what its containers hold; the role docker_engine installs Docker.",
    ),
    "not_root": (
        "The tasks run as an ordinary user on {host}.",
        "Run with become: true (the playbooks do) and give that user sudo rights.",
    ),
    "ansible": (
        "The control node has ansible-core {found}; at least {wanted} is needed.",
        "Install the control node's tools anew: pip install -r requirements.txt in a virtual environment.",
    ),
    "python": (
        "{host} has Python {found}; at least {wanted} is needed.",
        "Set ansible_python_interpreter to a newer one, or use a supported release.",
    ),
    "systemd": (
        "{host} was not started by systemd, so no service can be kept running on it.",
        "Use a full host or virtual machine. On WSL 2 put systemd=true under [boot] into /etc/wsl.conf "
        "and run wsl --shutdown in Windows.",
    ),
    "control_groups": (
        "{host} has no control groups mounted, and Docker cannot start without them.",
        "Boot with systemd's defaults; inside a container, mount /sys/fs/cgroup.",
    ),
    "control_groups_v1": (
        "{host} uses control groups {found}, which Docker Engine is giving up.",
        "Take systemd.unified_cgroup_hierarchy=0 out of the kernel's command line when you can.",
    ),
    "clock_offset": (
        "The clock of {host} differs from the control node's by {seconds} seconds; certificates and S3 refuse that.",
        "Set the clock (timedatectl set-ntp true) on whichever of the two is wrong.",
    ),
    "clock_free": (
        "Nothing keeps the clock of {host} right.",
        "Run timedatectl set-ntp true, or install systemd-timesyncd or chrony.",
    ),
    "processor_old": (
        "The processor of {host} lacks {lacks}; ClickHouse, which is a part of CVAT, stops with 'illegal instruction'.",
        "On a virtual machine set the processor type to 'host' (Proxmox, KVM) instead of kvm64 or qemu64.",
    ),
    "processor_slow": (
        "The processor of {host} lacks AVX2: models run on it several times slower.",
        "On a virtual machine set the processor type to 'host'. With a GPU it matters little.",
    ),
    "memory": (
        "{host} has {found} of memory; CVAT with its database, ClickHouse and one model needs at least {wanted}.",
        "Give it more memory, or lower preflight_memory_minimum_mb if you know that less will do.",
    ),
    "memory_low": (
        "{host} has {found} of memory. It will work, but {wanted} are wanted for several users or models.",
        "Give it more memory, or swap space for the rare peaks.",
    ),
    "disk_unreadable": (
        "{path} on {host} cannot be examined: {error}.",
        "Repair it (a loop of links? a network mount that does not answer?) or choose another folder.",
    ),
    "disk_not_folder": (
        "{path} on {host} exists and is not a folder.",
        "Move it away, or choose another folder.",
    ),
    "disk_read_only": (
        "{path} on {host} is on {mount}, which is mounted read-only.",
        "Mount it for writing (after an error: check the disk first, dmesg tells), or choose another folder.",
    ),
    "disk_not_writable": (
        "Root may not write to {path} on {host} (a network share that maps root to nobody?).",
        "Export it with no_root_squash, or make the folder beforehand with the right owner.",
    ),
    "disk_space": (
        "{mount} on {host} has {found} free for {path}; {wanted} are needed.",
        "Free some space or enlarge it. Docker's own rubbish: docker system df shows it, docker image prune frees it.",
    ),
    "disk_inodes": (
        "{mount} on {host} has only {found} % of its inodes free: files cannot be made although there is space.",
        "Delete folders with very many small files, or make the file system anew with more inodes.",
    ),
    "disk_full": (
        "{mount} on {host} is {found} % full{growth}. Above 90 % CVAT calls itself unhealthy and refuses logins.",
        "Free some space or enlarge it before it fills up.",
    ),
    "port": (
        "Port {port} on {host}, which {purpose} needs, is taken by {holder}.",
        "Stop that, or give {purpose} another port ({variable}).",
    ),
    "port_value": (
        "{port} is no port for {purpose}.",
        "Choose one between 1 and 65535 ({variable}).",
    ),
    "port_twice": (
        "Port {port} is wanted twice, for {purpose}.",
        "Give them different ports ({variable}).",
    ),
    "subnet_value": (
        "'{value}' is no private IPv4 network such as 172.20.0.0/24 with room for the containers.",
        "Correct annotation_server_subnet.",
    ),
    "functions_subnet_value": (
        "'{value}' is no private IPv4 network of 16 or more addresses, apart from CVAT's, {subnet}.",
        "Correct annotation_server_functions_subnet, for example to 172.20.1.0/24.",
    ),
    "ip_range_value": (
        "'{value}' is no part of {subnet}, so containers without a fixed address cannot be numbered from it.",
        "Correct annotation_server_ip_range, for example {example}.",
    ),
    "ip_range_fixed": (
        "{value} contains {addresses}, which CVAT's services have as their fixed addresses; "
        "a model would take them first ('address already in use').",
        "Choose annotation_server_ip_range outside them, for example {example}.",
    ),
    "subnet_small": (
        "{subnet} has no {addresses}, which CVAT's services have as their fixed addresses.",
        "Choose a larger annotation_server_subnet (a /24).",
    ),
    "subnet_docker": (
        "{subnet} overlaps with {other} of the Docker network {network} on {host}.",
        "Remove that network if nobody uses it (docker network rm {network}), or set {variables} to something else, "
        "for example {free}.",
    ),
    "subnet_host": (
        "{subnet} overlaps with {other}, which the interface {interface} of {host} is in.",
        "Set {variables} to something else, for example {free}.",
    ),
    "subnet_route": (
        "{host} reaches {other} through {interface}; {subnet} will hide that part of it.",
        "If machines there matter to this host, set {variables} to something else, for example {free}.",
    ),
    "gpu_missing": (
        "annotation_server_gpu is true, but {host} has no NVIDIA device.",
        "Set annotation_server_gpu to auto or false. Into a virtual machine the card must be passed through first.",
    ),
    "gpu_none": (
        "{host} has no NVIDIA device: models run on the processor.",
        "",
    ),
    "gpu_found": (
        "{host} has {count} NVIDIA device(s); driver loaded: {driver}.",
        "",
    ),
    "gpu_ignored": (
        "{host} has an NVIDIA device, which is left alone because annotation_server_gpu is false.",
        "",
    ),
    "secure_boot": (
        "Secure Boot is on at {host}, and the NVIDIA driver is not loaded: the kernel accepts signed modules only.",
        "Use the distribution's signed modules (Ubuntu's linux-modules-nvidia-*), enrol a key at the console, "
        "or switch Secure Boot off in the firmware.",
    ),
    "internet": (
        "{host} cannot reach {url}: {error}.",
        "Open the way, set annotation_server_http_proxy and annotation_server_https_proxy, or use a mirror and put "
        "its addresses into preflight_urls (empty: do not ask). A server that must not reach anything takes a bundle: "
        "docs/no-internet.md.",
    ),
    "certificate": (
        "{host} does not trust the certificate of {url}: {error}.",
        "Behind a proxy that replaces certificates, name its authority in annotation_server_ca_certificates.",
    ),
    "server_name": (
        "'{value}' is no name or IPv4 address for the server: it must have no scheme, port, path or blank.",
        "Set annotation_server_host to what people type between http:// and the port.",
    ),
    "server_name_local": (
        "CVAT will answer under '{value}' only, so nobody but {host} itself can open it.",
        "Set annotation_server_host to the server's name or address in your network.",
    ),
    "server_name_unknown": (
        "{host} does not know the name {value}; CVAT answers under exactly this name.",
        "Make sure that the browsers of its users know it (DNS or their hosts file), or use an address.",
    ),
    "dpkg": (
        "The package database of {host} was left half-way{packages}.",
        "Run dpkg --configure -a and apt-get --fix-broken install on it.",
    ),
}

LANGUAGES: dict[str, dict[str, tuple[str, str]]] = {"en": ENGLISH, "pt": PORTUGUESE}


def sentences(check: str, language: str, words: dict[str, object]) -> tuple[str, str]:
    """Return what is wrong and what to do, in the language or else in English."""
    problem, cure = LANGUAGES.get(language, ENGLISH).get(check, ENGLISH[check])
    return problem.format(**words), cure.format(**words)
