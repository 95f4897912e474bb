"""CVAT's shapes and masks, either way: rectangles, polygons, and masks as run lengths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from .answers import outline_of
from .errors import RequestError
from .outlines import polygon_of

# "points": a rectangle as a bare list of four numbers, as CVAT sends it to functions that name no shape types.
FORMS = ("points", "rectangle", "polygon", "mask")


@dataclass(frozen=True)
class Shape:
    """A shape that CVAT sent: one of ``FORMS``, and its numbers in pixels."""

    form: str
    points: np.ndarray  # float64
    field: str  # where the numbers stood in the request

    @property
    def is_box(self) -> bool:
        """Tell whether the shape says no more than a box."""
        return self.form in ("points", "rectangle")

    def box(self, height: int, width: int) -> np.ndarray:
        """Return left, top, right, bottom on a picture (float32).

        Raises:
            RequestError: nothing of the shape lies on the picture.
        """
        if self.form == "mask":
            left, top, right, bottom = self.points[-4:]
            corners = np.array([[left, top], [right + 1, bottom + 1]])
        else:
            corners = self.points.reshape(-1, 2)
        edge = np.array([width, height])
        low, high = np.clip(corners.min(0), 0, edge), np.clip(corners.max(0), 0, edge)
        if (high <= low).any():
            message = f"is empty or lies outside the picture of {width} x {height} pixels"
            raise RequestError(self.field, message, 422)
        return np.concatenate([low, high]).astype(np.float32)

    def mask(self, height: int, width: int) -> np.ndarray:
        """Return the shape filled, height x width, bool.

        Raises:
            RequestError: nothing of the shape lies on the picture.
        """
        filled = np.zeros((height, width), bool)
        if self.form == "mask":
            *_, left, top, right, bottom = self.points.astype(int).tolist()
            crop = np.repeat(np.arange(len(self.points) - 4) % 2 == 1, self.points[:-4].astype(int))
            crop = crop.reshape(bottom - top + 1, right - left + 1)[: max(0, height - top), : max(0, width - left)]
            filled[top : top + crop.shape[0], left : left + crop.shape[1]] = crop
        else:
            canvas = Image.new("1", (width, height))
            # CVAT counts from the corner of the first pixel, Pillow from its middle.
            ImageDraw.Draw(canvas).polygon([(x - 0.5, y - 0.5) for x, y in self.points.reshape(-1, 2).tolist()], fill=1)
            filled = np.array(canvas)
        if not filled.any():
            message = f"covers no pixel of the picture of {width} x {height} pixels"
            raise RequestError(self.field, message, 422)
        return filled


def answer_shape(form: str, mask: np.ndarray) -> Any:
    """Return a mask (H x W, bool) as a shape of some form, ready for JSON; None if it is empty."""
    outline = outline_of(mask)
    if outline is None:
        return None
    if form in ("points", "rectangle"):
        box = [float(outline.left), float(outline.top), float(outline.right + 1), float(outline.bottom + 1)]
        return box if form == "points" else {"type": form, "points": box}
    if form == "polygon":
        return {"type": form, "points": np.round(polygon_of(mask), 1).ravel().tolist()}
    corners = [outline.left, outline.top, outline.right, outline.bottom]
    return {"type": form, "points": [*outline.runs.tolist(), *corners]}
