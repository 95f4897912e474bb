"""The docker command, as Nuclio's shell client uses it."""

from __future__ import annotations

import json
import subprocess
import time
from typing import Any

from nuclio_local.errors import NuclioError


class DockerError(NuclioError):
    """The docker command failed; the message is what it wrote."""


def docker(*arguments: str, text: str | None = None) -> str:
    """Run docker and return its standard output."""
    try:
        result = subprocess.run(["docker", *arguments], input=text, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise DockerError("Failed to create docker client", "docker: executable file not found in $PATH") from error
    if result.returncode != 0:
        raise DockerError((result.stdout + result.stderr).strip() or f"docker {arguments[0]} failed")
    return result.stdout


def stream(*arguments: str) -> None:
    """Run docker with its output shown: builds take long and people want to see them move."""
    result = subprocess.run(["docker", *arguments], stderr=subprocess.STDOUT, check=False)
    if result.returncode != 0:
        raise DockerError(f"docker {arguments[0]} failed with exit status {result.returncode}")


def inspect(container: str) -> dict[str, Any] | None:
    """Return what Docker knows of a container; None if there is none of that name."""
    try:
        found: list[dict[str, Any]] = json.loads(docker("container", "inspect", container))
    except DockerError as error:
        if "no such container" in str(error).lower():
            return None
        raise
    return found[0]


def is_healthy(state: dict[str, Any]) -> bool:
    """Tell whether a container runs and its health check agrees."""
    return bool(state["Running"]) and (state.get("Health") or {}).get("Status") == "healthy"


def await_health(container: str, timeout: float) -> bool:
    """Wait up to timeout seconds until the container is healthy; False as soon as it cannot become so."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        found = inspect(container)
        if found is None:
            return False
        if is_healthy(found["State"]):
            return True
        gone = found["State"]["Status"] in ("exited", "dead")
        if gone and found["HostConfig"]["RestartPolicy"]["Name"] in ("", "no"):
            return False
        time.sleep(0.5)
    return False


def published_port(container: dict[str, Any], inner: int) -> int:
    """Return the host's port behind a container's TCP port, 0 if it is not published."""
    bindings = (container["NetworkSettings"]["Ports"] or {}).get(f"{inner}/tcp") or []
    return int(bindings[0]["HostPort"]) if bindings else 0


def addresses(container: dict[str, Any]) -> list[str]:
    """Return the container's addresses in the networks it joined."""
    networks = container["NetworkSettings"]["Networks"].values()
    return [network["IPAddress"] for network in networks if network.get("IPAddress")]
