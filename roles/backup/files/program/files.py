"""Files and folders: sums, and one folder taking the place of another."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

#: Folders inside each restored one. Renaming within a folder works on every mount, and takes no time.
NEW, OLD = ".restore-new", ".restore-old"


def sha256(path: Path) -> str:
    """Return the sum of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def take_place(path: Path, new: Path) -> None:
    """Replace what is in a folder by what is in another one below it; what was there goes to OLD.

    After a kill it can be done again: what OLD has already is the older one, and stays.
    """
    old = path / OLD
    old.mkdir(mode=0o700, exist_ok=True)
    for entry in path.iterdir():
        if entry.name in (NEW, OLD):
            continue
        if (old / entry.name).exists():
            remove(entry)
        else:
            entry.replace(old / entry.name)
    for entry in new.iterdir():
        entry.replace(path / entry.name)
    owner = new.stat()
    os.chown(path, owner.st_uid, owner.st_gid)
    shutil.copystat(new, path)
    remove(path / NEW)


def give_back(path: Path) -> None:
    """Undo :func:`take_place`."""
    old = path / OLD
    if not old.is_dir():
        return
    for entry in old.iterdir():
        if (path / entry.name).exists():
            remove(path / entry.name)
        entry.replace(path / entry.name)
    remove(old)


def copy_files(patterns: Iterable[str], target: Path) -> None:
    """Make a folder that holds the files that the patterns name, below their full paths."""
    if target.exists():
        remove(target)
    target.mkdir(mode=0o700)
    for pattern in patterns:
        for path in sorted(Path("/").glob(pattern.lstrip("/"))):
            copy = target / path.relative_to("/")
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, copy)


def empty(path: Path) -> None:
    """Remove everything in a folder."""
    for entry in path.iterdir():
        remove(entry)


def remove(path: Path) -> None:
    """Remove a file, a link or a whole folder."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
