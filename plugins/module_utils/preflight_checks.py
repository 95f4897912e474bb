"""From what a host is like to what will go wrong on it. Pure functions over what the module ``host_probe`` returns.

Three levels: an ``error`` would make a later stage fail, a ``warning`` may, a ``note`` only tells.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import preflight_messages, preflight_network

GIB = 1024**3
ANSIBLE_MINIMUM = (2, 19)
PYTHON_MINIMUM = (3, 10)
# The oldest first.
SUPPORTED = {"ubuntu": ("22.04", "24.04"), "debian": ("12", "13")}
SUPPORTED_TEXT = "Ubuntu 22.04 or 24.04, Debian 12 or 13"


@dataclass(frozen=True)
class Hit:
    """One check that found something; ``words`` fill the braces of its sentences."""

    level: str
    check: str
    words: dict[str, object] = field(default_factory=dict)


def numbers(version: str) -> tuple[int, ...]:
    """Turn a version into numbers that can be compared."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def check_platform(host: dict[str, Any]) -> Iterator[Hit]:
    """Operating system, release, processor architecture, WSL."""
    system = host["system"]
    words = {"name": system["name"], "supported": SUPPORTED_TEXT, "machine": system["machine"]}
    if system["system"] == "Darwin":
        yield Hit("error", "mac")
        return
    if system["system"] != "Linux":
        yield Hit("error", "not_linux", words)
        return
    releases = SUPPORTED.get(system["id"], ())
    if not releases:
        yield Hit("error", "distribution", words)
    elif system["version"] not in releases:
        # A release without a number is one in the making (Debian testing).
        is_old = () < numbers(system["version"]) < numbers(releases[0])
        yield Hit("error", "release_old" if is_old else "release_unknown", words)
    if system["machine"] not in ("x86_64", "amd64"):
        yield Hit("error", "architecture", words)
    if system["wsl"]:
        yield Hit("error" if system["wsl"] == 1 else "note", f"wsl{system['wsl']}")


def check_tools(host: dict[str, Any], wishes: dict[str, Any]) -> Iterator[Hit]:
    """What Ansible itself needs, on both sides."""
    if numbers(wishes["ansible_version"])[:2] < ANSIBLE_MINIMUM:
        words = {"found": wishes["ansible_version"], "wanted": ".".join(map(str, ANSIBLE_MINIMUM))}
        yield Hit("error", "ansible", words)
    if numbers(host["system"]["python"])[:2] < PYTHON_MINIMUM:
        words = {"found": host["system"]["python"], "wanted": ".".join(map(str, PYTHON_MINIMUM))}
        yield Hit("error", "python", words)
    if not host["system"]["is_root"]:
        yield Hit("error", "not_root")


def check_boot(host: dict[str, Any]) -> Iterator[Hit]:
    """What runs the host: systemd, control groups, clock, package database."""
    if not host["systemd"]:
        yield Hit("error", "systemd")
    if host["control_groups"] == "none":
        yield Hit("error", "control_groups")
    elif host["control_groups"] != "v2":
        yield Hit("note", "control_groups_v1", {"found": host["control_groups"]})
    offset = abs(host["clock"]["offset"])
    if offset > 60:
        # An S3 server refuses requests that are 15 minutes off; certificates may not be valid yet.
        yield Hit("error" if offset > 600 else "warning", "clock_offset", {"seconds": round(offset)})
    elif host["clock"]["synchronised"] is False:
        yield Hit("note", "clock_free")
    state = host["packages"]
    if state["interrupted"] or state["broken"]:
        named = f" ({', '.join(sorted(state['broken'])[:5])})" if state["broken"] else ""
        yield Hit("error", "dpkg", {"packages": named})


def check_docker(host: dict[str, Any]) -> Iterator[Hit]:
    """A Docker that is not the host's own."""
    docker = host["docker"]
    if "/snap/" in docker["client"] or "/snap/" in docker.get("root_dir", ""):
        yield Hit("error", "docker_snap")
    if "docker-desktop" in docker["client"] or "Docker Desktop" in docker.get("operating_system", ""):
        yield Hit("error", "docker_desktop")


def check_size(host: dict[str, Any], wishes: dict[str, Any]) -> Iterator[Hit]:
    """Processor and memory."""
    lacks = [flag for flag in host["processor"]["lacks"] if flag != "avx2"]
    if lacks:
        yield Hit("error", "processor_old", {"lacks": ", ".join(lacks)})
    elif "avx2" in host["processor"]["lacks"]:
        yield Hit("warning", "processor_slow")
    total = host["memory"]["total"] / 1024**2
    words: dict[str, object] = {"found": f"{total / 1024:.1f} GiB"}
    if total < wishes["memory_minimum_mb"]:
        yield Hit("error", "memory", {**words, "wanted": f"{wishes['memory_minimum_mb'] / 1024:.1f} GiB"})
    elif total < wishes["memory_recommended_mb"]:
        yield Hit("warning", "memory_low", {**words, "wanted": f"{wishes['memory_recommended_mb'] / 1024:.1f} GiB"})


