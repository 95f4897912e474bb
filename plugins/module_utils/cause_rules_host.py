"""What can be wrong with the machine itself: disks, memory, clock, reboot, Docker's service.

Each rule is a pure function from facts (see ``cause_facts``) to causes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils.causes import Cause, Facts, Rule, line

#: CVAT's own limit (CVAT_HEALTH_DISK_USAGE_MAX), in percent, unless the server's container has another one.
CVAT_LIMIT = 90.0
#: What writes begins to fail; the last percents of a large disk are still much room.
FULL_PERCENT, NEARLY_FULL_PERCENT, NEARLY_FULL_BYTES = 99.5, 95.0, 2 * 1024**3
FREE_INODES_PERCENT = 2.0
#: S3 refuses signatures that are 15 minutes off; tokens and certificates are less patient.
CLOCK_SECONDS = 120
ALL_OF_CVAT = ("container.*", "cvat.*", "database.*", "storage.*", "model.*", "models.*", "share.inside.*")


def disk_full(facts: Facts) -> Iterator[Cause]:
    """A file system that CVAT calls full, or on which hardly anything can be written."""
    server = facts["containers"].get("cvat_server") or {}
    limit = float((server.get("variables") or {}).get("CVAT_HEALTH_DISK_USAGE_MAX") or CVAT_LIMIT)
    for disk in facts["disks"]:
        data = disk["holds"].get("CVAT's data")
        refused = data is not None and disk["cvat_percent"] >= limit
        used = disk["used_percent"]
        if not (refused or used >= FULL_PERCENT or (used >= NEARLY_FULL_PERCENT and disk["free"] < NEARLY_FULL_BYTES)):
            continue
        holds = ", ".join(disk["holds"])
        percent = disk["cvat_percent"] if refused else used
        said = [f"df {disk['mount']}: {percent:.0f} % used, {disk['free'] // 1024**2} MiB free"]
        part = ((facts["cvat"] or {}).get("parts") or {}).get("DiskUsage", "working")
        said += [f"CVAT's health: DiskUsage is {line(str(part))}"] if refused and part != "working" else []
        cure = "Free room there, or make the disk larger"
        if {"Docker", "images"} & disk["holds"].keys():
            cure += "; 'docker image prune' removes images that nothing uses, 'docker system df' shows what takes room"
        yield Cause(
            key=f"disk.full.{disk['mount']}",
            problem=f"The disk {disk['mount']}, which holds {holds}, is {percent:.0f} % full"
            + (f"; CVAT's limit is {limit:g} %." if refused else "."),
            evidence=tuple(said),
            effect="CVAT says that it is ill and lets nobody log in." if refused else "What writes there fails.",
            cure=f"{cure}.",
            explains=("cvat.part.DiskUsage", "cvat.login", "sign:no_space"),
        )


def disk_inodes(facts: Facts) -> Iterator[Cause]:
    """A file system on which no further file can be made, although it has room."""
    for disk in facts["disks"]:
        if disk["free_inodes_percent"] < FREE_INODES_PERCENT:
            yield Cause(
                key=f"disk.inodes.{disk['mount']}",
                problem=f"The disk {disk['mount']}, which holds {', '.join(disk['holds'])}, can take no more files.",
                evidence=(f"df -i {disk['mount']}: {disk['free_inodes_percent']:.1f} % of the inodes are free",),
                effect="Writing fails with 'No space left on device', although there is room.",
                cure="Remove files there that nobody needs; 'du --inodes -x -d 3' shows where most are.",
                explains=("sign:no_space",),
            )


def disk_read_only(facts: Facts) -> Iterator[Cause]:
    """A file system that the kernel has made read-only, as it does after an error of the disk."""
    for disk in facts["disks"]:
        if disk["read_only"]:
            yield Cause(
                key=f"disk.read_only.{disk['mount']}",
                problem=f"The disk {disk['mount']}, which holds {', '.join(disk['holds'])}, is mounted read-only.",
                evidence=(f"/proc/self/mountinfo: {disk['mount']} is read-only",),
                cure="See 'dmesg' for an error of the disk; repair it (fsck) and mount it for writing.",
                explains=("container.*", "database.*", "cvat.*"),
            )


def memory(facts: Facts) -> Iterator[Cause]:
    """Memory that is used up, and containers that were ended for it."""
    names = {one["id"]: name for name, one in facts["containers"].items()}
    killed = {names[entry["id"]]: entry["line"] for entry in facts.get("oom") or [] if entry["id"] in names}
    flagged = {name for name, one in facts["containers"].items() if one["killed_for_memory"]}
    # The kernel's line stays for weeks; what counts is a container that is not well again.
    ill = {n for n in killed if facts["containers"][n]["state"] != "running" or _young(facts["containers"][n])}
    victims = sorted(flagged | ill)
    total, free = (facts.get("memory") or {}).get("total", 0), (facts.get("memory") or {}).get("available", 0)
    short = total > 0 and free < total * 0.02
    if not victims and not short:
        return
    said = [f"/proc/meminfo: {free} of {total} MiB are available"] if short else []
    said += [f"dmesg: {line(killed[name])}" for name in victims if name in killed]
    said += [f"docker inspect {name}: OOMKilled" for name in victims if name in flagged]
    whom = f"The kernel ended {', '.join(victims)} because memory ran out." if victims else "Memory is used up."
    yield Cause(
        key="memory.short",
        problem=whom,
        evidence=tuple(said),
        effect="Containers end and start again; models lose what they hold.",
        cure="Run fewer models or give the server more memory ('docker stats' shows who uses it), then run site.yml.",
        explains=(
            "sign:killed",
            *(f"container.*.{name}" for name in victims),
            *(
                f"model.*.{facts['containers'][name]['function']}"
                for name in victims
                if facts["containers"][name]["function"]
            ),
        ),
    )


def _young(container: dict[str, Any]) -> bool:
    return container["restarts"] > 0 and container["running_seconds"] < 600


def clock(facts: Facts) -> Iterator[Cause]:
    """A clock that is wrong."""
    offset = (facts.get("clock") or {}).get("offset", 0.0)
    if abs(offset) > CLOCK_SECONDS:
        yield Cause(
            key="clock.wrong",
            problem=f"The server's clock is {abs(offset):.0f} s {'ahead of' if offset > 0 else 'behind'} the control "
            "node's.",
            evidence=(f"clocks of the server and of the control node: {offset:+.0f} s",),
            effect="S3 refuses signatures, and certificates seem to be of another time.",
            cure="Set the clock of whichever is wrong: timedatectl set-ntp true.",
            explains=("sign:skew", "storage.key", "certificate.time"),
        )


def docker_down(facts: Facts) -> Iterator[Cause]:
    """An engine that is not there, does not run, or does not answer."""
    docker, unit = facts["docker"], (facts.get("units") or {}).get("docker.service") or {}
    if docker["reachable"]:
        return
    if not docker["installed"]:
        kind, problem, cure = "missing", "Docker is not installed.", "Run playbooks/docker.yml."
    elif docker["hangs"]:
        kind, problem = "hangs", "Docker runs, and gives no answer."
        cure = "See 'journalctl -u docker'; restart it: systemctl restart docker (containers end for a moment)."
    else:
        kind, problem = "down", "Docker does not run."
        cure = "Start it: systemctl enable --now docker. If it does not stay up, 'journalctl -u docker' says why."
    state = unit.get("ActiveState")
    said = (
        [f"systemctl: docker.service is {state} ({unit.get('Result', '')}), {unit.get('UnitFileState', '')}"]
        if state
        else []
    )
    said += [f"docker: {line(docker['error'])}"] if docker["error"] else []
    errors = [text for text in facts.get("docker_journal") or [] if _complains(text)] if state != "active" else []
    said += [f"journalctl -u docker: {line(errors[-1])}"] if errors else []
    yield Cause(
        key=f"docker.{kind}",
        problem=problem,
        evidence=tuple(said),
        effect="Nothing of CVAT, the object storage and the models runs or can be looked at.",
        cure=cure,
        explains=(*ALL_OF_CVAT, "net.*"),
    )


def _complains(text: str) -> bool:
    words = text.lower()
    return "level=info" not in words and any(word in words for word in ("fatal", "failed", "no space", "error"))


def docker_not_enabled(facts: Facts) -> Iterator[Cause]:
    """An engine that will be missing after the next reboot."""
    units = facts.get("units") or {}
    states = {name: (units.get(f"docker.{name}") or {}).get("UnitFileState", "") for name in ("service", "socket")}
    if states["service"] == "disabled" and facts["docker"]["reachable"]:
        yield Cause(
            key="docker.not_enabled",
            problem="Docker does not start by itself when the server starts.",
            evidence=(f"systemctl: docker.service is disabled, docker.socket is {states['socket'] or 'unknown'}",),
            cure="systemctl enable docker.",
            risk=True,
        )


def reboot(facts: Facts) -> Iterator[Cause]:
    """A reboot that installed packages ask for."""
    if facts.get("reboot_required"):
        yield Cause(
            key="host.reboot",
            problem="Installed packages wait for a reboot.",
            evidence=(f"/run/reboot-required: {', '.join(facts.get('reboot_packages') or []) or 'is there'}",),
            cure="Reboot when nobody works; everything comes back by itself.",
            risk=True,
        )


RULES: tuple[Rule, ...] = (
    disk_read_only,
    disk_full,
    disk_inodes,
    memory,
    clock,
    docker_down,
    docker_not_enabled,
    reboot,
)
