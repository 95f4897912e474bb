"""From a checked request to the prompts of single objects."""

from __future__ import annotations

import numpy as np

from .errors import RequestError
from .predictor import Prompt
from .request import Request


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
    prompts = []
    within = [(points >= box[:2]).all(axis=1) & (points <= box[2:]).all(axis=1) for box in boxes]
    in_no_box = ~np.array(within, dtype=bool).any(axis=0)
    for number, (box, own) in enumerate(zip(boxes, within, strict=True)):
        left, top, right, bottom = box
        if right <= left or bottom <= top:
            message = f"is empty or lies outside the picture of {width} x {height} pixels"
            raise RequestError(f"obj_bbox[{2 * number}]", message, 422)
        chosen = own | in_no_box
        prompts.append(Prompt(points[chosen], request.labels[chosen], box))
    return prompts
