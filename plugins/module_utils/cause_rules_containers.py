"""What can be wrong with CVAT's containers: Compose files, network, addresses, ports, what ended and why.

Each rule is a pure function from facts (see ``cause_facts``) to causes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils.cause_probes_docker import PROJECT, crashed, telling
from ansible_collections.annotation.server.plugins.module_utils.causes import Cause, Facts, Rule, line

#: What each service is for people, and what fails without it (keys of other causes).
ALL_PARTS = ("cvat.*", "models.unlisted", "container.*.cvat_server", "container.*.cvat_worker_*")
SERVICES: dict[str, tuple[str, tuple[str, ...]]] = {
    "cvat_db": ("CVAT's database", (*ALL_PARTS, "database.*")),
    "cvat_redis_inmem": ("the queue of CVAT's work", ALL_PARTS),
    "cvat_redis_ondisk": ("CVAT's cache of pictures", ALL_PARTS),
    "cvat_opa": ("what decides who may do what in CVAT", ("cvat.part.OPA*", "cvat.login", "cvat.down")),
    "cvat_server": ("CVAT itself", ("cvat.*", "models.unlisted", "database.migrations")),
    "cvat_ui": ("CVAT's pages", ()),
    "traefik": ("the front door of CVAT", ("cvat.*", "net.*")),
    "nuclio": ("Nuclio's dashboard, through which CVAT reaches every model", ("models.unreachable", "models.unlisted")),
    "minio": ("the object storage", ("storage.*",)),
}


def expected(facts: Facts) -> Iterator[tuple[str, str, Mapping[str, Any] | None]]:
    """Yield service, container name and container (None if there is none) of everything that should run."""
    ours = {one["service"]: name for name, one in facts["containers"].items() if one["project"] == PROJECT}
    services = (facts["wanted"] or {}).get("services") or {}
    for service in {**dict.fromkeys(services), **dict.fromkeys(ours)}:
        if (services.get(service) or {}).get("ends"):
            continue  # it does its work once
        name = ours.get(service) or services[service]["container"]
        yield service, name, facts["containers"].get(name)


def what(service: str) -> str:
    """Name a service for people."""
    known = SERVICES.get(service)
    return f"{service} ({known[0]})" if known else service


def follow(service: str) -> tuple[str, ...]:
    """Return the keys of what follows when a service is away."""
    return SERVICES.get(service, ("", ()))[1]


def compose_files(facts: Facts) -> Iterator[Cause]:
    """Compose files that Compose refuses, or that are not there."""
    wanted = facts["wanted"] or {"error": "", "absent": False}
    if wanted["error"] and facts["docker"]["installed"]:
        there = "is not installed on this server" if wanted["absent"] else "cannot be started anew"
        yield Cause(
            key="compose.absent" if wanted["absent"] else "compose.broken",
            problem=f"CVAT {there}: "
            + ("its folder is missing." if wanted["absent"] else "Compose refuses its files."),
            evidence=(f"docker compose config in {facts['wish']['cvat_dir']}: {line(wanted['error'])}",),
            cure="Run site.yml with --tags cvat, which writes them anew (check annotation_server_cvat_version).",
            explains=("cvat.*", "storage.*", "models.*") if wanted["absent"] and not facts["containers"] else (),
        )


def all_absent(facts: Facts) -> Iterator[Cause]:
    """No container at all, as after 'docker compose down'."""
    services = (facts["wanted"] or {}).get("services") or {}
    if facts["docker"]["reachable"] and services and not any(one for _, _, one in expected(facts)):
        yield Cause(
            key="container.none",
            problem="CVAT has no containers: it was taken down, or never started.",
            evidence=(f"docker ps --all: no container of the project {PROJECT}",),
            cure="Run site.yml with --tags cvat; the data in its volumes is not touched.",
            explains=("container.missing.*", "cvat.*", "storage.*", "models.*", "net.none", "share.*"),
        )


def half_upgraded(facts: Facts) -> Iterator[Cause]:
    """An upgrade that broke off: by its own note, or because containers are of two releases."""
    images: dict[str, list[str]] = {}
    for service, _name, container in expected(facts):
        name, _, tag = container["image"].rpartition(":") if container else ("", "", "")
        if name.endswith("cvat/server"):
            images.setdefault(tag, []).append(service)
    note = facts.get("upgrade") or {}
    broke_off = note.get("phase") in ("changing", "returning")
    if len(images) > 1 or broke_off:
        said = [f"docker ps: {', '.join(sorted(who))} of {image}" for image, who in sorted(images.items())]
        noted = f"upgrade.json: from {note.get('from')} to {note.get('to')}, phase '{note.get('phase')}'"
        yield Cause(
            key="upgrade.half",
            problem="An upgrade of CVAT was not finished.",
            evidence=tuple(([noted] if broke_off else []) + (said if len(images) > 1 else [])),
            cure="Run the same playbooks/upgrade.yml again, which finishes it or goes back."
            if broke_off
            else "Run site.yml with --tags cvat to finish it, or playbooks/restore.yml to go back (docs/backup.md).",
            explains=("database.migrations", "cvat.part.Migrations*", *(ALL_PARTS if broke_off else ())),
        )


def old_client(facts: Facts) -> Iterator[Cause]:
    """An engine that is too new for Nuclio or Traefik (Docker 29.0 to 29.2; cvat-ai/cvat 10013)."""
    for name, container in facts["containers"].items():
        said = next(
            (text for text in reversed(container["log"]) if re.search(r"client version \S+ is too old", text)), ""
        )
        if said and container["project"] == PROJECT:
            yield Cause(
                key=f"docker.too_new.{name}",
                problem=f"Docker {facts['docker']['version']} refuses {what(container['service'])}, "
                "which speaks an older API.",
                evidence=(f"docker logs {name}: {line(said)}",),
                cure="Run playbooks/docker.yml, which sets min-api-version, or upgrade Docker to 29.3 or newer.",
                explains=(f"container.*.{container['service']}", *follow(container["service"])),
            )


def not_running(facts: Facts) -> Iterator[Cause]:
    """Containers that are missing, ended, start again and again, are held still, or fail their own check."""
    if not facts["docker"]["reachable"]:
        return
    for service, name, container in expected(facts):
        if container is None:
            kind, state, cure = "missing", "is missing", "Run site.yml with --tags cvat."
            said = [f"docker ps --all: no {name}, which {facts['wish']['cvat_dir']} asks for"]
        elif container["state"] == "paused":
            kind, state = "paused", "is held still"
            said = [f"docker ps: {name} is paused"]
            cure = f"If no backup runs: docker unpause {name} (annotation-server-backup thaw does it for all)."
        elif container["state"] == "restarting" or _loops(container):
            kind, state = "loops", f"ends and starts again, {container['restarts']} times so far"
            said = [f"docker ps: {name} is {container['state']}, last with code {container['exit_code']}"]
            cure = f"Read 'docker logs {name}'; when its reason is gone, run site.yml with --tags cvat."
        elif container["state"] != "running":
            ended = f", since {container['ended']} UTC" if container["state"] == "exited" else ""
            kind, state = "stopped", "does not run"
            said = [f"docker ps: {name} is {container['state']} (code {container['exit_code']}){ended}"]
            cure = f"docker start {name}; if it ends again, 'docker logs {name}' says why."
        elif container["health"] == "unhealthy":
            kind, state = "unhealthy", "fails its own check"
            said = [f"docker ps: {name} is unhealthy"]
            cure = f"Read 'docker logs {name}', then docker restart {name}."
        else:
            continue
        if container:
            said += [f"docker inspect {name}: {line(container['error'])}"] if container["error"] else []
            words = telling(container["log"], crashed(container)) if kind in ("loops", "stopped", "unhealthy") else ""
            said += [f"docker logs {name}: {line(words)}"] if words else []
        yield Cause(
            key=f"container.{kind}.{service}",
            problem=f"{what(service)} {state}.",
            evidence=tuple(said),
            effect=_effect(service),
            cure=cure,
            explains=follow(service),
        )


def _loops(container: Mapping[str, Any]) -> bool:
    return container["restarts"] >= 3 and container["running_seconds"] < 120


def _effect(service: str) -> str:
    """Say what people notice when a service is away."""
    if service == "nuclio":
        return "CVAT's page Models is empty, and AI tools answer 503."
    if service == "minio":
        return "Tasks from the cloud storage show no pictures."
    if service in ("traefik", "cvat_server", "cvat_db", "cvat_redis_inmem", "cvat_redis_ondisk", "cvat_opa"):
        return "Nobody can work in CVAT."
    if service.startswith("cvat_worker_"):
        return f"CVAT's work of the kind '{service.removeprefix('cvat_worker_')}' waits for ever."
    return ""


def not_after_reboot(facts: Facts) -> Iterator[Cause]:
    """Containers that run and will be missing after the next reboot."""
    lost = sorted(
        name
        for _service, name, container in expected(facts)
        if container and container["state"] == "running" and container["restart"] in ("no", "on-failure")
    )
    if lost:
        yield Cause(
            key="container.no_restart",
            problem=f"After a reboot, {', '.join(lost)} will not start by itself.",
            evidence=(f"docker inspect: the restart policy of {', '.join(lost)} is none that lasts",),
            cure="Run site.yml with --tags cvat.",
            risk=True,
        )


RULES: tuple[Rule, ...] = (
    compose_files,
    all_absent,
    old_client,
    half_upgraded,
    not_running,
    not_after_reboot,
)
