"""A folder of files that several processes share, bounded in bytes."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path


class BoundedFolder:
    """Keeps small files; the least recently used go first, and those that are too old.

    Files appear by renaming, so that another process never reads half of one.

    Args:
        folder: made when it does not exist; only the owner may read it, for it tells about the pictures.
        suffix: of the files that belong here, with its dot.
        max_bytes: bound on all files of the folder together.
        max_age: seconds after the last use at which a file is as good as absent; None keeps it for ever.
    """

    def __init__(self, folder: Path, suffix: str, max_bytes: int, max_age: float | None = None) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = folder
        self.suffix = suffix
        self.max_bytes = max_bytes
        self.max_age = max_age

    def path(self, name: str) -> Path:
        """Return where a file lies, or would."""
        return self.folder / (name + self.suffix)

    def read(self, name: str) -> bytes | None:
        """Return a file's content and mark it as used just now; None if it is not there or too old."""
        path = self.path(name)
        try:
            if self._is_old(path.stat().st_mtime):
                path.unlink(missing_ok=True)
                return None
            content = path.read_bytes()
            os.utime(path)
        except FileNotFoundError:
            return None
        return content

    def write(self, name: str, content: bytes) -> None:
        """Keep a file; one that is larger than the bound is not kept.

        Raises:
            OSError: it cannot be written.
        """
        if len(content) > self.max_bytes:
            return
        self._make_room(len(content))
        path = self.path(name)
        partial = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.partial")
        try:
            partial.write_bytes(content)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        self.path(name).unlink(missing_ok=True)

    def _is_old(self, last_use: float) -> bool:
        return self.max_age is not None and last_use < time.time() - self.max_age

    def _make_room(self, needed: int) -> None:
        """Remove what is too old, then the least recently used; others may be removing files at the same time."""
        entries = []
        for path in self.folder.iterdir():
            if path.suffix not in (self.suffix, ".partial"):
                continue
            try:
                state = path.stat()
            except FileNotFoundError:
                continue
            if self._is_old(state.st_mtime):
                path.unlink(missing_ok=True)
            else:
                entries.append((state.st_mtime_ns, state.st_size, path))
        total = sum(size for _, size, _ in entries)
        for _, size, path in sorted(entries):
            if total + needed <= self.max_bytes:
                return
            path.unlink(missing_ok=True)
            total -= size
