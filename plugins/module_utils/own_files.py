"""Which files on a server are this project's, and how what was there before comes back.

Names are enough for most: everything that a role writes outside of its own folders has ``annotation-server`` in its
name. Package sources and keys have the names that their owners' guides use, so they are looked up in the record of what
the host was like before (``host_record``), or, where there is none, known by their first line.
"""

from __future__ import annotations

import base64
import os
import shutil
from pathlib import Path
from typing import Any

#: Certainly ours, by name.
SYSTEM = (
    "/usr/local/lib/annotation-server-*",
    "/usr/local/sbin/annotation-server-*",
    "/etc/systemd/system/*.wants/annotation-server-*",
    "/etc/systemd/system/*.service.d/annotation-server*.conf",
    "/etc/systemd/system/annotation-server-*",
    "/etc/apt/apt.conf.d/*annotation-server-*",
    "/etc/modprobe.d/annotation-server-*",
    "/etc/profile.d/annotation-server-*",
    "/etc/udev/rules.d/*annotation-server-*",
    "/usr/local/share/ca-certificates/annotation-server-*",
    "/var/cache/annotation-server-*",
    "/run/annotation-server-*",
    "/run/lock/annotation-server-*",
)
APT_FOLDERS = ("/etc/apt/sources.list.d", "/etc/apt/preferences.d", "/etc/apt/keyrings")
APT = tuple(f"{folder}/annotation-server-*" for folder in APT_FOLDERS)
#: Sources and keys under the names that everybody uses.
SOURCES = {
    "/etc/apt/sources.list.d/docker.sources": "/etc/apt/keyrings/docker.asc",
    "/etc/apt/sources.list.d/nvidia-cuda.sources": "/etc/apt/keyrings/nvidia-cuda.asc",
    "/etc/apt/sources.list.d/nvidia-container-toolkit.sources": "/etc/apt/keyrings/nvidia-container-toolkit.asc",
}
#: Written into what a role makes under such a name.
MARK = b"Written by annotation.server"
#: Made by roles, and taken away when they are empty and were not there before.
FOLDERS = (
    "/etc/systemd/system/docker.service.d",
    "/etc/systemd/system/nftables.service.d",
    "/etc/systemd/system/nvidia-persistenced.service.d",
    "/etc/apt/keyrings",
    "/etc/udev/rules.d",
    "/etc/docker",
)
#: Docker's own data. They go with Docker only, as far as they were not there before.
DOCKER_FOLDERS = ("/var/lib/docker", "/var/lib/containerd", "/etc/containerd", "/opt/containerd", "/etc/cni")


def at(root: Path, path: str) -> Path:
    """Return a path of the host below ``root``."""
    return root / path.lstrip("/")


def by_name(root: Path, patterns: tuple[str, ...]) -> list[str]:
    """Return the files and folders that are ours by their names."""
    return [f"/{each.relative_to(root)}" for pattern in patterns for each in sorted(root.glob(pattern.lstrip("/")))]


def system_changes(root: Path) -> dict[str, dict[str, Any] | None]:
    """Return path -> None (remove it) for what lies in the system's folders."""
    return dict.fromkeys(by_name(root, SYSTEM))


def apt_changes(root: Path, record: dict[str, Any]) -> dict[str, dict[str, Any] | None]:
    """Return path -> what to write there (None: remove it), so that apt's files are as they were before.

    With a record every source, pin and key that was there comes back, if one of ours took its place, and ours go.
    Without one only sources go that say themselves that they are ours, with their keys.
    """
    changes: dict[str, dict[str, Any] | None] = dict.fromkeys(by_name(root, APT))
    if "files" not in record:
        for source, key in SOURCES.items():
            if at(root, source).is_file() and MARK in at(root, source).read_bytes():
                changes[source] = None
                if at(root, key).is_file() and not _mentioned(root, key, source):
                    changes[key] = None
        return changes
    before, shared = record["files"], {each for pair in SOURCES.items() for each in pair}
    for path in sorted(shared - before.keys()):
        if at(root, path).exists():
            changes[path] = None
    for path, content in before.items():
        there = at(root, path)
        if not there.exists():
            # Taken away by a role that named the repository anew. Who took it away otherwise had reasons.
            if path in shared or _replaced(root, path):
                changes[path] = content
        elif path in shared and base64.b64decode(content["content"]) != there.read_bytes():
            changes[path] = content
    return changes


def _replaced(root: Path, path: str) -> bool:
    """Tell whether one of our sources stands for an entry that is gone: they are about the same vendor."""
    name = Path(path).name
    vendor = "nvidia" if "nvidia" in name or "cuda" in name else "docker" if "docker" in name else ""
    return bool(vendor) and any(vendor in source and at(root, source).exists() for source in SOURCES)


def _mentioned(root: Path, key: str, but: str) -> bool:
    """Tell whether a source other than one names a key."""
    sources = at(root, APT_FOLDERS[0]).glob("*")
    return any(
        f"/{each.relative_to(root)}" != but and key.encode() in each.read_bytes() for each in sources if each.is_file()
    )


def put(root: Path, path: str, content: dict[str, Any] | None) -> None:
    """Write a file as it was, or remove what is there."""
    there = at(root, path)
    if content is None:
        remove(there)
        return
    there.write_bytes(base64.b64decode(content["content"]))
    give(there, content)


def owner(path: Path) -> dict[str, int]:
    """Return owner, group and mode."""
    about = path.stat()
    return {"mode": about.st_mode & 0o7777, "uid": about.st_uid, "gid": about.st_gid}


def give(path: Path, to: dict[str, Any]) -> None:
    """Set owner, group and mode."""
    os.chown(path, to["uid"], to["gid"])
    path.chmod(to["mode"])


def has_changed_hands(path: Path, before: dict[str, Any] | None) -> bool:
    """Tell whether a folder that was there before has another owner, group or mode now."""
    if not before or "uid" not in before or not path.is_dir():
        return False
    return any(before[key] != value for key, value in owner(path).items())


def remove(path: Path) -> None:
    """Remove a file, a link or a folder with all that is in it; what is gone already is fine."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def content(folder: Path) -> list[Path]:
    """Return what is in a folder; what a file system makes by itself does not count."""
    return [each for each in folder.iterdir() if each.name != "lost+found"]


def empty(folder: Path) -> None:
    """Remove everything in a folder, not the folder."""
    for entry in content(folder):
        remove(entry)


def holds_something(path: Path) -> bool:
    """Tell whether there is a file, or a folder with something in it."""
    return bool(content(path)) if path.is_dir() else path.exists()


def fate(path: Path, before: dict[str, Any] | None) -> tuple[str, str]:
    """Say what becomes of a folder that is wanted away: ``remove``, ``empty``, ``nothing`` or ``stays``, and why.

    Args:
        path: the folder.
        before: what the record says of it; None where it says nothing.
    """
    if not path.exists():
        return "nothing", ""
    if before is None:
        return ("empty" if os.path.ismount(path) else "remove"), ""
    if before["entries"]:
        return "stays", "it was there before the first run, with something in it"
    if before["exists"] or os.path.ismount(path):
        return ("empty" if content(path) else "nothing"), "it was there before, empty"
    return "remove", ""
