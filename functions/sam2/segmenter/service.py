"""What the functions do for CVAT: a request in, JSON out."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from . import answers
from .detector import detect
from .disk_cache import DiskCache
from .embeddings import Embedding
from .figures import Figures
from .gallery import Gallery
from .outlines import polygon_of
from .predictor import Answer, Predictor, Prompt
from .prompts import split
from .refinement import Refinement
from .request import parse, parse_detection
from .settings import Settings


class Service(ABC):
    """One model on one device, answering one request after another."""

    def __init__(self, predictor: Predictor, settings: Settings, disk: DiskCache | None = None) -> None:
        self.predictor = predictor
        self.settings = settings
        self.gallery = Gallery(predictor, settings, disk)
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


class Interactor(Service):
    """Turns clicks and boxes into masks: ``{"mask": [[0, 1, ...]]}`` or ``{"shapes": [...]}``, as the settings say."""

    def __init__(self, predictor: Predictor, settings: Settings, disk: DiskCache | None = None) -> None:
        super().__init__(predictor, settings, disk)
        self.refinement = Refinement() if settings.refine else None

    def _answer(self, body: Any) -> tuple[bytes, bool]:
        request = parse(body, self.settings)

        def work() -> tuple[list[Answer], bool]:
            key, embedding, was_known = self.gallery.look_up(request.image)
            prompts = split(request, embedding.height, embedding.width)
            return [self._predict(key, embedding, prompt) for prompt in prompts], was_known

        found, was_known = self.gallery.with_room(work)
        return self._write(found), was_known

    def _predict(self, key: bytes, embedding: Embedding, prompt: Prompt) -> Answer:
        if self.refinement is None:
            return self.predictor.predict(embedding, prompt)
        answer = self.predictor.predict(embedding, prompt, self.refinement.before(key, prompt))
        self.refinement.keep(key, prompt, answer.logits)
        return answer

    def _write(self, found: list[Answer]) -> bytes:
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


class Detector(Service):
    """Finds the objects of a picture without being asked for any, for "Actions > Automatic annotation"."""

    def _answer(self, body: Any) -> tuple[bytes, bool]:
        image, threshold = parse_detection(body, self.settings.search.least_score)
        search = self.settings.search_for(threshold)

        def work() -> tuple[list[Answer], bool]:
            _, embedding, was_known = self.gallery.look_up(image)
            return detect(self.predictor, embedding, search), was_known

        found, was_known = self.gallery.with_room(work)
        entries = [self._entry(answer) for answer in found]
        return b"[" + b",".join(entry for entry in entries if entry) + b"]", was_known

    def _entry(self, answer: Answer) -> bytes:
        polygon = np.round(polygon_of(answer.mask), 1)
        if len(polygon) < 3:
            return b""
        return answers.detection_json(self.settings.label, answer.mask, polygon, answer.score)


SERVICES: dict[str, type[Service]] = {"interactor": Interactor, "detector": Detector}
