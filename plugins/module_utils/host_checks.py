"""Whether the host itself is fit: disks, memory, clock, the last backup. The checks look, and change nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import host_disks
from ansible_collections.annotation.server.plugins.module_utils.checklist import CheckFailed, CheckSkipped, CheckWarning
from ansible_collections.annotation.server.plugins.module_utils.docker_view import Container
from ansible_collections.annotation.server.plugins.module_utils.gpu_containers import RunCommand

GIB = 1024**3
TIMER = "annotation-server-backup.timer"
#: S3 refuses requests whose clock is 15 minutes off.
MOST_SECONDS_OFF = 600


def disk_space(places: Mapping[str, str], limit: float, root: Path = Path("/")) -> str:
    """No disk is as full as CVAT's own limit, at which it refuses to log in; close to it is a warning.

    Args:
        places: what lies there -> folder.
        limit: percent, CVAT's ``CVAT_HEALTH_DISK_USAGE_MAX``.
        root: of the file system, for tests.
    """
    disks: dict[str, tuple[dict[str, Any], list[str]]] = {}
    for what, path in places.items():
        disk = host_disks.describe(path, root)
        if not disk["error"]:
            disks.setdefault(disk["mount"], (disk, []))[1].append(what)
    figures = {
        mount: f"{mount} is {disk['used_percent']:.0f} % full, {disk['free'] / GIB:.0f} GiB free ({', '.join(what)})"
        for mount, (disk, what) in disks.items()
    }
    cure = "Free space (docker image prune, docker builder prune, old exports), or give it a larger disk."
    if full := [text for mount, text in figures.items() if disks[mount][0]["used_percent"] >= limit]:
        raise CheckFailed(f"{'; '.join(full)}; at {limit:g} % CVAT refuses to log in", cure)
    if close := [text for mount, text in figures.items() if disks[mount][0]["used_percent"] >= limit - 5]:
        raise CheckWarning(f"{'; '.join(close)}; at {limit:g} % CVAT refuses to log in", cure)
    return f"{'; '.join(figures.values())}; CVAT's limit is {limit:g} %"


def memory(containers: list[Container], path: Path = Path("/proc/meminfo")) -> str:
    """Memory is left, and no container was ended for want of it."""
    sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in path.read_text().splitlines() if ":" in line}
    total, free, swap = sizes["MemTotal"], sizes["MemAvailable"], sizes.get("SwapTotal", 0)
    figures = f"{free / GIB:.1f} of {total / GIB:.1f} GiB are free, swap {swap / GIB:.1f} GiB"
    if ended := [each.name for each in containers if each.out_of_memory]:
        raise CheckWarning(
            f"{', '.join(ended)} ran out of memory since the last start; {figures}",
            "Give the server more memory or swap, or take a smaller model.",
        )
    if free < max(0.05 * total, 0.5 * GIB):
        cure = "Give the server more memory" + ("." if swap else ", or at least some swap: fallocate, mkswap, swapon.")
        raise CheckWarning(f"only {figures}", cure)
    return figures


def clock(synchronised: bool | None, offset: float) -> str:
    """The clock is right enough for certificates and for S3's signatures.

    Args:
        synchronised: whether the kernel says that somebody keeps it right; None if it cannot be asked.
        offset: seconds against the control node's clock.
    """
    if abs(offset) > MOST_SECONDS_OFF:
        raise CheckFailed(
            f"the clock is {abs(offset):.0f} s {'ahead of' if offset > 0 else 'behind'} the control node's",
            "S3 refuses requests that are 15 minutes off: set the right one (timedatectl set-ntp true).",
        )
    if synchronised is False:
        raise CheckWarning("nothing keeps the clock right", "Switch it on: timedatectl set-ntp true.")
    return f"{abs(offset):.0f} s from the control node's" + (", kept right by the network" if synchronised else "")


def backup_age(run: RunCommand, report: Path, hours: float, now: float | None = None) -> str:
    """The regular backup, where there is one, ran lately.

    Args:
        run: runs a command.
        report: what the last backup wrote.
        hours: age from which it is too old.
        now: seconds since 1970, for tests.
    """
    status, _out, _err = run(["systemctl", "is-enabled", TIMER])
    if status != 0:
        raise CheckSkipped("no regular backup is set up (playbooks/backup.yml does)")
    cure = "See 'journalctl -u annotation-server-backup' on the server, and run playbooks/backup.yml again."
    try:
        made = json.loads(report.read_text(encoding="utf-8"))["made"]
    except (OSError, ValueError, KeyError, TypeError):
        raise CheckWarning("the regular backup has never ended well", cure) from None
    then = datetime.strptime(made, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    age = ((time.time() if now is None else now) - then.timestamp()) / 3600
    if age > hours:
        raise CheckWarning(f"the last backup is {age:.0f} hours old, of {made}; {hours:g} are expected", cure)
    return f"the last backup is {age:.0f} hours old, of {made}"


def disk_limit(containers: Sequence[Container]) -> float:
    """Return CVAT's limit in percent, as its server was told; 90 unless told."""
    for container in containers:
        if container.service == "cvat_server":
            text = container.environment.get("CVAT_HEALTH_DISK_USAGE_MAX", "")
            return float(text) if text.replace(".", "", 1).isdecimal() else 90.0
    return 90.0
