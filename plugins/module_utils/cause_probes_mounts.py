"""Whether a folder that containers use is what it should be: mounted, and the same inside as outside. Reads only.

Compares entries of mount tables instead of looking into the folders, because a look at a network share whose server is
gone never ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils.host_system import read


def table(root: Path, pid: int | str = "self") -> list[dict[str, str]]:
    """Return the mounts that a process sees, the latest last (source: proc_pid_mountinfo(5))."""
    found = []
    for line in read(root / f"proc/{pid}/mountinfo").splitlines():
        left, _, right = line.partition(" - ")
        fields, kind = left.split(), right.split()
        if len(fields) > 5 and len(kind) > 1:
            # Blanks in a path are written as octal escapes.
            inside, point = (text.encode().decode("unicode_escape") for text in fields[3:5])
            found.append({"device": fields[2], "root": inside, "point": point, "type": kind[0], "source": kind[1]})
    return found


def place(path: str, mounts: Iterable[dict[str, str]]) -> tuple[str, str]:
    """Return on which file system a path lies, and where in it."""
    best: dict[str, str] = {"point": "", "device": "", "root": ""}
    for entry in mounts:
        point = entry["point"].rstrip("/")
        if (path == point or path.startswith(point + "/")) and len(point) >= len(best["point"].rstrip("/")):
            best = entry
    below = path[len(best["point"].rstrip("/")) :]
    return best["device"], (best["root"].rstrip("/") + below) or "/"


def expected_by(folder: str, root: Path) -> list[str]:
    """Name the files that say that a folder is a mount point."""
    found = []
    for line in read(root / "etc/fstab").splitlines():
        fields = line.split()
        if len(fields) > 2 and not line.lstrip().startswith("#") and fields[1].rstrip("/") == folder:
            found.append("/etc/fstab")
    units = root / "etc/systemd/system"
    for path in sorted([*units.glob("*.mount"), *units.glob("docker.service.d/*.conf")]):
        for key, value in re.findall(r"(?m)^(Where|RequiresMountsFor)=(.*)$", read(path)):
            names = [value] if key == "Where" else value.split()
            if folder in [name.strip("\"'").rstrip("/") for name in names]:
                found.append(f"/{path.relative_to(root)}")
    return list(dict.fromkeys(found))


def describe(folder: str, inside: str, containers: dict[str, int], root: Path) -> dict[str, Any]:
    """Describe a folder and what containers see of it.

    Args:
        folder: on the host.
        inside: the same in the containers.
        containers: process id of each running container that should see it, by name.
        root: holds ``proc`` and ``etc``.

    Returns:
        ``mounted``, ``expected_by``, and per container ``same``, ``elsewhere`` or ``absent``.
    """
    folder = folder.rstrip("/") or "/"
    mounts = table(root)
    here = [entry for entry in mounts if entry["point"].rstrip("/") == folder]
    seen, outside = {}, place(folder, mounts)
    for name, pid in containers.items():
        there = [entry for entry in table(root, pid) if entry["point"] == inside]
        if there:
            same = (there[-1]["device"], there[-1]["root"].rstrip("/") or "/") == outside
            seen[name] = "same" if same else f"{there[-1]['type']} {there[-1]['source']} {there[-1]['root']}"
        else:
            seen[name] = "absent"
    return {
        "folder": folder,
        "inside": inside,
        "mounted": f"{here[-1]['type']} {here[-1]['source']}" if here else "",
        "expected_by": expected_by(folder, root),
        "containers": seen,
    }
