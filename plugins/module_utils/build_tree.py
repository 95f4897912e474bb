"""A folder that is kept equal to a list of files: what differs, and how it is replaced at once."""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.annotation.server.plugins.module_utils import nuclio_inputs

#: Longer files are named in a diff, not shown.
SHOWN_BYTES = 64 * 1024


@dataclass(frozen=True)
class Part:
    """Files from elsewhere on the same host: a file or a folder, and where it goes (empty: the top)."""

    source: Path
    dest: str = ""
    link: bool = False

    def files(self, exclude: list[str]) -> dict[str, Path]:
        """Return the files by the path they get.

        Raises:
            FileNotFoundError: the source is not there.
        """
        found = nuclio_inputs.walk(self.source, exclude)
        if self.source.is_file():
            return {self.dest or self.source.name: self.source}
        return {f"{self.dest}/{relative}" if self.dest else relative: path for relative, path in found.items()}


@dataclass(frozen=True)
class Change:
    """What differs between the folder and what it should hold."""

    added: list[str]
    changed: list[str]
    removed: list[str]

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(self.added or self.changed or self.removed)


def compare(present: Mapping[str, str], wanted: Mapping[str, str]) -> Change:
    """Compare two manifests."""
    return Change(
        added=sorted(wanted.keys() - present.keys()),
        changed=sorted(name for name in wanted.keys() & present.keys() if wanted[name] != present[name]),
        removed=sorted(present.keys() - wanted.keys()),
    )


def text_of(path: Path) -> str | None:
    """Return a file's text for a diff; None when it is long or not text."""
    try:
        if path.stat().st_size > SHOWN_BYTES:
            return None
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return None


def replace(folder: Path, archive: Path | None, parts: list[Part], exclude: list[str]) -> None:
    """Make the folder anew beside the old one and put it in its place, so that nobody ever sees half of it.

    Args:
        folder: the folder.
        archive: a tar file with the files that came from the control node.
        parts: files of this host; they overwrite nothing, because the archive is unpacked after them.
        exclude: patterns of files that are left out.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        for part in parts:
            for relative, source in part.files(exclude).items():
                _lay(source, fresh / relative, part.link)
        if archive:
            with tarfile.open(archive) as tar:
                for member in tar.getmembers():
                    target = fresh / member.name
                    handle = tar.extractfile(member)
                    if handle is None or fresh not in target.resolve().parents:
                        continue
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.unlink(missing_ok=True)
                    with handle, target.open("wb") as out:
                        shutil.copyfileobj(handle, out)
                    target.chmod(member.mode)
        for path in (fresh, *(path for path in fresh.rglob("*") if path.is_dir())):
            path.chmod(0o755)
        old = fresh.with_name(f"{fresh.name}.old")
        if folder.exists():
            folder.rename(old)
        fresh.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _lay(source: Path, target: Path, link: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if link:
        try:
            # Checkpoints are large: no second copy where the file system allows it.
            os.link(source, target)
            return
        except OSError:
            pass
    shutil.copyfile(source, target)
    target.chmod(0o755 if os.access(source, os.X_OK) and source.stat().st_mode & 0o100 else 0o644)
