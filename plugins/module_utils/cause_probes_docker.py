"""What Docker and Compose tell: the engine, every container of the server, its logs, the network, the models.

Reads only. Environments of containers hold secrets: of them only what a rule needs is kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import docker_times, nuclio_cli
from ansible_collections.annotation.server.plugins.module_utils.gpu_containers import FUNCTION_LABEL
from ansible_collections.annotation.server.plugins.module_utils.questions import TOO_LATE, Ask

SERVICE_LABEL, PROJECT_LABEL = "com.docker.compose.service", "com.docker.compose.project"
PROJECT = "cvat"
#: Variables of CVAT's containers that rules ask for; none of them holds a secret.
VARIABLES = ("CVAT_NUCLIO_INVOKE_METHOD", "CVAT_SERVERLESS", "CVAT_HEALTH_DISK_USAGE_MAX", "SMOKESCREEN_OPTS")
_TELLING = re.compile(
    r"(?i)error|fatal|panic|exception|denied|refused|no space|cannot|can't|failed|killed|out of memory|not found"
    r"|invalid|no such|already in use|too old"
)
#: The end of a traceback, and what a database says last: better than what only speaks of it.
_REASON = re.compile(r"^\s*[\w.]*(?:Error|Exception)\b: |\b(?:FATAL|PANIC)\b")
#: What sounds bad and belongs to every stop.
ORDINARY = re.compile(r"terminating connection due to administrator command|database system is shut(?:ting)? down")
LINES = 60


def engine(ask: Ask) -> dict[str, Any]:
    """Return whether the engine answers, and if not, in which way."""
    answer = ask(["docker", "version", "--format", "{{ .Server.Version }}"], timeout=15)
    return {
        "installed": "docker: No such file" not in answer.err,
        "reachable": answer.rc == 0,
        "hangs": answer.rc == TOO_LATE,
        "version": answer.out.strip() if answer.rc == 0 else "",
        "error": "" if answer.rc == 0 else answer.text,
    }


def wanted(ask: Ask, cvat_dir: str) -> dict[str, Any]:
    """Return the services that the Compose files ask for: container, address, published ports, image.

    Needs no running engine.
    """
    if not (Path(cvat_dir) / ".env").exists():
        return {"error": f"{cvat_dir} holds no CVAT", "services": {}, "absent": True}
    # In that folder, because .env names the files relative to it.
    answer = ask(["docker", "compose", "config", "--format", "json"], timeout=18, folder=cvat_dir)
    try:
        services = json.loads(answer.out)["services"] if answer.rc == 0 else {}
    except (ValueError, KeyError):
        services = {}
    if not services:
        return {"error": answer.text or "no services", "services": {}, "absent": False}
    found = {}
    for name, service in services.items():
        networks = service.get("networks") or {}
        addresses = [(one or {}).get("ipv4_address", "") for one in networks.values()]
        found[name] = {
            "container": service.get("container_name") or f"{PROJECT}-{name}-1",
            "image": service.get("image", ""),
            "address": next(filter(None, addresses), ""),
            "ports": [
                {"address": port.get("host_ip", ""), "port": int(port["published"])}
                for port in service.get("ports") or []
                if str(port.get("published", "")).isdigit()
            ],
            "inside": [volume.get("target", "") for volume in service.get("volumes") or []],
            # Others wait for it to end.
            "ends": any(
                ((one.get("depends_on") or {}).get(name) or {}).get("condition") == "service_completed_successfully"
                for one in services.values()
            ),
        }
    return {"error": "", "services": found, "absent": False}


def inspect(ask: Ask, kind: str, names: Iterable[str]) -> list[dict[str, Any]]:
    """Return what ``docker inspect`` says; what has gone meanwhile is left out."""
    names = list(names)
    if not names:
        return []
    answer = ask(["docker", kind, "inspect", *names], timeout=20)
    try:
        return json.loads(answer.out or "[]")
    except ValueError:
        return []


def container(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Reduce a container to what rules ask for."""
    state, config, host = entry.get("State") or {}, entry.get("Config") or {}, entry.get("HostConfig") or {}
    labels = config.get("Labels") or {}
    environment = dict(variable.partition("=")[::2] for variable in config.get("Env") or [])
    lower = {name.lower(): value for name, value in environment.items()}
    networks = (entry.get("NetworkSettings") or {}).get("Networks") or {}
    published = (entry.get("NetworkSettings") or {}).get("Ports") or {}
    return {
        "id": entry.get("Id", "")[:12],
        "service": labels.get(SERVICE_LABEL, ""),
        "project": labels.get(PROJECT_LABEL, ""),
        "function": labels.get(FUNCTION_LABEL, ""),
        "image": config.get("Image", ""),
        "state": state.get("Status", ""),
        "pid": state.get("Pid", 0),
        "exit_code": state.get("ExitCode", 0),
        "error": state.get("Error", ""),
        "killed_for_memory": bool(state.get("OOMKilled")),
        "health": (state.get("Health") or {}).get("Status", ""),
        "running_seconds": docker_times.age(state.get("StartedAt", "")) if state.get("Running") else 0,
        "ended": (state.get("FinishedAt") or "")[:19].replace("T", " "),
        "restarts": entry.get("RestartCount", 0),
        "restart": (host.get("RestartPolicy") or {}).get("Name", "") or "no",
        "addresses": {name: (one or {}).get("IPAddress", "") for name, one in networks.items()},
        "ports": sorted({int(one["HostPort"]) for ports in published.values() for one in ports or []}),
        "mounts": {mount.get("Destination", ""): mount.get("Source", "") for mount in entry.get("Mounts") or []},
        "hosts": sorted(set(re.findall(r"Host\(`([^`]+)`\)", " ".join(map(str, labels.values()))))),
        "variables": {name: environment[name] for name in VARIABLES if name in environment},
        "proxy": bool(lower.get("http_proxy")),
        "no_proxy": lower.get("no_proxy", ""),
        "cards": bool(host.get("DeviceRequests")),
        "log": [],
    }


