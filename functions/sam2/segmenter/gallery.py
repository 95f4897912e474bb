"""Embeddings of the pictures that requests bring: from memory, from disk, or made now."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, TypeVar

import torch

from . import pictures
from .disk_cache import DiskCache
from .embeddings import Embedding, EmbeddingCache
from .predictor import Predictor
from .settings import Settings

Result = TypeVar("Result")


class Gallery:
    """Knows the last pictures by their bytes.

    Args:
        predictor: makes embeddings.
        settings: bounds.
        disk: a second level, or None.
    """

    def __init__(self, predictor: Predictor, settings: Settings, disk: DiskCache | None) -> None:
        self.predictor = predictor
        self.cache = EmbeddingCache(settings.cache_bytes)
        self.disk = disk
        self.out_of_memory = 0
        self._max_pixels = settings.max_pixels

    def look_up(self, image: str) -> tuple[bytes, Embedding, bool]:
        """Return a picture's key, its embedding, and whether that was known; a known picture is not even decoded.

        Raises:
            RequestError: the picture cannot be read.
        """
        key = hashlib.sha256(image.encode("utf-8", "surrogatepass")).digest()
        embedding = self.cache.get(key)
        if embedding is not None:
            return key, embedding, True
        features = self.disk.get(key) if self.disk else None
        was_known = features is not None
        if features is None:
            picture = pictures.decode_picture(pictures.decode_base64(image), self._max_pixels)
            features = self.predictor.encode(picture)
            if self.disk:
                self.disk.put(key, features)
        embedding = self.predictor.prepare(features)
        self.cache.put(key, embedding)
        return key, embedding, was_known

    def with_room(self, work: Callable[[], Result]) -> Result:
        """Do some work; when the device's memory is full, let go of all embeddings there and try once more."""
        try:
            return work()
        except torch.OutOfMemoryError:
            self.out_of_memory += 1
        self.cache.clear()
        if self.predictor.device.type == "cuda":
            torch.cuda.empty_cache()
        return work()

    def figures(self) -> dict[str, Any]:
        """Return how full the cache is and how often it helped."""
        return {
            "pictures": len(self.cache),
            "bytes": self.cache.nbytes,
            "max_bytes": self.cache.max_bytes,
            "hits": self.cache.hits,
            "misses": self.cache.misses,
            "disk_hits": self.disk.hits if self.disk else None,
            "out_of_memory": self.out_of_memory,
        }
