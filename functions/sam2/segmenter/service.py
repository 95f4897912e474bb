"""What the functions do for CVAT: a request in, JSON out."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from .figures import Figures
from .gallery import Gallery
from .predictor import Predictor, Prompt
from .settings import Settings


class Service(ABC):
    """One model on one device, answering one request after another."""

    def __init__(self, predictor: Predictor, settings: Settings, gallery: Gallery[Any]) -> None:
        self.predictor = predictor
        self.settings = settings
        self.gallery = gallery
        self.figures = Figures()
        self._lock = threading.Lock()

    def answer(self, body: Any) -> bytes:
        """Answer a request with JSON.

        Raises:
            RequestError: the request is wrong.
        """
        started = time.perf_counter()
        with self._lock:
            text, was_known = self._answer(body)
        self.figures.count("known picture" if was_known else "new picture", time.perf_counter() - started)
        return text

    @abstractmethod
    def _answer(self, body: Any) -> tuple[bytes, bool]:
        """Return the answer and whether the picture was known."""

    def warm_up(self) -> None:
        """Run the model once, so that the first annotator does not wait for what is made on first use."""
        embedding = self.predictor.embed(np.zeros((64, 64, 3), np.uint8))
        self.predictor.predict(embedding, Prompt(np.array([[32, 32]], np.float32), np.array([1], np.int32)))

    def health(self) -> dict[str, Any]:
        """Say what runs here and how it fares; for people and monitoring."""
        return {
            "status": "ok",
            "kind": self.settings.kind,
            "model": self.settings.model,
            "model_cfg": self.settings.model_cfg,
            "device": str(self.predictor.device),
            "precision": "bfloat16" if self.predictor.half else "float32",
            "answer": self.settings.answer,
            "cache": self.gallery.figures(),
            **self.figures.summary(),
        }