def check_disks(host: dict[str, Any], wishes: dict[str, Any]) -> Iterator[Hit]:
    """Folders that will be written to; ``disk_minimum_gb`` maps a path to the space it will take."""
    needs: dict[str, float] = {}
    for disk in host["disks"]:
        words = {"path": disk["path"], "error": disk["error"], "mount": disk.get("mount", "")}
        if disk["error"]:
            yield Hit("error", "disk_unreadable", words)
        elif not disk["is_dir"]:
            yield Hit("error", "disk_not_folder", {**words, "path": disk["nearest"]})
        elif disk["read_only"]:
            yield Hit("error", "disk_read_only", words)
        elif not disk["writable"] and host["system"]["is_root"]:
            yield Hit("error", "disk_not_writable", words)
        else:
            needs[disk["mount"]] = needs.get(disk["mount"], 0) + wishes["disk_minimum_gb"].get(disk["path"], 0) * GIB
    seen = set()
    for disk in host["disks"]:
        if disk.get("mount") not in needs or disk["mount"] in seen:
            continue
        seen.add(disk["mount"])
        yield from check_file_system(disk, host, needs[disk["mount"]], wishes)


def check_file_system(disk: dict[str, Any], host: dict[str, Any], need: float, wishes: dict[str, Any]) -> Iterator[Hit]:
    """Space on one file system, for all folders on it together; ``need`` in bytes."""
    # What Docker's images take is there already when the server runs.
    is_built = any(entry["project"] in wishes["own_projects"] for entry in host["docker"]["containers"])
    need = min(need, GIB) if is_built else need
    paths = [each["path"] for each in host["disks"] if each.get("mount") == disk["mount"]]
    words: dict[str, object] = {"mount": disk["mount"], "path": " and ".join(paths)}
    if disk["free_inodes_percent"] < 3:
        yield Hit("error", "disk_inodes", {**words, "found": disk["free_inodes_percent"]})
    if disk["free"] < need:
        found, wanted = f"{disk['free'] / GIB:.1f} GiB", f"{need / GIB:.0f} GiB"
        yield Hit("error", "disk_space", {**words, "found": found, "wanted": wanted})
        return
    after = 100 * (disk["used"] + need) / max(disk["used"] + disk["free"], 1)
    if max(disk["used_percent"], after) > 90:
        growth = "" if disk["used_percent"] > 90 else f" and will be {min(after, 100):.0f} % full with CVAT's images"
        yield Hit("warning", "disk_full", {**words, "found": disk["used_percent"], "growth": growth})


def check_graphics(host: dict[str, Any], wishes: dict[str, Any]) -> Iterator[Hit]:
    """NVIDIA devices, as ``gpu`` (auto, true, false) wants them."""
    graphics = host["graphics"]
    count = len(graphics["devices"]) or int(graphics["wsl"])
    wish = str(wishes["gpu"]).lower()
    if not count:
        yield Hit("error", "gpu_missing") if wish == "true" else Hit("note", "gpu_none")
    elif wish == "false":
        yield Hit("note", "gpu_ignored")
    else:
        yield Hit("note", "gpu_found", {"count": count, "driver": graphics["driver"] or "none"})
        if host["secure_boot"] == "on" and not graphics["driver"] and not graphics["wsl"]:
            yield Hit("warning", "secure_boot")


def check_internet(host: dict[str, Any]) -> Iterator[Hit]:
    """Addresses that packages, images and sources come from."""
    closed = [answer for answer in host["internet"] if not answer["reached"]]
    # A bare host without any authorities gets them with Docker's packages.
    unsure = [answer for answer in host["internet"] if not answer["trusted"] and host["ca_bundle"]]
    for check, answers in (("internet", closed), ("certificate", unsure)):
        if answers:
            reasons = sorted({answer["error"] for answer in answers})
            urls = ", ".join(answer["url"] for answer in answers)
            yield Hit("error", check, {"url": urls, "error": "; ".join(reasons)})


def find(host: dict[str, Any], wishes: dict[str, Any]) -> list[dict[str, Any]]:
    """Return every finding, errors first, each with its sentences; accepted errors count as warnings."""
    hits = list(check_platform(host))
    # On something that is no Linux nothing else would mean anything.
    if not any(hit.check in ("mac", "not_linux") for hit in hits):
        hits += [*check_tools(host, wishes), *check_boot(host), *check_docker(host), *check_size(host, wishes)]
        hits += [*check_disks(host, wishes), *preflight_network.check(host, wishes, Hit)]
        hits += [*check_graphics(host, wishes), *check_internet(host)]
    findings = []
    for hit in hits:
        level = "warning" if hit.level == "error" and hit.check in wishes["accept"] else hit.level
        problem, cure = preflight_messages.sentences(
            hit.check, wishes["language"], {"host": wishes["host"], **hit.words}
        )
        findings.append({"level": level, "check": hit.check, "problem": problem, "cure": cure})
    order = ("error", "warning", "note")
    return sorted(findings, key=lambda finding: order.index(finding["level"]))
