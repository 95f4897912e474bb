"""Remembers the logits of recent answers, so that one more click refines the last answer instead of starting anew."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import torch

from .predictor import Prompt

Key = tuple[bytes, bytes, bytes, bytes]


class Refinement:
    """Keeps the logits of the last answers (256 KiB each in float32), found again by picture and prompt."""

    def __init__(self, most: int = 64) -> None:
        self.most = most
        self._logits: OrderedDict[Key, torch.Tensor] = OrderedDict()

    def before(self, picture: bytes, prompt: Prompt) -> torch.Tensor | None:
        """Return the logits of the same prompt less its last positive or last negative point; None if not kept.

        CVAT sends all points again with each click, positive and negative ones apart, so that either may be the new
        one.
        """
        for label in (1, 0):
            places = np.flatnonzero(prompt.labels == label)
            if not places.size:
                continue
            shorter = Prompt(np.delete(prompt.points, places[-1], 0), np.delete(prompt.labels, places[-1]), prompt.box)
            logits = self._logits.get(_key(picture, shorter))
            if logits is not None:
                return logits
        return None

    def keep(self, picture: bytes, prompt: Prompt, logits: torch.Tensor) -> None:
        """Keep the logits of an answer, and let go of the oldest."""
        key = _key(picture, prompt)
        self._logits.pop(key, None)
        self._logits[key] = logits
        while len(self._logits) > self.most:
            self._logits.popitem(last=False)

    def clear(self) -> None:
        """Let go of everything."""
        self._logits.clear()


def _key(picture: bytes, prompt: Prompt) -> Key:
    box = b"" if prompt.box is None else prompt.box.tobytes()
    return picture, box, prompt.points.tobytes(), prompt.labels.tobytes()
