"""Runs on the host: prints what the server is like as JSON, one entry per thing, without times and counters.

Standard library only. It first waits until nothing is under way any more: containers that start, packages that are
installed, modules of a run that was killed.

    python3 look.py FOLDER...     folders whose files are looked at, besides those of FOLDERS
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import stat
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

FOLDERS = [
    "/etc/annotation-server", "/etc/apt", "/etc/docker", "/etc/modprobe.d", "/etc/modules-load.d", "/etc/profile.d",
    "/etc/systemd/system", "/mnt/share", "/opt/annotation-server", "/usr/local/bin", "/usr/local/share/ca-certificates",
    "/var/lib/annotation-server",
]  # fmt: skip
#: Logs and results of a run, which are of that run.
OF_A_RUN = re.compile(r"/functions/\.logs/|/verify\.json$|\.before$|/__pycache__")
#: Fields that say when, how long, or under which number.
TIMES = re.compile(r"^(made|time|date|seconds|started|finished|id)$")
SECRETS = Path("/etc/annotation-server/secrets")
#: What may still be under way after a run was killed.
BUSY = r"AnsiballZ|async_wrapper|\bnuctl (deploy|build|delete)|^(apt-get|dpkg|docker pull|docker build)\b"
PATIENCE = 180.0
#: The firewall's, and what keeps models from the dashboard.
TABLES = (
    ("inet", "annotation_server"),
    ("inet", "annotation_server_functions"),
    ("bridge", "annotation_server_functions"),
)
FIREWALL_UNDO = "annotation-server-firewall-undo.timer"
#: What a running Docker has read of its settings.
SETTINGS = (
    "{{json .RegistryConfig.InsecureRegistryCIDRs}} {{range $k, $v := .RegistryConfig.IndexConfigs}}{{$k}} {{end}} \
{{.LiveRestoreEnabled}} {{.LoggingDriver}} {{json .DefaultAddressPools}}"
)


def run(*command: str) -> str:
    """Return a command's output; empty when it fails or is not there."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout if done.returncode == 0 else ""


def busy() -> list[str]:
    """Return what is under way."""
    mine = {os.getpid(), os.getppid()}
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if int(folder.name) not in mine and re.search(BUSY, line):
            found.append(line[:120])
    states = run("docker", "ps", "--all", "--format", "{{.Names}} {{.Status}}").splitlines()
    if run("systemctl", "is-active", FIREWALL_UNDO).strip() == "active":
        found.append(FIREWALL_UNDO)  # what it does shall be seen
    return found + [line for line in states if "health: starting" in line or "Restarting" in line]


def settle() -> dict[str, Any]:
    """Wait until nothing is under way; return what still is."""
    end = time.monotonic() + PATIENCE
    while (left := busy()) and time.monotonic() < end:
        time.sleep(1)
    return {f"under way {line}": True for line in left}


def certificate(path: Path) -> dict[str, str]:
    """Describe a certificate without what is random in it: whom it is for, and whether its key fits."""
    about = run("openssl", "x509", "-in", str(path), "-noout", "-subject", "-issuer", "-ext", "subjectAltName")
    keys = [path.with_suffix(".key"), SECRETS / f"tls_{path.stem}.key"]
    key = next((each for each in keys if each.exists()), None)
    fits = key and run("openssl", "pkey", "-in", str(key), "-pubout") == run(
        "openssl", "x509", "-in", str(path), "-noout", "-pubkey"
    )
    return {"about": " ".join(about.split()), "key fits": str(fits)}


def without_times(value: Any) -> Any:
    """Return JSON without the fields that differ from run to run."""
    if isinstance(value, dict):
        return {key: without_times(each) for key, each in value.items() if not TIMES.search(key)}
    return [without_times(each) for each in value] if isinstance(value, list) else value


def content(path: Path) -> Any:
    """Return what a file holds, in a form that the next run would write again."""
    data = path.read_bytes()
    if path.suffix in (".crt", ".pem") and b"BEGIN CERTIFICATE" in data and "annotation-server" in str(path):
        return certificate(path)
    if path.suffix == ".key" and b"PRIVATE KEY" in data:
        return "a private key"
    if path.name == "cloud-storages.json":
        return f"{len(json.loads(data))} keys remembered"  # by CVAT's numbers
    if path.suffix == ".json" and str(path).startswith("/var/lib/annotation-server"):
        try:
            return without_times(json.loads(data))
        except ValueError:
            return "damaged"
    return hashlib.sha256(data).hexdigest()


