"""What a host was like before this project changed it: written down once, so that a teardown can lead back there.

Standard library only. Functions take ``root``, the folder that holds ``etc`` and ``var``, so that tests can show them
any host.
"""

from __future__ import annotations

import base64
import json
import os
import re
from pathlib import Path
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import docker_socket, host_system, own_files

#: Where the record lies: apart from what a diagnosis collects, because package sources may hold passwords.
PATH = "/var/lib/annotation-server/before/host.json"
#: A package source or a key is smaller; what is larger is none.
LARGEST = 256 * 1024
FORMAT = 1


def installed(root: Path) -> list[str]:
    """Return the names of all installed packages (source: dpkg's status file)."""
    names = []
    for block in host_system.read(root / "var/lib/dpkg/status").split("\n\n"):
        fields = dict(re.findall(r"^(Package|Status): (.*)$", block, flags=re.MULTILINE))
        if fields.get("Status", "").split()[2:] == ["installed"]:
            names.append(fields["Package"])
    return sorted(set(names))


def file(path: Path) -> dict[str, Any]:
    """Describe a file so that it can be written again."""
    return {"content": base64.b64encode(path.read_bytes()).decode()} | own_files.owner(path)


def files(root: Path) -> dict[str, Any]:
    """Describe the package sources, pins and keys: the files of others that this project replaces or removes."""
    found = {}
    for folder in own_files.APT_FOLDERS:
        for path in sorted((root / folder.lstrip("/")).glob("*")):
            if path.is_file() and path.stat().st_size <= LARGEST:
                found[f"/{path.relative_to(root)}"] = file(path)
    return found


def folder(path: Path) -> dict[str, Any]:
    """Tell whether a folder is there, is a mount point, how much is in it and whose it is."""
    there = path.is_dir()
    entries = [each for each in path.iterdir() if each.name != "lost+found"] if there else []
    about = {"exists": there, "mount": there and os.path.ismount(path), "entries": len(entries)}
    return about | (own_files.owner(path) if there else {})


def groups(root: Path) -> list[str]:
    """Return the names of all groups."""
    return [line.split(":")[0] for line in host_system.read(root / "etc/group").splitlines() if line]


def images(socket: str) -> list[str]:
    """Return the identifiers of all images; none where there is no Docker."""
    try:
        return sorted(entry["Id"] for entry in docker_socket.get(socket, "/images/json?all=1"))
    except docker_socket.EngineUnreachableError:
        return []


def look(root: Path, folders: list[str], socket: str) -> dict[str, Any]:
    """Describe the host as it is now."""
    return {
        "format": FORMAT,
        "late": (root / "opt/annotation-server").exists(),
        "packages": installed(root),
        "files": files(root),
        "folders": {path: folder(root / path.lstrip("/")) for path in folders},
        "groups": groups(root),
        "images": images(socket),
    }


def complete(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """Return a record with what it lacks; what was written down before stays.

    After a teardown that kept data only part of a record is left. ``left`` in it names what is ours and still there, so
    that it does not pass for something that was found.
    """
    left = before.get("left") or {}
    fresh = {
        **now,
        "packages": [name for name in now["packages"] if name not in left.get("packages", [])],
        "groups": [name for name in now["groups"] if name not in left.get("groups", [])],
        "folders": {**now["folders"], **before.get("folders", {})},
    }
    return {**fresh, **{key: value for key, value in before.items() if key != "folders"}}


def reduce(record: dict[str, Any], packages: list[str], groups_left: list[str]) -> dict[str, Any]:
    """Return what must outlive a teardown that keeps data: the folders as they were found, and what is ours still."""
    kept: dict[str, Any] = {key: record[key] for key in ("format", "made", "late", "folders") if key in record}
    return {**kept, "left": {"packages": sorted(packages), "groups": sorted(groups_left)}}


def read(path: Path) -> dict[str, Any]:
    """Return the record; empty where there is none.

    Raises:
        ValueError: it cannot be read; the message says what to do.
    """
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ValueError(
            f"{path} is damaged ({error}). Without it nobody knows what was on this host before: move it away, and a "
            "teardown removes only what is certainly ours."
        ) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(f"{path} was written by another version of this project. Use that version, or move it away.")
    return content


def known(path: Path, root: Path, socket: str) -> dict[str, Any]:
    """Return the record as a teardown needs it; empty where there is none.

    What an earlier teardown left of it stands for: all that is here now was here before, but for what is named.

    Raises:
        ValueError: it cannot be read.
    """
    record = read(path)
    return complete(record, look(root, [], socket)) if "left" in record and "packages" not in record else record


def write(path: Path, record: dict[str, Any]) -> None:
    """Write the record at once, as a whole, for root alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.touch(mode=0o600)
    fresh.chmod(0o600)
    fresh.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
    fresh.replace(path)
