"""A finished site to start from: playbooks/site.yml runs once on a host, and copies of that host are up in seconds."""

import fcntl
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import yaml

from demo import hosts, images, mirror, settings
from demo.shell import Failed, docker, docker_environment, inspect, step

NAME = "annotation-site"  # the host that is copied; it stays, stopped
IMAGE = settings.IMAGES + "site:13"
FOLDERS = ("functions", "inventories/demo", "playbooks", "plugins", "roles")
LOG = settings.STATE / "site.log"
INVENTORY = settings.STATE / "site-inventory.yml"
# Docker's own folders are volumes, which an image does not hold: they are copied from the one host to the other.
VOLUMES = {"/var/lib/docker": "docker", "/var/lib/containerd": "containerd"}
COPY = 'for folder in /from/*; do cp -a "$folder/." "/to/${folder#/from/}/"; done'
HEALTH = "curl -fsS -o /dev/null 'http://localhost:8080/api/server/health/?format=json'"


def create(name: str) -> bool:
    """Make a host on which the site has run, and wait until CVAT answers. True when it was new."""
    with _one_at_a_time():
        _ensure()
    new = hosts.create_from(IMAGE, name, before_boot=_fill)
    with step(f"CVAT answers on {name}"):
        _wait_for_cvat(name)
    return new


def _ensure() -> None:
    """Run the site on the host that is copied, unless one is there that came from the same files.

    With ANNOTATION_DEMO_ANY_SITE=1 one that came from other files will do: while a role is being written.
    """
    inputs = _inputs()
    made_from = images.made_from(IMAGE) if inspect("container", NAME) else ""
    if made_from == inputs or (made_from and os.environ.get("ANNOTATION_DEMO_ANY_SITE")):
        return
    hosts.remove(NAME)
    hosts.create(NAME, "host:13", kind="snapshot")
    with step("the whole site, once, for hosts that begin with it"):
        _run_site()
        docker("stop", "--time", "120", NAME)
    docker("commit", "--change", f"LABEL {images.INPUTS}={inputs} {settings.LABEL}=1", NAME, IMAGE)


def _inputs() -> str:
    """Hash of all that the finished site comes from."""
    folders = [images.folder_digest(settings.REPOSITORY / folder) for folder in FOLDERS]
    stand_ins = [images.made_from(settings.IMAGES + item["name"]) for item in mirror.listed()["images"]]
    told = (settings.STATE / "vars.yml").read_text()  # sums of the files that the mirror serves
    return images.digest(images.made_from(images.ensure("host:13")), told, *folders, *stand_ins)


def _run_site() -> None:
    """playbooks/site.yml as in the demo, but on the host that is copied."""
    endpoint = docker_environment()["DOCKER_HOST"]
    host = {
        "__demo_project": str(settings.REPOSITORY),
        "ansible_connection": "docker",  # demo/connection/docker.py
        "ansible_docker_extra_args": f"--host={endpoint}",
        "ansible_python_interpreter": "/usr/bin/python3",
        "verify_report": str(settings.STATE / "site-report.html"),
    }
    INVENTORY.write_text(yaml.safe_dump({"annotation_servers": {"hosts": {NAME: host}}}))
    inventories = ["-i", "inventories/demo", "-i", str(INVENTORY), "--limit", NAME]
    command = [".venv/bin/ansible-playbook", *inventories, "playbooks/site.yml"]
    # Not the settings of molecule, when it is molecule that asks for a host.
    outer = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_") or key == "ANSIBLE_HOME"}
    told = {
        "ANSIBLE_CACHE_PLUGIN": "memory",
        "ANSIBLE_CONNECTION_PLUGINS": str(settings.REPOSITORY / "demo/connection"),
    }
    environment = outer | docker_environment() | told
    with LOG.open("w") as log:
        done = subprocess.run(command, cwd=settings.REPOSITORY, env=environment, stdout=log, stderr=log, check=False)
    if done.returncode:
        hosts.remove(NAME)
        raise Failed(f"site.yml did not end well on {NAME}; all of it is in {LOG}:\n{LOG.read_text()[-3000:]}")


def _fill(name: str) -> None:
    """Copy Docker's folders of the finished site into those of a host that has not booted yet."""
    volumes = []
    for host, side in ((NAME, "from"), (name, "to")):
        mounts = (inspect("container", host) or {})["Mounts"]
        found = {mount["Destination"]: mount["Name"] for mount in mounts if mount["Type"] == "volume"}
        volumes += [f"--volume={found[path]}:/{side}/{short}" for path, short in VOLUMES.items()]
    # Some attributes of overlay's files are hidden from a container with fewer rights.
    rights = ("--cap-add=ALL", "--cap-drop=SYS_RESOURCE")
    docker("run", "--rm", *rights, *volumes, images.ensure("host:13"), "sh", "-c", COPY)


def _wait_for_cvat(name: str, timeout: float = 180) -> None:
    end = time.monotonic() + timeout
    while True:
        try:
            docker("exec", name, "sh", "-c", HEALTH)
            return
        except Failed as error:
            if time.monotonic() > end:
                raise Failed(f"CVAT on {name} does not answer: {error}") from error
            time.sleep(1)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Two scenarios that begin together make one site."""
    with (settings.STATE / "site.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
