"""Looks at an annotation server that may be half broken, and returns facts: plain values, from which rules find causes.

Reads only, leaves nothing behind, goes on when a part cannot be had, and ends within a minute.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import (
    cause_probes_cvat,
    cause_probes_docker,
    cause_probes_host,
    cause_probes_mounts,
    gpu_containers,
)
from ansible_collections.annotation.server.plugins.module_utils.causes import Facts
from ansible_collections.annotation.server.plugins.module_utils.questions import Ask, together

#: Logs of these are read also while they run: what they complained of in the last minutes.
TALKERS = ("cvat_server", "cvat_db", "nuclio", "traefik", "minio")
RECENT = 600  # seconds
SERVER = "cvat_server"
SHARE_INSIDE, STORE_INSIDE = "/home/django/share", "/data"


@dataclass
class Server:
    """Where things are on the server, and what it should be."""

    ask: Ask
    secrets_dir: Path
    state_dir: Path
    cvat_dir: str
    share_dir: str
    functions_dir: Path
    nuctl: str
    host: str
    url: str
    user: str = "admin"
    extra_hosts: list[str] = field(default_factory=list)
    ca_path: str | None = None
    #: Empty without an object storage.
    bucket: str = ""
    object_storage_dir: str = ""
    #: As this server reaches it, and as CVAT's containers do.
    endpoint: str = "http://127.0.0.1:9000"
    endpoint_inside: str = "http://minio:9000"
    network: str = "cvat_cvat"
    subnet: str = "172.20.0.0/24"
    #: Models that should be there.
    models: list[str] = field(default_factory=list)
    control_time: float = 0.0
    root: Path = Path("/")

    def secret(self, name: str) -> str:
        """Return a secret; empty when there is none."""
        try:
            return (self.secrets_dir / name).read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            return ""


def gather(server: Server) -> tuple[Facts, list[str]]:
    """Return the facts, and the ``NAME=VALUE`` lines of all containers' environments, which texts must not show."""
    ask, started = server.ask, time.monotonic()
    unanswered: dict[str, str] = {}
    first = together(
        {
            "host": lambda: cause_probes_host.describe(ask, server.root, server.control_time),
            "docker": lambda: cause_probes_docker.engine(ask),
            "wanted": lambda: cause_probes_docker.wanted(ask, server.cvat_dir),
            "secrets": lambda: cause_probes_host.secrets(server.secrets_dir),
            "backup": lambda: cause_probes_host.backup(
                server.secrets_dir.parent / "backup.json", server.state_dir / "backup.json"
            ),
            "gpu": lambda: cause_probes_host.graphics(
                ask, server.root, bool(_noted(server.state_dir / "gpu.json").get("used"))
            ),
            "upgrade": lambda: _noted(server.state_dir / "upgrade.json"),
            "versions": lambda: cause_probes_docker.versions(ask, server.nuctl),
            "certificate": lambda: cause_probes_cvat.certificate(server.url, server.ca_path),
        },
        timeout=20,
        unanswered=unanswered,
    )
    engine = first["docker"] or {"installed": True, "reachable": False, "hangs": True, "error": "", "version": ""}
    containers: dict[str, dict[str, Any]] = {}
    networks: list[dict[str, Any]] = []
    variables: list[str] = []
    if engine["reachable"]:
        second = together(
            {
                "containers": lambda: cause_probes_docker.containers(ask),
                "networks": lambda: cause_probes_docker.networks(ask),
            },
            timeout=15,
            unanswered=unanswered,
        )
        if second["containers"] is None:  # not the same as none
            engine |= {"reachable": False, "hangs": True, "error": unanswered["containers"]}
        containers, variables = second["containers"] or ({}, [])
        networks = second["networks"] or []
    wish = {name: getattr(server, name) for name in ("host", "extra_hosts", "url", "bucket", "network", "subnet")}
    wish |= {"models": server.models, "endpoint": server.endpoint_inside, "cvat_dir": server.cvat_dir}
    host = first.pop("host") or {}
    facts: Facts = {
        "wish": wish,
        "share": None,
        "store": None,
        **host,
        **first,
        "docker": engine,
        "containers": containers,
        "networks": networks,
    }
    facts |= _look_closer(server, facts, unanswered)
    facts["unanswered"] = unanswered
    facts["seconds"] = round(time.monotonic() - started, 1)
    return facts, variables


