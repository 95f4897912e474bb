"""Ansible's connection to a host of demo/hosts.py: community.docker.docker, a tenth of a second quicker for each task.

`docker exec` asks Docker, containerd and runc for each task. Where root of this machine uses an engine of this
machine, nsenter goes straight into the host. Else, and for tasks of other users, it is `docker exec` as ever.

Used where ANSIBLE_CONNECTION_PLUGINS names this folder and `ansible_connection` is `docker`, which means
community.docker.docker anywhere else.
"""

import http.client
import json
import os
import socket
from pathlib import Path
from typing import Any

from ansible_collections.community.docker.plugins.connection import docker

DOCUMENTATION = docker.DOCUMENTATION
# What `docker exec` gives to a program in such a host, and nothing of this machine.
ENVIRONMENT = (
    "HOME=/root", "container=docker", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
)  # fmt: skip


class Connection(docker.Connection):
    """Enters the host by its first process."""

    def _build_exec_cmd(self, cmd: list[Any]) -> list[Any]:
        """The command line that runs `cmd` in the host."""
        process = self._first_process() if self.remote_user in (None, "root") else 0
        if not process:
            return super()._build_exec_cmd(cmd)
        enter = ["env", "-i", *ENVIRONMENT, "nsenter", "--all", "--no-fork", "--target", str(process)]
        # A host that goes down stops its processes before it kills them. nsenter would stop with them, and nobody would
        # be left to take note of their end; a shell does not.
        return [*enter, "/bin/sh", "-c", '"$@"; exit $?', "sh", *cmd]

    def _first_process(self) -> int:
        """The id of the host's first process here; 0 when it does not run, or is not a process of this machine."""
        endpoint = next((word for word in self._docker_args if word.startswith("--host=unix://")), "")
        if not endpoint or os.geteuid() != 0:
            return 0
        told = inspect(endpoint.removeprefix("--host=unix://"), self.get_option("remote_addr"))
        process = told.get("State", {}).get("Pid", 0)
        groups = Path(f"/proc/{process}/cgroup")
        return process if process and groups.exists() and told["Id"] in groups.read_text() else 0


def inspect(path: str, container: str) -> dict[str, Any]:
    """What the engine on a socket knows of a container; nothing when it does not answer or has no such container."""
    line = http.client.HTTPConnection("localhost", timeout=10)
    try:
        line.sock = socket.socket(socket.AF_UNIX)
        line.sock.connect(path)
        line.request("GET", f"/containers/{container}/json")
        return json.load(line.getresponse())
    except (OSError, http.client.HTTPException, ValueError):
        return {}
    finally:
        line.close()
