"""Data that people have on a server; no fault may cost them any."""

from tests.faults.host import Host
from tests.faults.state import State

BASE = """
apt-get update -qq
mkdir -p /var/lib/docker/share /etc/docker
echo 'written before the faults' >/var/lib/docker/share/before.txt
echo '{"shutdown-timeout": 20}' >/etc/docker/daemon.json
systemctl restart docker
docker volume create before >/dev/null
echo 'written before the faults' >/var/lib/docker/volumes/before/_data/before.txt
"""
SITE = """
echo 'written before the faults' >/mnt/share/before.txt
install -m 0644 /dev/stdin /mnt/share/before.png <<'PNG'
{picture}
PNG
base64 -d /mnt/share/before.png >/mnt/share/before.new && mv /mnt/share/before.new /mnt/share/before.png
docker exec -e DJANGO_SUPERUSER_PASSWORD=before-the-faults cvat_server \
  python3 manage.py createsuperuser --noinput --username=before --email=before@localhost
python3 - <<'PROGRAM'
import base64, json, time, urllib.request, boto3
secret = lambda name: open(f"/etc/annotation-server/secrets/{{name}}").read().strip()
s3 = boto3.client("s3", endpoint_url="http://127.0.0.1:9000", region_name="us-east-1",
                  aws_access_key_id=secret("object_storage_root_user"),
                  aws_secret_access_key=secret("object_storage_root_password"))
s3.put_object(Bucket="cvat-storage", Key="before.txt", Body=b"written before the faults")
def ask(path, body=None):
    request = urllib.request.Request(f"http://127.0.0.1:8080/api/{{path}}", body and json.dumps(body).encode())
    password = base64.b64encode(f"admin:{{secret('cvat_superuser_password')}}".encode()).decode()
    request.add_header("Host", "localhost"), request.add_header("Content-Type", "application/json")
    request.add_header("Authorization", f"Basic {{password}}")
    return json.load(urllib.request.urlopen(request, timeout=30))
task = ask("tasks", {{"name": "before", "labels": [{{"name": "object", "attributes": []}}]}})
request = ask(f"tasks/{{task['id']}}/data", {{"server_files": ["before.png"], "image_quality": 100, "use_cache": True}})
while ask(f"requests/{{request['rq_id']}}")["status"] not in ("finished", "failed"):
    time.sleep(1)
PROGRAM
"""
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEklEQVR4nGP4z8CAFWEXHbQSACj/P8Fu7N9hAAAAAElFTkSuQmCC"
KEYS = {
    "host-docker:13": [
        "file /var/lib/docker/share/before.txt",
        "file /var/lib/docker/volumes/before/_data/before.txt",
        "volume before",
    ],
    "site:13": [
        "file /mnt/share/before.txt",
        "file /mnt/share/before.png",
        "object cvat-storage/before.txt",
        "task before",
        "user before",
        "volume cvat_cvat_db",
        "volume cvat_cvat_data",
    ],
}
#: Folders that are looked at because of them.
FOLDERS = {"host-docker:13": ["/var/lib/docker/share", "/var/lib/docker/volumes/before"], "site:13": []}


def write(host: Host) -> None:
    """Write the data."""
    host.shell(SITE.format(picture=PICTURE) if host.image == "site:13" else BASE)


def lost(host: Host, before: State, after: State) -> list[str]:
    """Which of the data are gone or changed."""
    return [key for key in KEYS[host.image] if key not in after or after[key] != before.get(key)]