def files(folders: list[str]) -> dict[str, Any]:
    """Describe files and folders: kind, owner, mode, content."""
    found: dict[str, Any] = {}
    for top in folders:
        for path in [Path(top), *sorted(Path(top).rglob("*"))]:
            if OF_A_RUN.search(str(path)) or not (path.exists() or path.is_symlink()):
                continue
            about = path.lstat()
            entry: dict[str, Any] = {
                "mode": oct(stat.S_IMODE(about.st_mode)),
                "owner": f"{about.st_uid}:{about.st_gid}",
            }
            if path.is_symlink():
                entry = {"link": str(path.readlink())}
            elif path.is_file():
                entry["content"] = content(path)
            found[f"file {path}"] = entry
    for name in ("/etc/fstab", "/etc/hosts", "/etc/group"):
        lines = [line for line in Path(name).read_text().splitlines() if re.search("annotation|docker|/mnt", line)]
        # Docker writes the host's own name into its list of names, with an address that a restart may change.
        found[f"lines {name}"] = [
            line for line in lines if name != "/etc/hosts" or line.endswith("# annotation server")
        ]
    note = Path("/run/annotation-server-docker")
    found["note of what Docker still has to do"] = note.read_text() if note.exists() else ""
    return found


def system() -> dict[str, Any]:
    """Describe packages, units, mounts and the firewall."""
    found: dict[str, Any] = {}
    listed = run("dpkg-query", "-W", "-f", "${Package} ${Version} ${db:Status-Abbrev}\n")
    for line in listed.splitlines():
        package, version, state = line.split(" ", 2)
        if state.strip() not in ("rc", "un"):  # removed, but for its settings
            found[f"package {package}"] = f"{version} {state.strip()}"
    found["packages half-way"] = run("dpkg", "--audit")
    units = json.loads(run("systemctl", "list-unit-files", "--output", "json") or "[]")
    found |= {f"unit file {u['unit_file']}": u["state"] for u in units if u["state"] in ("enabled", "masked")}
    for pattern in (
        "annotation-*",
        "docker.service",
        "docker.socket",
        "containerd.service",
        "nftables.service",
        "nvidia*",
    ):
        for unit in json.loads(run("systemctl", "list-units", "--all", "--output", "json", pattern) or "[]"):
            if unit["load"] == "loaded":
                found[f"unit {unit['unit']}"] = f"{unit['active']} {unit['sub']}"
    mounts = run("findmnt", "--list", "--noheadings", "--output", "TARGET,SOURCE,FSTYPE").splitlines()
    found |= {
        f"mount {line.split()[0]}": line.split()[1:]
        for line in mounts
        if re.match("/(mnt|opt|etc/anno|var/lib/anno|srv)", line)
    }
    found["systemd has to read units anew"] = run(
        "systemctl", "show", "--property", "NeedDaemonReload", "docker.service"
    ).strip()
    for family, table in TABLES:
        rules = run("nft", "list", "table", family, table)
        found[f"rules {family} {table}"] = re.sub(r"counter packets \d+ bytes \d+", "counter", rules)
    return found


def addresses(network: dict[str, Any]) -> str:
    """Return a container's fixed address, or that it is one of the range for others."""
    fixed = (network.get("IPAMConfig") or {}).get("IPv4Address", "")
    last = int(fixed.rsplit(".", 1)[1]) if fixed else 0
    return "one of the range" if last >= 128 else fixed


def docker() -> dict[str, Any]:
    """Describe containers, networks, volumes and images."""
    found: dict[str, Any] = {"docker runs with": run("docker", "info", "--format", SETTINGS).strip()}
    names = run("docker", "ps", "--all", "--quiet").split()
    for each in json.loads(run("docker", "inspect", *names) or "[]") if names else []:
        config, host, state = each["Config"], each["HostConfig"], each["State"]
        mounts = [f"{m['Type']} {m.get('Name') or m['Source']} {m['Destination']} {m['RW']}" for m in each["Mounts"]]
        found[f"container {each['Name'].lstrip('/')}"] = {
            "image": config["Image"],
            "state": f"{state['Status']} {(state.get('Health') or {}).get('Status', '')}",
            "networks": {name: addresses(n) for name, n in each["NetworkSettings"]["Networks"].items()},
            "env": sorted(config["Env"] or []),
            "mounts": sorted(re.sub(r"\b[0-9a-f]{64}\b", "anonymous", mount) for mount in mounts),
            "ports": host["PortBindings"],
            "restart": host["RestartPolicy"]["Name"],
            "labels": {
                key: value for key, value in (config["Labels"] or {}).items()
                if key in ("com.docker.compose.project", "com.docker.compose.service", "nuclio.io/function-name")
            },
        }  # fmt: skip
    networks = run("docker", "network", "ls", "--quiet").split()
    for each in json.loads(run("docker", "network", "inspect", *networks) or "[]") if networks else []:
        members = sorted(container["Name"] for container in each["Containers"].values())
        found[f"network {each['Name']}"] = {
            "driver": each["Driver"],
            "ipam": each["IPAM"]["Config"],
            "members": members,
        }
    volumes = run("docker", "volume", "ls", "--format", "{{.Name}}").split()
    found |= {f"volume {name}": True for name in volumes if not re.fullmatch("[0-9a-f]{64}", name)}
    images = run("docker", "images", "--format", "{{.Repository}}:{{.Tag}}").split()
    return found | {f"image {name}": True for name in images if "<none>" not in name}


