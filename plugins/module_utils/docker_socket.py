"""A Docker Engine through its socket, without the Docker client and without any library.

Only ``delete`` changes something.

Source: Docker Engine API; the calls used are the same in every version from 1.24 on.
"""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any


class EngineUnreachableError(Exception):
    """Nobody answers on the socket, or not as Docker does."""


class Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        """Remember the socket's path; nothing is opened yet. ``timeout`` in seconds."""
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self) -> None:
        """Open the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def get(path: str, call: str, timeout: float = 10) -> Any:
    """Return the decoded answer of one GET call.

    Raises:
        EngineUnreachableError: no socket, no answer in time, or an answer that is not Docker's.
    """
    connection = Connection(path, timeout)
    try:
        connection.request("GET", call)
        reply = connection.getresponse()
        content = reply.read()
        if reply.status != 200:
            raise EngineUnreachableError(f"{call} answered {reply.status}: {content[:200].decode(errors='replace')}")
        return json.loads(content)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise EngineUnreachableError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    finally:
        connection.close()


def delete(path: str, call: str, timeout: float = 300) -> None:
    """Have one object removed; one that is gone already is fine.

    Raises:
        EngineUnreachableError: nobody answers, or Docker refuses; with its reason.
    """
    connection = Connection(path, timeout)
    try:
        connection.request("DELETE", call)
        reply = connection.getresponse()
        content = reply.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        raise EngineUnreachableError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    finally:
        connection.close()
    if reply.status not in (200, 204, 404):
        try:
            reason = json.loads(content)["message"]
        except (ValueError, KeyError, TypeError):
            reason = content[:200]
        raise EngineUnreachableError(f"{call.split('?', maxsplit=1)[0]}: {reason}")


def network(entry: dict[str, Any]) -> dict[str, Any]:
    """Reduce a network to its name, subnets, interface and Compose project."""
    options = entry.get("Options") or {}
    usual = "docker0" if entry["Name"] == "bridge" else f"br-{entry['Id'][:12]}"
    return {
        "name": entry["Name"],
        "subnets": [part["Subnet"] for part in (entry.get("IPAM") or {}).get("Config") or [] if part.get("Subnet")],
        "interface": options.get("com.docker.network.bridge.name") or usual,
        "project": (entry.get("Labels") or {}).get("com.docker.compose.project", ""),
    }


def container(entry: dict[str, Any]) -> dict[str, Any]:
    """Reduce a running container to its name, the project that it belongs to and its published ports."""
    labels = entry.get("Labels") or {}
    ports = entry.get("Ports") or []
    published = {(port.get("IP", ""), port["PublicPort"]) for port in ports if port.get("PublicPort")}
    return {
        "name": entry["Names"][0].lstrip("/"),
        "project": labels.get("com.docker.compose.project") or labels.get("nuclio.io/project-name", ""),
        "ports": [{"address": where, "port": port} for where, port in sorted(published)],
    }


def describe(path: str) -> dict[str, Any]:
    """Describe the engine, its networks and running containers; ``reachable`` is false where nobody answers."""
    try:
        version = get(path, "/version")
        info = get(path, "/info")
        networks = [network(entry) for entry in get(path, "/networks")]
        containers = [container(entry) for entry in get(path, "/containers/json")]
    except EngineUnreachableError as error:
        return {"reachable": False, "error": str(error), "networks": [], "containers": []}
    return {
        "reachable": True,
        "error": "",
        "version": version.get("Version", ""),
        "platform": (version.get("Platform") or {}).get("Name", ""),
        "operating_system": info.get("OperatingSystem", ""),
        "root_dir": info.get("DockerRootDir", ""),
        "live_restore": bool(info.get("LiveRestoreEnabled")),
        "networks": networks,
        "containers": containers,
    }
