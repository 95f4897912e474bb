"""Embeddings of the pictures that requests bring: from memory, from disk, or made now."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch

from . import pictures
from .disk_cache import DiskCache, Features
from .embeddings import EmbeddingCache, Entry, Kept
from .settings import Settings

Result = TypeVar("Result")
Made = TypeVar("Made", bound=Kept, covariant=True)


class Encoder(Protocol[Made]):
    """What a gallery gets its embeddings from."""

    device: torch.device

    def encode(self, picture: np.ndarray) -> Features:
        """Make features of a picture (H x W x 3, uint8)."""

    def prepare(self, features: Features) -> Made:
        """Make of features what is kept in memory; called once per picture."""


class Gallery(Generic[Entry]):
    """Knows the last pictures by their bytes.

    Args:
        encoder: makes embeddings.
        settings: bounds.
        disk: a second level, or None.
    """

    def __init__(self, encoder: Encoder[Entry], settings: Settings, disk: DiskCache | None) -> None:
        self.encoder = encoder
        self.cache: EmbeddingCache[Entry] = EmbeddingCache(settings.cache_bytes)
        self.host: EmbeddingCache[Entry] = EmbeddingCache(settings.cache_host_bytes)
        self.disk = disk
        self.out_of_memory = 0
        self._max_pixels = settings.max_pixels

    def look_up(self, image: str) -> tuple[bytes, Entry, bool]:
        """Return a picture's key, its embedding, and whether that was known; a known picture is not even decoded.

        Raises:
            RequestError: the picture cannot be read.
        """
        key = hashlib.sha256(image.encode("utf-8", "surrogatepass")).digest()
        embedding = self.cache.get(key)
        if embedding is not None:
            return key, embedding, True
        spilled = self.host.take(key)
        if spilled is not None:
            embedding = spilled.to(self.encoder.device)
            self._keep(key, embedding)
            return key, embedding, True
        features = self.disk.get(key) if self.disk else None
        was_known = features is not None
        if features is None:
            picture = pictures.decode_picture(pictures.decode_base64(image), self._max_pixels)
            features = self.encoder.encode(picture)
            if self.disk:
                self.disk.put(key, features)
        embedding = self.encoder.prepare(features)
        self._keep(key, embedding)
        return key, embedding, was_known

    def _keep(self, key: bytes, embedding: Entry) -> None:
        """Keep an embedding on the device; what has to go for it goes to the host's memory, if that is wanted."""
        dropped = self.cache.put(key, embedding)
        if self.host.max_bytes:
            for old, entry in dropped:
                self.host.put(old, entry.to(torch.device("cpu")))

    def with_room(self, work: Callable[[], Result]) -> Result:
        """Do some work; when the device's memory is full, let go of all embeddings there and try once more."""
        try:
            return work()
        except torch.OutOfMemoryError:
            self.out_of_memory += 1
        self.cache.clear()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return work()

    def figures(self) -> dict[str, Any]:
        """Return how full the caches are and how often they helped: a hit is a picture that was not embedded again."""
        asked = self.cache.hits + self.cache.misses
        hits = self.cache.hits + self.host.hits + (self.disk.hits if self.disk else 0)
        return {
            "pictures": len(self.cache),
            "bytes": self.cache.nbytes,
            "max_bytes": self.cache.max_bytes,
            "hits": self.cache.hits,
            "misses": self.cache.misses,
            "host_bytes": self.host.nbytes,
            "host_hits": self.host.hits if self.host.max_bytes else None,
            "disk_hits": self.disk.hits if self.disk else None,
            "hit_rate": round(hits / asked, 3) if asked else None,
            "out_of_memory": self.out_of_memory,
        }
