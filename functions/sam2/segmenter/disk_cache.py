"""A second level of memory for embeddings: files, shared by all workers and still there after a restart.

One file per picture: a line of JSON (size of the picture, shapes, type and checksum), then the feature levels as they
lie in memory. Files appear by renaming, so that another process never reads half of one; a file that is damaged or of
another model is as good as absent.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import queue
import threading
from dataclasses import dataclass
from pathlib import Path

import torch

SUFFIX = ".embedding"
LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Features:
    """What the encoder made of a picture: levels (1 x C x h x w) on any device, and the picture's size in pixels."""

    levels: list[torch.Tensor]
    height: int
    width: int


class DiskCache:
    """Keeps features in a folder within a number of bytes; the least recently used go first.

    Args:
        folder: made when it does not exist; only the owner may read it, for it tells about the pictures.
        max_bytes: bound on all files of the folder together.
        model: what the features depend on, besides the picture: the model's fingerprint.
    """

    def __init__(self, folder: Path, max_bytes: int, model: bytes) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = folder
        self.max_bytes = max_bytes
        self.hits = 0
        self._model = model
        self._waiting: queue.Queue[tuple[bytes, Features]] = queue.Queue(maxsize=4)
        threading.Thread(target=self._write_all, name="embeddings to disk", daemon=True).start()

    def get(self, key: bytes) -> Features | None:
        """Return the features kept under a key; None if there are none, or none that can be trusted."""
        path = self._path(key)
        try:
            content = path.read_bytes()
            features = _decode(content)
            os.utime(path)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            LOG.warning("%s is damaged and is removed: %s", path, error)
            path.unlink(missing_ok=True)
            return None
        self.hits += 1
        return features

    def put(self, key: bytes, features: Features) -> None:
        """Keep features; they are written beside the next requests. When writing cannot keep up, they are left out."""
        try:
            self._waiting.put_nowait((key, features))
        except queue.Full:
            LOG.info("The disk is slower than the model: one embedding was not kept")

    def flush(self) -> None:
        """Wait until everything given so far is written."""
        self._waiting.join()

    def _path(self, key: bytes) -> Path:
        return self.folder / (hashlib.sha256(self._model + key).hexdigest() + SUFFIX)

    def _write_all(self) -> None:
        while True:
            key, features = self._waiting.get()
            try:
                self._write(self._path(key), _encode(features))
            except OSError as error:
                LOG.warning("An embedding could not be written to %s: %s", self.folder, error)
            finally:
                self._waiting.task_done()

    def _write(self, path: Path, content: bytes) -> None:
        if len(content) > self.max_bytes:
            return
        self._make_room(len(content))
        partial = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.partial")
        try:
            partial.write_bytes(content)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)

    def _make_room(self, needed: int) -> None:
        """Remove the least recently used files; others may be removing them at the same time."""
        entries = []
        for path in self.folder.iterdir():
            try:
                state = path.stat()
            except FileNotFoundError:
                continue
            entries.append((state.st_mtime_ns, state.st_size, path))
        total = sum(size for _, size, _ in entries)
        for _, size, path in sorted(entries):
            if total + needed <= self.max_bytes:
                return
            path.unlink(missing_ok=True)
            total -= size


def _encode(features: Features) -> bytes:
    levels = [level.detach().cpu().contiguous() for level in features.levels]
    body = b"".join(level.view(torch.uint8).numpy().tobytes() for level in levels)
    header = {
        "height": features.height,
        "width": features.width,
        "type": str(levels[0].dtype).removeprefix("torch."),
        "shapes": [list(level.shape) for level in levels],
        "checksum": hashlib.blake2b(body).hexdigest(),
    }
    return json.dumps(header).encode() + b"\n" + body


def _decode(content: bytes) -> Features:
    end = content.index(b"\n")
    header = json.loads(content[:end])
    body = memoryview(content)[end + 1 :]
    if hashlib.blake2b(body).hexdigest() != header["checksum"]:
        raise ValueError("the checksum does not match")
    dtype = getattr(torch, header["type"])
    levels, start = [], 0
    raw = torch.frombuffer(bytearray(body), dtype=dtype)
    for shape in header["shapes"]:
        size = torch.Size(shape).numel()
        levels.append(raw[start : start + size].view(shape))
        start += size
    return Features(levels, header["height"], header["width"])
