"""Embeddings of pictures, and a bounded memory of the last ones."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

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


class Kept(Protocol):
    """What a cache can keep: anything that knows its size on the device in bytes."""

    @property
    def nbytes(self) -> int:
        """Bytes on the device."""


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

    def put(self, key: bytes, embedding: Entry) -> None:
        """Keep an embedding, and let go of the least recently used until the rest fits. One too large is not kept."""
        with self._lock:
            old = self._entries.pop(key, None)
            if old is not None:
                self.nbytes -= old.nbytes
            if embedding.nbytes > self.max_bytes:
                return
            while self.nbytes + embedding.nbytes > self.max_bytes:
                _, dropped = self._entries.popitem(last=False)
                self.nbytes -= dropped.nbytes
            self._entries[key] = embedding
            self.nbytes += embedding.nbytes

    def clear(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._entries.clear()
            self.nbytes = 0

    def __len__(self) -> int:
        """Return the number of embeddings kept."""
        return len(self._entries)
