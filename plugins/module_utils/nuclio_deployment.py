"""How one Nuclio function gets from the state it is in to the state it should be in.

Kept apart from the Ansible module, so that tests drive it with a nuctl of their own.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import (
    docker_times,
    nuclio_build,
    nuclio_cli,
    nuclio_inputs,
)
from ansible_collections.annotation.server.plugins.module_utils.nuclio_cli import NuclioError

_POLL_SECONDS = 2.0
_HOPELESS_RESTARTS = 3
#: What nuctl may need besides waiting for the function.
_OVERHEAD_SECONDS = 300


@dataclass
class State:
    """What is known about a deployed function."""

    exists: bool = False
    state: str = "absent"
    message: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    running: bool = False
    container: Mapping[str, Any] | None = None
    #: Where the dashboard calls it: the container's address when it was deployed.
    address: str = ""

    @classmethod
    def of(cls, record: Mapping[str, Any] | None, container: Mapping[str, Any] | None) -> State:
        """Put together what Nuclio has noted about a function and what Docker says of its container."""
        running = nuclio_cli.is_running(container)
        if not record:
            return cls(container=container, running=running)
        metadata, status = record.get("metadata") or {}, record.get("status") or {}
        return cls(
            exists=True,
            state=status.get("state") or "unknown",
            message=status.get("message") or "",
            annotations=metadata.get("annotations") or {},
            labels=metadata.get("labels") or {},
            running=running,
            container=container,
            address=next(iter(status.get("internalInvocationUrls") or [""])).rpartition(":")[0],
        )

    def holds_address(self, network: str) -> bool:
        """Whether the container has that address whenever it starts, and not whichever is free then."""
        networks = ((self.container or {}).get("NetworkSettings") or {}).get("Networks") or {}
        wanted = ((networks.get(network) or {}).get("IPAMConfig") or {}).get("IPv4Address")
        return not network or not self.address or wanted == self.address

    @property
    def hash(self) -> str:
        """Hash of the inputs it was deployed with."""
        return self.annotations.get(nuclio_inputs.HASH_ANNOTATION, "")

    @property
    def ready(self) -> bool:
        """Whether Nuclio calls it ready and its container runs."""
        return self.state == "ready" and self.running

    def in_words(self) -> str:
        """Describe it for a message."""
        if not self.exists and self.container is None:
            return "not deployed"
        return f"{self.state}, its container {'runs' if self.running else 'does not run'}"


class Function:
    """One function in one namespace."""

    def __init__(
        self, name: str, project: str, nuctl: nuclio_cli.Nuctl, docker: nuclio_cli.Docker, network: str = ""
    ) -> None:
        """Remember the names and the tools; ``network`` is the one on which the dashboard calls the function."""
        self.name = name
        self.network = network
        self.project = project
        self.nuctl = nuctl
        self.docker = docker
        self.container_name = nuclio_cli.container_name(nuctl.namespace, name)

    def read(self, pure: bool = False) -> State:
        """Look at the function; ``pure`` reads files only, because nuctl's ``get`` changes things."""
        if pure:
            found = self.docker.stored("functions", self.nuctl.namespace, self.name)
        else:
            found = self.nuctl.get("function", self.name)
        return State.of(found[0] if found else None, self.docker.container(self.container_name))

    def settle(self, timeout: float) -> State:
        """Give a function with the right content time to become ready: after a reboot, or when it was stopped.

        Starts a stopped container. Returns the state at the end, ready or not.
        """
        state = self.read()
        end = time.monotonic() + timeout
        if state.container and not (state.container.get("State") or {}).get("Running"):
            self.docker("start", self.container_name)
        while not state.ready and state.container and time.monotonic() < end:
            time.sleep(_POLL_SECONDS)
            state = self.read()
            if state.state not in ("ready", "unhealthy"):
                break
        return state

    def hold_address(self) -> None:
        """Make the address that Nuclio remembers the container's own.

        Nuclio notes the address once, when it deploys. Docker gives a container any free one at each start, so that
        after a reboot the dashboard would call another container, or nobody.

        Raises:
            NuclioError: another container has the address.
        """
        state = self.read()
        if not state.holds_address(self.network):
            self._take_address(state.address)

    def _present_address(self, container: Mapping[str, Any]) -> str:
        """Return the address that the container has in the function's network now; empty if it has none."""
        networks = (container.get("NetworkSettings") or {}).get("Networks") or {}
        return str((networks.get(self.network) or {}).get("IPAddress") or "")

    def _take_address(self, address: str) -> None:
        if not self.network or not address:
            return
        self.docker("network", "disconnect", self.network, self.container_name)
        answer = self.docker("network", "connect", "--ip", address, self.network, self.container_name)
        if answer.rc != 0:
            self.docker("network", "connect", self.network, self.container_name)
            raise NuclioError(f"{self.container_name} cannot have {address}, where Nuclio looks for it: {answer.text}")

    def start(self, image: str, config: Mapping[str, Any], readiness_timeout: int) -> float:
        """Start the function from an image that is there; whatever ran before is removed by nuctl.

        Args:
            image: its name.
            config: the function's configuration; what it says about building is of no use here.
            readiness_timeout: longest time for loading the model, in seconds.

        Returns:
            How long it took to load the model, in seconds: from the container's start until it was found healthy.

        Raises:
            NuclioError: it did not become ready; with the last lines of nuctl or of the function itself.
        """
        before = (self.docker.container(self.container_name) or {}).get("Id")
        try:
            answer = self._deploy(image, config, readiness_timeout, before)
            said = f"What nuctl says:\n{nuclio_cli.last_lines(answer.text)}"
            if answer.rc == 0:
                container = self.docker.container(self.container_name) or {}
                # Nuclio has just noted the address that the container has now: no need to ask for it.
                self._take_address(self._present_address(container))
                state = self.read()
                if state.ready:
                    return docker_times.seconds_to_health(container)
                said = f"nuctl deployed it, but it is {state.in_words()}. {state.message}"
        except NuclioError as error:
            # nuctl could tell nobody: the store still says "building".
            said = f"{error}\nThe next run clears the unfinished deploy away."
        after = (self.docker.container(self.container_name) or {}).get("Id")
        if after and after != before:
            # It was started; then what it says itself is the reason, and nuctl only repeats it.
            said = f"What the function itself says:\n{self.docker.logs(self.container_name)}"
        raise NuclioError(said)

    def keeps_ending(self, before: str | None) -> str:
        """Say that the new container ends as often as Docker starts it; nuctl would wait for it to the end."""
        container = self.docker.container(self.container_name) or {}
        count = int(container.get("RestartCount") or 0)
        if container.get("Id") in (None, before) or count < _HOPELESS_RESTARTS:
            return ""
        return f"the function's container was started {count + 1} times and ended every time"

    def keep_image(self, container: Mapping[str, Any] | None) -> str:
        """Name the image of the running function, so that a new build cannot take it away. Empty: there is none."""
        image = str((container or {}).get("Image") or "")
        name = f"annotation-server/previous-{self.name}:latest"
        if not image or self.docker("image", "tag", image, name).rc != 0:
            return ""
        return name

    def forget_image(self, name: str) -> None:
        """Take the second name away again; the image goes with it when nothing else uses it."""
        if name:
            self.docker("image", "rm", name)

    def restore(self, before: State, image: str, readiness_timeout: int) -> bool:
        """Start the previous version again from its image, with the configuration that its container remembers."""
        labels = ((before.container or {}).get("Config") or {}).get("Labels") or {}
        try:
            spec = json.loads(labels["nuclio.io/function-spec"])
        except (KeyError, ValueError):
            return False
        config = {"metadata": {"annotations": dict(before.annotations), "labels": dict(before.labels)}, "spec": spec}
        try:
            self.clear()
            self.start(image, config, readiness_timeout)
        except NuclioError:
            return False
        return True

    def clear(self) -> None:
        """Remove a deploy that was killed half-way; nuctl refuses every other command on it."""
        if self.read().state in nuclio_cli.PROVISIONING:
            self.delete(force=True)

    def delete(self, force: bool = False) -> None:
        """Remove the function and its container.

        Raises:
            NuclioError: nuctl did not remove it.
        """
        command = ["delete", "function", self.name, *(["--force"] if force else [])]
        if force:
            self._remove_helpers()
        answer = self.nuctl(*command, timeout=300)
        if answer.rc != 0 and force and self._remove_helpers():  # it came up only now
            answer = self.nuctl(*command, timeout=300)
        if answer.rc != 0:
            raise NuclioError(f"nuctl delete function {self.name} failed:\n{nuclio_cli.last_lines(answer.text)}")

    def _remove_helpers(self) -> bool:
        """Remove containers through which a killed nuctl was writing the function's settings: they hold its volume."""
        mounted = self.docker(
            "container", "ls", "--all", "--filter", f"volume={self.container_name}", "--format={{.Names}}"
        )
        names = mounted.text.split() if mounted.rc == 0 else []
        helpers = [name for name in names if name != self.container_name]
        return bool(helpers) and self.docker("container", "rm", "--force", *helpers).rc == 0

    def _deploy(
        self, image: str, config: Mapping[str, Any], readiness_timeout: int, before: str | None
    ) -> nuclio_cli.Answer:
        spec = {key: value for key, value in config["spec"].items() if key not in ("build", "image", "imageHash")}
        with nuclio_build.config_file({**config, "spec": spec}, self.name, self.nuctl.namespace) as path:
            command = ["deploy", self.name, "--project-name", self.project, "--file", path, "--run-image", image]
            command += ["--readiness-timeout", str(readiness_timeout)]
            limit = readiness_timeout + _OVERHEAD_SECONDS
            return self.nuctl(*command, timeout=limit, hopeless=lambda: self.keeps_ending(before))
