"""The interactor as CVAT calls it: clicks and boxes in, masks out."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import answers
from .disk_cache import DiskCache
from .embeddings import Embedding
from .gallery import Gallery
from .predictor import Answer, Predictor, Prompt
from .prompts import split
from .refinement import Refinement
from .request import parse
from .service import Service
from .settings import Settings


class Interactor(Service):
    """Turns clicks and boxes into masks: ``{"mask": [[0, 1, ...]]}`` or ``{"shapes": [...]}``, as the settings say."""

    def __init__(self, predictor: Predictor, settings: Settings, disk: DiskCache | None = None) -> None:
        super().__init__(predictor, settings, Gallery(predictor, settings, disk))
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
