"""The interactor: a request in, JSON out, with the embedding of each picture computed once."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from . import answers, pictures
from .disk_cache import DiskCache
from .embeddings import Embedding, EmbeddingCache
from .errors import RequestError
from .figures import Figures
from .predictor import Answer, Predictor, Prompt
from .refinement import Refinement
from .request import Request, parse
from .settings import Settings


class Interactor:
    """Answers one annotator's prompts after another, with one model on one device."""

    def __init__(self, predictor: Predictor, settings: Settings, disk: DiskCache | None = None) -> None:
        self.predictor = predictor
        self.disk = disk
        self.settings = settings
        self.cache = EmbeddingCache(settings.cache_bytes)
        self.refinement = Refinement() if settings.refine else None
        self.figures = Figures()
        self._lock = threading.Lock()

    def answer(self, body: Any) -> bytes:
        """Answer a request as JSON: ``{"mask": [[0, 1, ...]]}`` or ``{"shapes": [...]}``, as the settings say.

        Raises:
            RequestError: the request is wrong.
        """
        started = time.perf_counter()
        request = parse(body, self.settings)
        with self._lock:
            found, embedding, was_known = self._with_retry(lambda: self._find(request))
        text = self._write(found, embedding)
        self.figures.count("click" if was_known else "first", time.perf_counter() - started)
        return text

    def warm_up(self) -> None:
        """Run the model once, so that the first annotator does not wait for what is made on first use."""
        embedding = self.predictor.embed(np.zeros((64, 64, 3), np.uint8))
        self.predictor.predict(embedding, Prompt(np.array([[32, 32]], np.float32), np.array([1], np.int32)))

    def health(self) -> dict[str, Any]:
        """Say what runs here and how it fares; for people and monitoring."""
        cache = self.cache
        return {
            "status": "ok",
            "model": self.settings.model,
            "model_cfg": self.settings.model_cfg,
            "device": str(self.predictor.device),
            "answer": self.settings.answer,
            "cache": {
                "pictures": len(cache),
                "bytes": cache.nbytes,
                "max_bytes": cache.max_bytes,
                "hits": cache.hits,
                "misses": cache.misses,
                "disk_hits": self.disk.hits if self.disk else None,
            },
            **self.figures.summary(),
        }

    def _find(self, request: Request) -> tuple[list[Answer], Embedding, bool]:
        key = hashlib.sha256(request.image.encode("utf-8", "surrogatepass")).digest()
        embedding, was_known = self._embedding(key, request.image)
        prompts = split(request, embedding.height, embedding.width)
        return [self._predict(key, embedding, prompt) for prompt in prompts], embedding, was_known

    def _predict(self, key: bytes, embedding: Embedding, prompt: Prompt) -> Answer:
        if self.refinement is None:
            return self.predictor.predict(embedding, prompt)
        answer = self.predictor.predict(embedding, prompt, self.refinement.before(key, prompt))
        self.refinement.keep(key, prompt, answer.logits)
        return answer

    def _embedding(self, key: bytes, image: str) -> tuple[Embedding, bool]:
        """Return the picture's embedding, and whether it was known; a known picture is not even decoded."""
        embedding = self.cache.get(key)
        if embedding is not None:
            return embedding, True
        features = self.disk.get(key) if self.disk else None
        was_known = features is not None
        if features is None:
            picture = pictures.decode_picture(pictures.decode_base64(image), self.settings.max_pixels)
            features = self.predictor.encode(picture)
            if self.disk:
                self.disk.put(key, features)
        embedding = self.predictor.prepare(features)
        self.cache.put(key, embedding)
        return embedding, was_known

    def _with_retry(self, work: Callable[[], Any]) -> Any:
        """Do the work; when the device's memory is full, let go of the cache and try once more."""
        try:
            return work()
        except torch.OutOfMemoryError:
            self.figures.count("out_of_memory", 0.0)
        self.cache.clear()
        if self.refinement is not None:
            self.refinement.clear()
        if self.predictor.device.type == "cuda":
            torch.cuda.empty_cache()
        return work()

    def _write(self, found: list[Answer], embedding: Embedding) -> bytes:
        if self.settings.answer == "shapes":
            entries = []
            for answer in found:
                outline = answers.outline_of(answer.mask)
                if outline is not None:
                    confidence = answers.confidence_text(answer.score, self.settings.confidence)
                    entries.append(answers.shape_json(outline, confidence))
            return b'{"shapes":[' + b",".join(entries) + b"]}"
        united = found[0].mask
        for answer in found[1:]:
            united = united | answer.mask
        return b'{"mask":' + answers.mask_json(np.ascontiguousarray(united)) + b"}"


def split(request: Request, height: int, width: int) -> list[Prompt]:
    """Make one prompt per box, or one of the points alone; coordinates are moved onto the picture.

    A point belongs to every box that it lies in, and to all boxes if it lies in none.

    Raises:
        RequestError: a box has no area inside the picture.
    """
    edge = np.array([width, height], np.float32)
    points = np.clip(request.points, 0, edge - 1)
    if not len(request.boxes):
        return [Prompt(points, request.labels)]
    boxes = np.clip(request.boxes.reshape(-1, 2, 2), 0, edge).reshape(-1, 4)
    for number, (left, top, right, bottom) in enumerate(boxes):
        if right <= left or bottom <= top:
            message = f"is empty or lies outside the picture of {width} x {height} pixels"
            raise RequestError(f"obj_bbox[{2 * number}]", message, 422)
    inside = np.array(
        [(points >= box[:2]).all(axis=1) & (points <= box[2:]).all(axis=1) for box in boxes], dtype=bool
    ).reshape(len(boxes), len(points))
    common = ~inside.any(axis=0)
    return [
        Prompt(points[own | common], request.labels[own | common], box) for box, own in zip(boxes, inside, strict=True)
    ]
