"""Fills the outline that goes through the points of a request."""

import json
from typing import Any

import numpy as np
from pictures import read
from PIL import Image, ImageDraw


def init_context(context: Any) -> None:
    """Nothing to load."""


def handler(context: Any, event: Any) -> Any:
    """Answer an interactor's request."""
    height, width = read(event.body).shape[:2]
    points = np.array(event.body["pos_points"], float)
    middle = points.mean(axis=0)
    order = np.argsort(np.arctan2(*(points - middle).T[::-1]))
    canvas = Image.new("1", (width, height))
    ImageDraw.Draw(canvas).polygon([tuple(point) for point in points[order]], fill=1)
    body = json.dumps({"mask": np.asarray(canvas).astype(int).tolist()})
    return context.Response(body=body, headers={}, content_type="application/json", status_code=200)
