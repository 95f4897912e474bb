"""Tracks between requests, found again by a token; bounded in bytes and in time."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

import torch

from .folder import BoundedFolder
from .tensor_file import DAMAGE, pack, unpack
from .tracker import Memory, Track

SUFFIX = ".track"
LOG = logging.getLogger(__name__)


@dataclass
class _Kept:
    track: Track
    before: str | None
    used: float


class Tracks:
    """Keeps tracks in memory and, if there is a folder, for other workers too.

    A track that goes on gets a new token; the one before it stays valid, so that a frame can be asked again. Memories
    that tracks share count once.

    Args:
        max_bytes: bound on all tracks in memory; the least recently used go first.
        max_age: seconds after its last use at which a track is forgotten.
        device: where tracks are kept.
        files: the second level, or None.
        model: what tracks depend on: the model's fingerprint.
    """

    def __init__(
        self, max_bytes: int, max_age: float, device: torch.device, files: BoundedFolder | None, model: bytes
    ) -> None:
        self.max_bytes = max_bytes
        self.max_age = max_age
        self.nbytes = 0
        self._device = device
        self._files = files
        self._model = model.hex()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._shares: dict[int, int] = {}
        self._lock = threading.Lock()

    def get(self, token: str) -> Track | None:
        """Return a track; None if it is kept nowhere any more."""
        with self._lock:
            self._forget_old()
            kept = self._kept.get(token)
            if kept is not None:
                kept.used = time.monotonic()
                self._kept.move_to_end(token)
                return kept.track
        return self._read(token)

    def put(self, track: Track, before: str | None = None) -> str:
        """Keep a track and return its token; ``before`` is the token that it went on from."""
        token = secrets.token_hex(16)
        with self._lock:
            self._forget_old()
            earlier = self._kept.get(before) if before else None
            if earlier is not None and earlier.before is not None:
                self._drop(earlier.before)
                earlier.before = None
            self._kept[token] = _Kept(track, before, time.monotonic())
            for memory in track.memories:
                self._shares[id(memory)] = self._shares.get(id(memory), 0) + 1
                self.nbytes += memory.nbytes if self._shares[id(memory)] == 1 else 0
            while self.nbytes > self.max_bytes and self._kept:
                self._drop(next(iter(self._kept)))
        self._write(token, track)
        return token

    def clear(self) -> None:
        """Forget what is in memory."""
        with self._lock:
            for token in list(self._kept):
                self._drop(token)

    def __len__(self) -> int:
        """Return the number of tokens that are kept in memory."""
        return len(self._kept)

    def _forget_old(self) -> None:
        oldest = time.monotonic() - self.max_age
        for token in [token for token, kept in self._kept.items() if kept.used < oldest]:
            self._drop(token)

    def _drop(self, token: str) -> None:
        kept = self._kept.pop(token, None)
        if kept is None:
            return
        for memory in kept.track.memories:
            self._shares[id(memory)] -= 1
            if not self._shares[id(memory)]:
                del self._shares[id(memory)]
                self.nbytes -= memory.nbytes

    def _write(self, token: str, track: Track) -> None:
        """Write at once: the next request may come to another worker."""
        if self._files is None:
            return
        tensors = [memory.pointer for memory in track.memories]
        tensors += [memory.spatial for memory in track.memories if memory.spatial is not None]
        about = {
            "model": self._model,
            "frames": [memory.frame for memory in track.memories],
            "spatial": [memory.spatial is not None for memory in track.memories],
        }
        try:
            self._files.write(token, pack(tensors, about))
        except OSError as error:
            LOG.warning("A track could not be written to %s: %s", self._files.folder, error)

    def _read(self, token: str) -> Track | None:
        if self._files is None:
            return None
        try:
            content = self._files.read(token)
            if content is None:
                return None
            tensors, about = unpack(content)
            if about["model"] != self._model:
                return None
            tensors = [tensor.to(self._device) for tensor in tensors]
            frames = about["frames"]
            spatial = iter(tensors[len(frames) :])
            return Track(
                tuple(
                    Memory(frame, pointer, next(spatial) if has_spatial else None)
                    for frame, pointer, has_spatial in zip(frames, tensors, about["spatial"], strict=False)
                )
            )
        except (OSError, StopIteration, *DAMAGE) as error:
            LOG.warning("A track is damaged and is removed: %s", error)
            self._files.remove(token)
            return None
