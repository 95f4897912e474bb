"""Embeddings of pictures, and a bounded memory of the last ones."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Generic, Protocol, Self, TypeVar

import torch

from .decoding import Prepared


@dataclass
class Embedding:
    """What the mask decoder needs of a picture, and the picture's size in pixels."""

    prepared: Prepared
    height: int
    width: int

    @property
    def nbytes(self) -> int:
        """Bytes on the device."""
        return self.prepared.nbytes

    def to(self, device: torch.device) -> Embedding:
        """Return the same on another device."""
        return Embedding(self.prepared.to(device), self.height, self.width)


class Kept(Protocol):
    """What a cache can keep: anything that knows its size on the device in bytes, and can move to another one."""

    @property
    def nbytes(self) -> int:
        """Bytes on the device."""

    def to(self, device: torch.device) -> Self:
        """Return the same on another device."""


Entry = TypeVar("Entry", bound=Kept)


class EmbeddingCache(Generic[Entry]):
    """Keeps the most recently used embeddings within a number of bytes. Safe to use from several threads."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.nbytes = 0
        self.hits = 0
        self.misses = 0
        self._entries: OrderedDict[bytes, Entry] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: bytes) -> Entry | None:
        """Return the embedding and mark it as used just now; None if it is not kept."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                self.misses += 1
                return None
            self._entries.move_to_end(key)
            self.hits += 1
            return entry

    def put(self, key: bytes, embedding: Entry) -> list[tuple[bytes, Entry]]:
        """Keep an embedding, and let go of the least recently used until the rest fits. One too large is not kept.

        Returns:
            what is not kept any more, with its keys.
        """
        dropped = []
        with self._lock:
            self._forget(key)
            if embedding.nbytes > self.max_bytes:
                return [(key, embedding)]
            while self.nbytes + embedding.nbytes > self.max_bytes:
                oldest = next(iter(self._entries))
                dropped.append((oldest, self._entries[oldest]))
                self._forget(oldest)
            self._entries[key] = embedding
            self.nbytes += embedding.nbytes
        return dropped

    def take(self, key: bytes) -> Entry | None:
        """Return the embedding and let go of it; None if it is not kept."""
        entry = self.get(key)
        with self._lock:
            self._forget(key)
        return entry

    def clear(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._entries.clear()
            self.nbytes = 0

    def __len__(self) -> int:
        """Return the number of embeddings kept."""
        return len(self._entries)

    def _forget(self, key: bytes) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.nbytes -= entry.nbytes
