"""A second level of memory for embeddings: files, shared by all workers and still there after a restart.

One file per picture; a file that is damaged or of another model is as good as absent.
"""

from __future__ import annotations

import hashlib
import logging
import queue
import threading
from dataclasses import dataclass
from pathlib import Path

import torch

from .folder import BoundedFolder
from .tensor_file import DAMAGE, pack, unpack

SUFFIX = ".embedding"
LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Features:
    """What the encoder made of a picture: levels (1 x C x h x w) on any device, and the picture's size in pixels."""

    levels: list[torch.Tensor]
    height: int
    width: int

    @property
    def nbytes(self) -> int:
        """Bytes where the levels are."""
        return sum(level.numel() * level.element_size() for level in self.levels)

    def to(self, device: torch.device) -> Features:
        """Return the same on another device."""
        return Features([level.to(device) for level in self.levels], self.height, self.width)


class DiskCache:
    """Keeps features in a folder within a number of bytes; the least recently used go first.

    Args:
        folder: made when it does not exist.
        max_bytes: bound on all files of the folder together.
        model: what the features depend on, besides the picture: the model's fingerprint.
    """

    def __init__(self, folder: Path, max_bytes: int, model: bytes) -> None:
        self.files = BoundedFolder(folder, SUFFIX, max_bytes)
        self.hits = 0
        self._model = model
        self._waiting: queue.Queue[tuple[bytes, Features]] = queue.Queue(maxsize=4)
        threading.Thread(target=self._write_all, name="embeddings to disk", daemon=True).start()

    def get(self, key: bytes) -> Features | None:
        """Return the features kept under a key; None if there are none, or none that can be trusted."""
        name = self.name(key)
        try:
            content = self.files.read(name)
            if content is None:
                return None
            levels, about = unpack(content)
            features = Features(levels, about["height"], about["width"])
        except (OSError, *DAMAGE) as error:
            LOG.warning("%s is damaged and is removed: %s", self.files.path(name), error)
            self.files.remove(name)
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

    def name(self, key: bytes) -> str:
        """Return the name of a picture's file, without its suffix."""
        return hashlib.sha256(self._model + key).hexdigest()

    def _write_all(self) -> None:
        while True:
            key, features = self._waiting.get()
            try:
                about = {"height": features.height, "width": features.width}
                self.files.write(self.name(key), pack(features.levels, about))
            except OSError as error:
                LOG.warning("An embedding could not be written to %s: %s", self.files.folder, error)
            finally:
                self._waiting.task_done()
