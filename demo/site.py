"""The demo itself: mirror, host, and the whole road of playbooks/site.yml on it."""

import json
import os
import subprocess
import time

from demo import hosts, mirror, settings
from demo.shell import docker_environment, inspect

HTTP_PORT = 8080


def up() -> int:
    """Bring up what is missing, run the site on it, and say what there is. Returns ansible-playbook's exit status."""
    started = time.monotonic()
    mirror.up()
    there = inspect("container", settings.HOST)
    ports = {} if there else {hosts.free_port(HTTP_PORT): HTTP_PORT}
    if hosts.create(settings.HOST, "host:13", settings.HOST_ADDRESS, ports):
        for facts in settings.FACTS.glob("*demo"):
            facts.unlink()  # of a former host
    command = [".venv/bin/ansible-playbook", "-i", "inventories/demo", "playbooks/site.yml"]
    status = subprocess.run(command, cwd=settings.REPOSITORY, env=os.environ | docker_environment()).returncode
    if status == 0:
        print(_summary(time.monotonic() - started))
    return status


def _summary(seconds: float) -> str:
    """What was built, where to look at it and how to take it away."""
    container = inspect("container", settings.HOST) or {}
    published = container["NetworkSettings"]["Ports"].get(f"{HTTP_PORT}/tcp")  # none when the host was made by hand
    address = f"localhost:{published[0]['HostPort']}" if published else f"{settings.HOST_ADDRESS}:{HTTP_PORT}"
    endpoint = json.dumps(docker_environment()["DOCKER_HOST"])
    return f"""
The demo is up, after {seconds:.0f} s.
  CVAT         http://{address}/   user admin; the password:
               docker --host {endpoint} exec {settings.HOST} cat /etc/annotation-server/secrets/cvat_superuser_password
  on the host  docker --host {endpoint} exec -it {settings.HOST} bash
  restart it   docker --host {endpoint} restart {settings.HOST}
  remove all   make demo-down

It is a container that boots systemd, with a Docker Engine inside; CVAT and Nuclio in it are stand-ins, see
tests/stand_ins.
It listens on this machine's loopback only. Whoever is root in it is close to root on this machine: do not expose it."""