def secret(name: str) -> str:
    """Return a secret of the server; empty when it is not there."""
    path = SECRETS / name
    return path.read_text().strip() if path.exists() else ""


def objects() -> dict[str, Any]:
    """Describe buckets, their objects and policies, and CVAT's user of the object storage."""
    try:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        return {"object storage": "boto3 is missing"}
    user, password = secret("object_storage_root_user"), secret("object_storage_root_password")
    client = boto3.client(
        "s3",
        endpoint_url="http://127.0.0.1:9000",
        aws_access_key_id=user,
        aws_secret_access_key=password,
        region_name="us-east-1",
    )
    found: dict[str, Any] = {}
    try:
        for bucket in [each["Name"] for each in client.list_buckets()["Buckets"]]:
            try:
                found[f"bucket {bucket}"] = json.loads(client.get_bucket_policy(Bucket=bucket)["Policy"])
            except ClientError:
                found[f"bucket {bucket}"] = "no policy"
            for each in client.list_objects_v2(Bucket=bucket).get("Contents", []):
                found[f"object {bucket}/{each['Key']}"] = [each["Size"], each["ETag"]]
    except (BotoCoreError, ClientError) as error:
        return {"object storage": str(error)}
    os.environ["MC_HOST_LOOK"] = f"http://{user}:{password}@127.0.0.1:9000"
    mc = ("docker", "exec", "-e", "MC_HOST_LOOK", "-e", "MC_CONFIG_DIR=/tmp/.mc", "minio", "mc", "--json", "admin")
    about = json.loads(run(*mc, "user", "info", "LOOK", secret("object_storage_cvat_access_key")) or "{}")
    found["object storage user"] = {key: about.get(key) for key in ("userStatus", "policyName")}
    policy = json.loads(run(*mc, "policy", "info", "LOOK", str(about.get("policyName"))) or "{}")
    return {**found, "object storage policy": (policy.get("policyInfo") or {}).get("Policy")}


def api(path: str) -> Any:
    """Ask CVAT as its first user."""
    request = urllib.request.Request(f"http://127.0.0.1:8080/api/{path}")
    request.add_header("Host", "localhost")
    request.add_header(
        "Authorization", "Basic " + base64.b64encode(f"admin:{secret('cvat_superuser_password')}".encode()).decode()
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def cvat() -> dict[str, Any]:
    """Describe users, tasks and cloud storages of CVAT, and the models that it sees."""
    found: dict[str, Any] = {}
    try:
        for user in api("users?page_size=100")["results"]:
            found[f"user {user['username']}"] = {key: user.get(key) for key in ("is_superuser", "is_active", "email")}
        for task in api("tasks?page_size=100")["results"]:
            found[f"task {task['name']}"] = {key: task.get(key) for key in ("size", "mode", "status")}
        for number, storage in enumerate(api("cloudstorages?page_size=100")["results"]):
            wanted = ("resource", "display_name", "credentials_type", "specific_attributes")
            found[f"cloud storage {number}"] = {key: storage.get(key) for key in wanted}
            found[f"cloud storage {number}"]["status"] = api(f"cloudstorages/{storage['id']}/status")
        found |= {f"model {each['id']}": each.get("kind") for each in api("lambda/functions")}
    except (OSError, ValueError, KeyError) as error:
        found["CVAT answers"] = str(error)
    return found


def main() -> None:
    """Print everything."""
    found = settle() | files(FOLDERS + sys.argv[1:]) | system()
    if "package docker.io" in found:
        found |= docker()
    if "container cvat_server" in found:
        found |= objects() | cvat()
    json.dump(found, sys.stdout, sort_keys=True, indent=1)


if __name__ == "__main__":
    main()
