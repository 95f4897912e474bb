"""What a half broken host tells about itself: disks, memory, clock, ports, services, packages. Reads only."""

from __future__ import annotations

import json
import os
import re
import stat
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import host_clock, host_disks, host_network
from ansible_collections.annotation.server.plugins.module_utils.host_system import read
from ansible_collections.annotation.server.plugins.module_utils.questions import Ask

#: One line of the kernel about a process that it ended in a container (source: mm/oom_kill.c, dump_oom_summary).
_OOM = re.compile(r"oom-kill:.*task_memcg=\S*docker[-/]([0-9a-f]{12})[0-9a-f]*\S*,task=([^,]+)")
#: Loads the rules that keep models from the dashboard, into two tables of nftables.
GUARD = "annotation-server-functions.service"
UNITS = (
    "docker.service",
    "docker.socket",
    "annotation-server-backup.service",
    "annotation-server-backup.timer",
    GUARD,
)
_UNIT_FIELDS = (
    "Id",
    "LoadState",
    "ActiveState",
    "UnitFileState",
    "Result",
    "LastTriggerUSec",
    "NextElapseUSecRealtime",
)
FIREWALLS = ("firewalld.service", "ufw.service", "nftables.service", "netfilter-persistent.service")


def disks(places: Mapping[str, str]) -> list[dict[str, Any]]:
    """Describe the file systems under some folders (what lies there -> path), each file system once."""
    found: dict[str, dict[str, Any]] = {}
    for what, path in places.items():
        there = host_disks.describe(path, Path("/"))
        if there["error"]:
            continue
        kept = ("mount", "fstype", "read_only", "free", "used_percent", "free_inodes_percent")
        entry = found.setdefault(there["mount"], {**{name: there[name] for name in kept}, "holds": {}})
        numbers = os.statvfs(there["nearest"])
        total = numbers.f_blocks * numbers.f_frsize
        # As CVAT reckons: what only root may use counts as free.
        used = total - numbers.f_bfree * numbers.f_frsize
        entry["holds"][what] = path
        entry["cvat_percent"] = round(100 * used / total, 1) if total else 0.0
    return list(found.values())


def memory(root: Path) -> dict[str, int]:
    """Return the memory in MiB: ``total`` and ``available``."""
    fields: dict[str, str] = dict(re.findall(r"(?m)^(\w+):\s+(\d+) kB$", read(root / "proc/meminfo")))
    return {
        name: int(fields.get(key) or 0) // 1024 for name, key in (("total", "MemTotal"), ("available", "MemAvailable"))
    }


def ended_for_memory(ask: Ask) -> list[dict[str, str]]:
    """Return what the kernel ended in containers for want of memory: the container's short id, the task, the line."""
    said = ask(["dmesg", "--notime"], timeout=5).out
    return [
        {"id": match[1], "task": match[2], "line": match[0]} for match in map(_OOM.search, said.splitlines()) if match
    ]


def units(ask: Ask) -> dict[str, dict[str, str]]:
    """Return what systemd says of the units that matter here, by name."""
    answer = ask(["systemctl", "show", *UNITS, *FIREWALLS, *(f"--property={name}" for name in _UNIT_FIELDS)])
    found = {}
    for block in answer.out.split("\n\n"):
        fields = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if fields.get("Id"):
            found[fields["Id"]] = fields
    return found


def journal(ask: Ask, unit: str, lines: int = 30) -> list[str]:
    """Return the last lines that a unit logged."""
    said = ask(["journalctl", f"--unit={unit}", f"--lines={lines}", "--output=cat", "--no-pager"])
    return [line for line in said.out.splitlines() if line.strip() and not line.startswith("-- ")]


def ports(wanted: Iterable[int], root: Path) -> list[dict[str, Any]]:
    """Return who listens on which of the ports; Docker's own helper is called docker-proxy."""
    return host_network.listeners(root, sorted(set(wanted)))


def firewall(ask: Ask, root: Path) -> dict[str, Any]:
    """Return the ports that Docker's own rules forward; ``known`` is false where Docker has none in iptables.

    ``guards`` are the tables that keep models from the dashboard; None where nft does not say.
    """
    try:
        settings = json.loads(read(root / "etc/docker/daemon.json") or "{}")
    except ValueError:
        settings = {}
    elsewhere = settings.get("iptables") is False or settings.get("firewall-backend", "iptables") != "iptables"
    nat = ask(["iptables", "-w", "5", "-t", "nat", "-S"])
    tables = ask(["nft", "list", "tables"])
    return {
        "guards": re.findall(r"(?m)^table (\w+) annotation_server_functions$", tables.out) if tables.rc == 0 else None,
        "known": nat.rc == 0 and not elsewhere,
        "dnat": re.findall(r"(?m)^-A DOCKER .*--dport (\d+) .*-j DNAT", nat.out),
    }


def secrets(folder: Path) -> dict[str, Any]:
    """Return which secrets others than root may read, and what names there are; never what stands in them."""
    try:
        entries = [folder, *sorted(folder.iterdir())]
    except OSError as problem:
        return {"folder": str(folder), "error": problem.strerror or str(problem), "names": [], "open": []}
    states = {path: path.stat() for path in entries if path.exists()}
    loose = [
        f"{path} has mode {stat.S_IMODE(state.st_mode):04o} and belongs to user {state.st_uid}"
        for path, state in states.items()
        if stat.S_IMODE(state.st_mode) & 0o077
    ]
    return {"folder": str(folder), "error": "", "names": [path.name for path in entries[1:]], "open": loose}


def backup(settings: Path, report: Path) -> dict[str, Any]:
    """Return whether backups are set up, and how many seconds ago the last one was made."""
    if not settings.exists():
        return {"configured": False}
    try:
        return {"configured": True, "age": int(time.time() - report.stat().st_mtime)}
    except OSError:
        return {"configured": True, "age": None, "configured_age": int(time.time() - settings.stat().st_mtime)}


def graphics(ask: Ask, root: Path, used: bool) -> dict[str, Any]:
    """Return what the driver says, where a GPU is used."""
    if not used:
        return {"used": False}
    smi = ask(["nvidia-smi", "-L"])
    return {
        "used": True,
        "smi": smi.rc,
        "said": smi.text[-500:],
        "loaded": read(root / "sys/module/nvidia/version").strip(),
        "installed": ask(["modinfo", "-F", "version", "nvidia"]).out.strip(),
    }


def describe(ask: Ask, root: Path, control_time: float) -> dict[str, Any]:
    """Return what needs neither Docker nor CVAT."""
    return {
        "memory": memory(root),
        "oom": ended_for_memory(ask),
        "clock": host_clock.describe(control_time),
        "units": units(ask),
        "docker_journal": journal(ask, "docker"),
        "backup_journal": journal(ask, "annotation-server-backup", 5),
        "reboot_required": (root / "run/reboot-required").exists() or (root / "var/run/reboot-required").exists(),
        "reboot_packages": read(root / "run/reboot-required.pkgs").split()[:10],
    }
