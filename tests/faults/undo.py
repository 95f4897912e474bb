"""Scripts that undo the work of a stage, or a part of it, so that the next run has to do it again."""

from demo import settings

STATE = "/var/lib/annotation-server"
TREE = "/opt/annotation-server/cvat/v2.80.0"
SECRETS = "/etc/annotation-server/secrets"
OPA = f"{settings.REGISTRY}/openpolicyagent/opa:1.12.2"
REMOVE = "DEBIAN_FRONTEND=noninteractive apt-get remove -y -qq {} >/dev/null; apt-get clean"

DOCKER = f"""
echo '{{"shutdown-timeout": 20}}' >/etc/docker/daemon.json
rm -f {STATE}/before/docker-daemon.json /run/annotation-server-docker /etc/docker/daemon.json.before
"""
STORAGE = """
umount /mnt/share 2>/dev/null || true
sed -i '/annotation\\|mnt.share/d' /etc/fstab
rm -f /etc/systemd/system/docker.service.d/annotation-server-storage.conf
systemctl daemon-reload
chown root:root /var/lib/docker/share && chmod 0755 /var/lib/docker/share
groupdel annotation 2>/dev/null || true
[ ! -d /mnt/minio-data ] || { chown root:root /mnt/minio-data && chmod 0755 /mnt/minio-data; }
"""
FIREWALL = f"""
systemctl disable --now --quiet annotation-server-firewall.service 2>/dev/null || true
rm -rf /etc/systemd/system/annotation-server-firewall.service /etc/systemd/system/nftables.service.d
rm -f /etc/annotation-server/firewall.nft
systemctl daemon-reload
{REMOVE.format("nftables")}
"""
#: As images of clouds have it: no package lists, and of a time long ago.
NO_LISTS = "rm -rf /var/lib/apt/lists/* && touch --date=@0 /var/lib/apt/lists"
TLS = """
rm -rf /etc/annotation-server/tls /etc/annotation-server/secrets/tls_authority.key
sed '/# annotation server$/d' /etc/hosts >/tmp/hosts && cat /tmp/hosts >/etc/hosts
"""
TOOLKIT = f"""
{REMOVE.format("'nvidia-container-toolkit*' 'libnvidia-container*'")}
rm -f /etc/apt/sources.list.d/nvidia-container-toolkit.sources /etc/apt/preferences.d/*nvidia-container*
rm -f {STATE}/gpu.json {STATE}/gpu_in_container
{DOCKER}
systemctl reset-failed docker; systemctl restart docker
"""
CUDA = f"""
{REMOVE.format("'cuda-*'")}
rm -f /etc/profile.d/*cuda* /etc/apt/preferences.d/*cuda*
"""
DRIVER = f"""
{REMOVE.format("'nvidia-driver*' nvidia-kernel-open-dkms nvidia-persistenced libcuda1")}
rm -f /etc/modprobe.d/annotation-server-nouveau.conf /etc/apt/preferences.d/*nvidia-driver {STATE}/gpu.json
"""
EARLY = f"docker rmi --force {settings.REGISTRY}/python:3.11-slim-bookworm >/dev/null"
OBJECT_STORAGE = f"""
python3 - <<'PROGRAM'
import base64, json, os, subprocess, urllib.request
import boto3
secret = lambda name: open(f"/etc/annotation-server/secrets/{{name}}").read().strip()
def ask(path, method="GET"):
    request = urllib.request.Request(f"http://127.0.0.1:8080/api/{{path}}", method=method)
    password = base64.b64encode(f"admin:{{secret('cvat_superuser_password')}}".encode()).decode()
    request.add_header("Host", "localhost"), request.add_header("Authorization", f"Basic {{password}}")
    return urllib.request.urlopen(request, timeout=30).read()
for storage in json.loads(ask("cloudstorages"))["results"]:
    ask(f"cloudstorages/{{storage['id']}}", "DELETE")
user, password = secret("object_storage_root_user"), secret("object_storage_root_password")
os.environ["MC_HOST_undo"] = f"http://{{user}}:{{password}}@127.0.0.1:9000"
mc = ["docker", "exec", "-i", "-e", "MC_HOST_undo", "-e", "MC_CONFIG_DIR=/tmp/.mc", "minio", "mc", "admin"]
key, silent = secret("object_storage_cvat_access_key"), {{"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}}
subprocess.run([*mc, "policy", "detach", "undo", "cvat-cvat-storage", "--user", key], **silent)
# Another key than the one that the stage is told.
subprocess.run([*mc, "user", "add", "undo", key], input=b"another" * 5, check=True, **silent)
s3 = boto3.client("s3", endpoint_url="http://127.0.0.1:9000", region_name="us-east-1",
                  aws_access_key_id=user, aws_secret_access_key=password)
if "second" in [each["Name"] for each in s3.list_buckets()["Buckets"]]:
    s3.delete_bucket(Bucket="second")
PROGRAM
rm -f {STATE}/cloud-storages.json /etc/annotation-server/secrets/object_storage_cvat_*
"""
RULES = """
sed -i 's|192.168.0.0/16|192.168.0.0/24|' /etc/annotation-server/firewall.nft
systemctl reload annotation-server-firewall.service
"""
#: Another password than the one that the stage is told.
ROOT_ACCOUNT = f"""
printf other-password >{SECRETS}/object_storage_root_password
docker restart minio >/dev/null
"""
CONTAINERS = "docker rm --force cvat_server cvat_ui cvat_opa cvat_worker_export >/dev/null"
IMAGE = f"docker rm --force cvat_opa >/dev/null; docker rmi --force {OPA} >/dev/null"
MODEL = "docker rm --force nuclio-nuclio-sam2 >/dev/null"
FUNCTION = f"""
{MODEL}
docker images --format '{{{{.Repository}}}}' | grep '^annotation-server/sam2/' | xargs docker rmi --force >/dev/null
rm -rf /opt/annotation-server/functions/sam2
"""
