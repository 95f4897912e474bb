"""Whether folders may be handed over to containers. Pure functions over what ``host_probe`` returns."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

# Nothing below these is ever ours.
SYSTEM = (
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/lib32",
    "/lib64",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/sys",
    "/usr",
)
# These hold what others keep; a folder below them may be ours.
SHARED = ("/", "/home", "/media", "/mnt", "/opt", "/srv", "/tmp", "/var", "/var/lib", "/var/lib/docker")  # noqa: S108


def tidy(path: str) -> str:
    """Write a path without needless slashes; two at the beginning mean one on Linux."""
    return str(PurePosixPath("/" + path.lstrip("/")))


def is_inside(path: str, folder: str) -> bool:
    """Tell whether a path is a folder or lies in it."""
    return PurePosixPath(tidy(path)).is_relative_to(folder)


def problem(name: str, path: str, disk: dict[str, Any]) -> str:
    """Return what is wrong with one folder; empty when nothing is. ``name`` is the variable that holds it."""
    if not path.startswith("/") or ".." in PurePosixPath(path).parts:
        return f"{name}: '{path}' must be an absolute path without '..'."
    if disk["error"]:
        return f"{name}: {path} cannot be examined: {disk['error']}. Repair it, or choose another folder."
    for each in dict.fromkeys((tidy(path), tidy(disk["real"]))):
        leads = "" if each == tidy(path) else f" (it leads to {each})"
        if each in SHARED or any(is_inside(each, folder) for folder in SYSTEM):
            return f"{name}: {path}{leads} belongs to the system. Choose a folder of its own, such as /mnt/share."
    if not disk["is_dir"]:
        return f"{name}: {disk['nearest']} is not a folder. Move it away, or choose another one."
    if disk["read_only"]:
        return f"{name}: {path} is on {disk['mount']}, which is mounted read-only. Mount it for writing."
    return ""


def problems(folders: dict[str, str], disks: list[dict[str, Any]]) -> list[str]:
    """Return a sentence for everything wrong with the folders (variable -> path).

    ``disks`` are ``host_probe``'s answers for the same paths.
    """
    by_path = {disk["path"]: disk for disk in disks}
    found = [problem(name, path, by_path[path]) for name, path in folders.items()]
    names = list(folders)
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            one, other = (by_path[folders[name]].get("real") or folders[name] for name in (first, second))
            if is_inside(one, tidy(other)) or is_inside(other, tidy(one)):
                found.append(f"{first} ({folders[first]}) and {second} ({folders[second]}) must not lie in each other.")
    return [sentence for sentence in found if sentence]
