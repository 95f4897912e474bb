"""Finds the one thing that differs most from the picture's border, and calls it a car."""

import json
from typing import Any

import numpy as np
from pictures import read


def init_context(context: Any) -> None:
    """Nothing to load."""


def handler(context: Any, event: Any) -> Any:
    """Answer a detector's request."""
    picture = read(event.body).astype(int)
    border = np.median(np.concatenate([picture[0], picture[-1]]), axis=0)
    y, x = np.nonzero(np.abs(picture - border).sum(axis=2) > 120)
    found = []
    if len(x):
        box = [int(x.min()), int(y.min()), int(x.max()), int(y.max())]
        found.append({"confidence": "0.9", "label": "car", "points": box, "type": "rectangle"})
    return context.Response(body=json.dumps(found), headers={}, content_type="application/json", status_code=200)