def _look_closer(server: Server, facts: Facts, unanswered: dict[str, str]) -> Facts:
    """Ask what depends on the containers that are there."""
    ask, containers = server.ask, facts["containers"]
    services = (facts["wanted"] or {}).get("services") or {}
    ports = [port["port"] for service in services.values() for port in service["ports"]]
    questions: dict[str, Callable[[], Any]] = {
        "disks": lambda: cause_probes_host.disks(_places(server, facts)),
        "listeners": lambda: cause_probes_host.ports(ports, server.root),
        "firewall": lambda: cause_probes_host.firewall(ask, server.root),
        "cvat": cause_probes_cvat.Cvat(
            server.url, server.host, server.user, server.secret("cvat_superuser_password"), server.ca_path
        ).describe,
        "share": lambda: _mount(server, facts, server.share_dir, SHARE_INSIDE),
    }
    if server.bucket:
        questions["storage"] = lambda: cause_probes_cvat.storage(server.endpoint, server.bucket, server.secrets_dir)
        questions["store"] = lambda: _mount(server, facts, server.object_storage_dir, STORE_INSIDE)
    if facts["docker"]["reachable"]:
        questions["functions"] = lambda: cause_probes_docker.functions(ask, server.functions_dir / ".logs")
        if facts["gpu"] and facts["gpu"]["used"]:
            questions["gpu_lost"] = lambda: _cards_lost(ask)
    if containers.get(SERVER, {}).get("state") == "running":
        names = [name for name in ("cvat_db", "nuclio", "minio", "opa") if name != "minio" or server.bucket]
        health = f"{server.endpoint_inside}/minio/health/live" if server.bucket else ""
        questions["inside"] = lambda: cause_probes_cvat.inside(ask, SERVER, names, health)
        questions["share_inside"] = lambda: cause_probes_cvat.share(ask, SERVER)
    # What was said before the database last started may have had that reason.
    since_database = (containers.get("cvat_db") or {}).get("running_seconds") or RECENT
    for name in _talking(containers):
        well = containers[name]["state"] == "running" and not _ill(containers[name])
        since = f"{min(RECENT, since_database)}s" if well else ""
        questions[f"log {name}"] = partial(cause_probes_docker.log, ask, name, since)
    answers = together(questions, 24, unanswered)
    for name in list(answers):
        if name.startswith("log "):
            containers[name.removeprefix("log ")]["log"] = answers.pop(name) or []
    defaults: Facts = {"disks": [], "listeners": [], "functions": [], "gpu_lost": {}, "storage": None, "inside": None}
    return {**defaults, **{name: answer for name, answer in answers.items() if answer is not None}}


def _ill(container: dict[str, Any]) -> bool:
    """Whether a running container is not well: it fails its check, or has just been started again by Docker."""
    return container["health"] == "unhealthy" or (container["restarts"] > 0 and container["running_seconds"] < 120)


def _ours(container: dict[str, Any]) -> bool:
    return container["project"] == cause_probes_docker.PROJECT or bool(container["function"])


def _talking(containers: dict[str, dict[str, Any]]) -> list[str]:
    """Return the containers whose logs are worth reading, at most 15."""
    ill = [name for name, one in containers.items() if _ours(one) and (one["state"] != "running" or _ill(one))]
    return list(dict.fromkeys([*(name for name in TALKERS if name in containers), *sorted(ill)]))[:15]


def _places(server: Server, facts: Facts) -> dict[str, str]:
    """Return the folders whose file systems matter, by what lies there."""
    places = {"the system": "/", "Docker": "/var/lib/docker", "images": "/var/lib/containerd", "/var": "/var"}
    if server.object_storage_dir and server.bucket:
        places["the object storage"] = server.object_storage_dir
    names = {
        "/home/django/data": "CVAT's data",
        "/var/lib/postgresql/data": "CVAT's database",
        "/var/lib/clickhouse": "CVAT's events",
        "/var/lib/kvrocks": "CVAT's cache",
    }
    for container in facts["containers"].values():
        for inside, outside in container["mounts"].items():
            what = names.get(inside.rstrip("/"))
            if what and container["project"] == cause_probes_docker.PROJECT and outside:
                places[what] = outside
    return places


def _mount(server: Server, facts: Facts, folder: str, inside: str) -> Facts:
    """Describe a folder, and what the running containers that should have it see of it."""
    services = (facts["wanted"] or {}).get("services") or {}
    should = {name for name, service in services.items() if inside in service["inside"]}
    # In redis and others /data is something else.
    should &= {"minio"} if inside == STORE_INSIDE else should
    running = {
        name: one["pid"]
        for name, one in facts["containers"].items()
        if one["service"] in should and one["project"] == cause_probes_docker.PROJECT and one["state"] == "running"
    }
    found = cause_probes_mounts.describe(folder, inside, running, server.root)
    return {**found, "exists": None, **(together({"exists": Path(folder).is_dir}, timeout=5))}


def _noted(path: Path) -> dict[str, Any]:
    """Return what a stage has noted in its file; nothing where it never ran."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def _cards_lost(ask: Ask) -> dict[str, str]:
    """Return the models that lost their cards."""

    def run(command: list[str]) -> tuple[int, str, str]:
        answer = ask(command, timeout=10)
        return answer.rc, answer.out, answer.err

    return gpu_containers.without(run, gpu_containers.with_cards(run))
