"""Which file system a path is on, how full it is, and whether one may write there. Changes nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def existing(path: Path) -> Path:
    """Return the path itself or the nearest folder above it that exists.

    Raises:
        OSError: the path runs through a loop of symbolic links.
    """
    path = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links
    while True:
        try:
            path.stat()
        except (FileNotFoundError, NotADirectoryError):
            path = path.parent
        else:
            return path


def mounts(root: Path) -> list[tuple[str, str, list[str]]]:
    """Return mount point, type and options of every mount, the latest last (source: proc_pid_mountinfo(5))."""
    found = []
    try:
        lines = (root / "proc/self/mountinfo").read_text().splitlines()
    except OSError:
        return []
    for line in lines:
        left, _, right = line.partition(" - ")
        # Blanks in a path are written as octal escapes.
        point = left.split()[4].encode().decode("unicode_escape")
        found.append((point, right.split()[0], left.split()[5].split(",") + right.split()[2].split(",")))
    return found


def mount_of(path: Path, table: list[tuple[str, str, list[str]]]) -> tuple[str, str, list[str]]:
    """Return the mount that a path is on: the longest mount point above it, the latest of several."""
    best = ("/", "", [""])
    real = os.path.realpath(path)
    for entry in table:
        point = entry[0].rstrip("/")
        if (real == point or real.startswith(point + "/")) and len(entry[0]) >= len(best[0]):
            best = entry
    return best


def describe(path: str, root: Path) -> dict[str, Any]:
    """Describe a path and the file system it is, or would be, on. Sizes are bytes, ``used_percent`` is df's."""
    answer: dict[str, Any] = {"path": path, "exists": False, "is_dir": False, "error": ""}
    try:
        there = existing(Path(path))
        numbers = os.statvfs(there)
    except OSError as error:
        answer["error"] = error.strerror or str(error)
        return answer
    point, kind, options = mount_of(there, mounts(root))
    used = (numbers.f_blocks - numbers.f_bfree) * numbers.f_frsize
    free = numbers.f_bavail * numbers.f_frsize
    answer.update(
        exists=there == Path(os.path.abspath(path)),  # noqa: PTH100
        nearest=str(there),
        real=os.path.realpath(path),
        is_dir=there.is_dir(),
        mount=point,
        is_mount=there.is_dir() and os.path.ismount(there),
        fstype=kind,
        read_only="ro" in options or bool(numbers.f_flag & os.ST_RDONLY),
        writable=os.access(there, os.W_OK | os.X_OK),
        free=free,
        used=used,
        used_percent=round(100 * used / (used + free), 1) if used + free else 0.0,
        free_inodes_percent=round(100 * numbers.f_favail / numbers.f_files, 1) if numbers.f_files else 100.0,
    )
    return answer