def containers(ask: Ask) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return all containers by name, and the ``NAME=VALUE`` lines of their environments, to keep them out of texts."""
    entries = inspect(ask, "container", ask(["docker", "ps", "--all", "--quiet"]).out.split())
    variables = [variable for entry in entries for variable in (entry.get("Config") or {}).get("Env") or []]
    return {entry["Name"].lstrip("/"): container(entry) for entry in entries}, variables


def log(ask: Ask, name: str, since: str = "") -> list[str]:
    """Return the last lines of a container's log, of the time since then only if asked for."""
    recent = [f"--since={since}"] if since else []
    answer = ask(["docker", "logs", f"--tail={LINES}", *recent, name])
    return nuclio_cli.last_lines(answer.text, LINES, 400).splitlines() if answer.rc == 0 else []


def telling(lines: Iterable[str], crashed: bool = False) -> str:
    """Return the line of a log that says most about why something is ill: the last that speaks of an error.

    Without one, the last line of what crashed; nothing of what was only stopped.
    """
    lines = [line for line in lines if line.strip() and not ORDINARY.search(line)]
    found = next((line for form in (_REASON, _TELLING) for line in reversed(lines) if form.search(line)), "")
    return found or (lines[-1] if lines and crashed else "")


def crashed(container: Mapping[str, Any]) -> bool:
    """Whether a container ended by itself: the codes are those of a good end, of a kill and of a stop."""
    return container["exit_code"] not in (0, 137, 143)


def networks(ask: Ask) -> list[dict[str, Any]]:
    """Return the networks: name, subnets, and which container has which address there."""
    found = []
    for entry in inspect(ask, "network", ask(["docker", "network", "ls", "--quiet"]).out.split()):
        attached = (entry.get("Containers") or {}).values()
        found.append(
            {
                "name": entry["Name"],
                "subnets": [part.get("Subnet", "") for part in (entry.get("IPAM") or {}).get("Config") or []],
                "containers": {one["Name"]: one.get("IPv4Address", "").split("/")[0] for one in attached},
            }
        )
    return found


def functions(ask: Ask, errors_dir: Path) -> list[dict[str, Any]]:
    """Return Nuclio's records of the models, from the files of its store (``nuctl get`` would change things)."""
    (volume, *_rest) = inspect(ask, "volume", [nuclio_cli.STORE_VOLUME]) or [{}]
    folder = Path(volume.get("Mountpoint") or "/nonexistent", "functions", "nuclio")
    found = []
    for path in sorted(folder.glob("*.json")):
        record: dict[str, Any] = next(iter(nuclio_cli.stored_record(path)), {})
        metadata, status = record.get("metadata") or {}, record.get("status") or {}
        annotations = metadata.get("annotations") or {}
        name = str(metadata.get("name") or path.stem)
        failed = errors_dir / f"{name}.error"
        found.append(
            {
                "name": name,
                "project": (metadata.get("labels") or {}).get(nuclio_cli.PROJECT_LABEL, ""),
                "state": status.get("state") or "unknown",
                "message": nuclio_cli.last_lines(str(status.get("message") or ""), 3),
                "addresses": [url.rpartition(":")[0] for url in status.get("internalInvocationUrls") or []],
                "port": int(status.get("httpPort") or 0),
                "type": annotations.get("type", ""),
                "container": nuclio_cli.container_name("nuclio", name),
                "deploy_error": failed.read_text(errors="replace").strip()[-500:] if failed.is_file() else "",
            }
        )
    return found


def versions(ask: Ask, nuctl: str) -> dict[str, str]:
    """Return the version of nuctl; empty when it is not there."""
    return {"nuctl": nuclio_cli.version(ask([nuctl, "version"]).text)}
