"""The host that suffers: commands on it, and what can happen to it from outside."""

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from demo import hosts, settings, snapshot
from demo.shell import Failed, docker, docker_environment, inspect

CONNECTION = {"ansible_connection": "community.docker.docker", "ansible_python_interpreter": "/usr/bin/python3"}


@dataclass(frozen=True)
class Host:
    """A demo host; `image` is what it begins with."""

    name: str
    image: str

    def make(self) -> bool:
        """Make it, or start it again; tell whether it is new."""
        return snapshot.create(self.name) if self.image == "site:13" else hosts.create(self.name, self.image)

    def remove(self) -> None:
        """Take it away."""
        hosts.remove(self.name)

    def identity(self) -> str:
        """The container's id: a host of the same name that was made anew is another one."""
        return (inspect("container", self.name) or {}).get("Id", "")

    def variables(self) -> dict[str, str]:
        """How Ansible gets there."""
        return {**CONNECTION, "ansible_docker_extra_args": f"--host={docker_environment()['DOCKER_HOST']}"}

    def shell(self, script: str, check: bool = True, timeout: float = 300) -> str:
        """Run a script as root, and return what it printed; its errors too.

        Raises Failed when it does not end well.
        """
        command = ["docker", "exec", "--interactive", self.name, "bash", "-euo", "pipefail", "-s"]
        return self._feed(command, script, check, timeout)

    def python(self, program: Path, *arguments: str, timeout: float = 300) -> str:
        """Run a Python program of this folder there."""
        command = ["docker", "exec", "--interactive", self.name, "python3", "-", *arguments]
        return self._feed(command, program.read_text(), True, timeout)

    def _feed(self, command: list[str], text: str, check: bool, timeout: float) -> str:
        done = subprocess.run(
            command, input=text, capture_output=True, text=True, timeout=timeout, env=os.environ | docker_environment()
        )
        if check and done.returncode:
            raise Failed(
                f"On {self.name}: {text[:300]}\n... ended with {done.returncode}: {(done.stdout + done.stderr)[-2000:]}"
            )
        return (done.stdout + ("" if check else done.stderr)).strip()

    def cut_power(self) -> None:
        """Everything on it ends at once; what was written to its disk stays."""
        docker("kill", "--signal", "KILL", self.name)

    def boot(self) -> None:
        """Switch it on, and wait until it has booted."""
        docker("start", self.name)
        hosts.wait_booted(self.name, 180)

    def restart(self) -> None:
        """Let it go down in order, and boot again."""
        docker("restart", "--time", "60", self.name)
        hosts.wait_booted(self.name, 180)

    def started_at(self) -> str:
        """When its container started."""
        return (inspect("container", self.name) or {}).get("State", {}).get("StartedAt", "")

    def unplug(self) -> str:
        """Pull the network cable; returns the address that it had."""
        address = self.address()
        docker("network", "disconnect", settings.NETWORK, self.name)
        return address

    def plug_in(self, address: str) -> None:
        """Put the cable back."""
        docker("network", "connect", "--ip", address, settings.NETWORK, self.name)

    def address(self) -> str:
        """Its address on the demo's network; empty while the cable is out."""
        networks = (inspect("container", self.name) or {})["NetworkSettings"]["Networks"]
        return networks.get(settings.NETWORK, {}).get("IPAddress", "")

    def dockerd(self) -> str:
        """Process id of its Docker daemon; 0 when it does not run."""
        return self.shell("systemctl show --property MainPID --value docker.service", check=False)

    def wait_for_docker(self, timeout: float = 120) -> None:
        """Wait until its Docker answers."""
        end = time.monotonic() + timeout
        while self.shell("docker info >/dev/null 2>&1 && echo yes", check=False) != "yes":
            if time.monotonic() > end:
                raise Failed(f"Docker on {self.name} does not answer")
            time.sleep(0.5)
