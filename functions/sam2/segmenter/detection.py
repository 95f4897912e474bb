"""The detector as CVAT calls it: a picture in, masks of everything out."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import answers
from .detector import detect
from .disk_cache import DiskCache
from .gallery import Gallery
from .outlines import polygon_of
from .predictor import Answer, Predictor
from .request import parse_detection
from .service import Service
from .settings import Settings


class Detector(Service):
    """Finds the objects of a picture without being asked for any, for "Actions > Automatic annotation"."""

    def __init__(self, predictor: Predictor, settings: Settings, disk: DiskCache | None = None) -> None:
        super().__init__(predictor, settings, Gallery(predictor, settings, disk))

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
