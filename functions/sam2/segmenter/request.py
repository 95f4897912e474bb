"""What CVAT asks for, checked: one ``Request`` from the JSON that any of CVAT's three generations sends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import RequestError
from .settings import Settings

# Pixels beyond any picture. Larger numbers lose their fraction in float32 and mean a broken client.
FARTHEST = 1_000_000.0


@dataclass(frozen=True)
class Request:
    """A checked request. Coordinates are pixels, x to the right, y down; not yet clipped to the picture."""

    image: str
    points: np.ndarray  # N x 2, float32: positive ones first
    labels: np.ndarray  # N, int32: 1 inside the object, 0 outside
    boxes: np.ndarray  # K x 4, float32: left, top, right, bottom


def parse(body: Any, settings: Settings) -> Request:
    """Check a request.

    Args:
        body: decoded JSON. ``obj_bbox`` may be absent, null, [] or a flat list of corner pairs, in any order of
            corners; points may be absent or null, which means none.
        settings: limits on the number of prompts.

    Raises:
        RequestError: names the first field that is wrong.
    """
    fields, image = image_of(body)
    inside = _points(fields.get("pos_points"), "pos_points", settings.max_points)
    outside = _points(fields.get("neg_points"), "neg_points", settings.max_points)
    boxes = _boxes(fields.get("obj_bbox"), settings.max_boxes)
    if len(inside) + len(outside) > settings.max_points:
        raise RequestError("neg_points", f"more than {settings.max_points} points together with pos_points", 413)
    if not len(inside) and not len(boxes):
        raise RequestError("pos_points", "give at least one positive point or a box", 422)
    points = np.concatenate([inside, outside]).astype(np.float32)
    labels = np.array([1] * len(inside) + [0] * len(outside), dtype=np.int32)
    return Request(image, points, labels, boxes)


def parse_detection(body: Any, default: float) -> tuple[str, float]:
    """Check a request for automatic annotation; returns the picture and the least confidence (0 to 1).

    Raises:
        RequestError: names the first field that is wrong.
    """
    fields, image = image_of(body)
    threshold = fields.get("threshold")
    if threshold is None:
        return image, default
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not 0 <= threshold <= 1:
        raise RequestError("threshold", f"must be a number from 0 to 1, not {kind_of(threshold)}")
    return image, float(threshold)


def image_of(body: Any) -> tuple[Mapping[str, Any], str]:
    """Return the fields of a request and its picture, still in base64."""
    if not isinstance(body, Mapping):
        raise RequestError("body", f"must be a JSON object, not {kind_of(body)}")
    image = body.get("image")
    if image is None:
        raise RequestError("image", "is missing")
    if not isinstance(image, str) or not image:
        raise RequestError("image", f"must be a picture in base64, not {kind_of(image)}")
    return body, image


def _boxes(value: Any, most: int) -> np.ndarray:
    """Read pairs of opposite corners; returns K x 4."""
    corners = _points(value, "obj_bbox", 2 * most)
    if len(corners) % 2:
        raise RequestError("obj_bbox", f"must hold pairs of corners, but has {len(corners)} points")
    pairs = corners.reshape(-1, 2, 2)
    return np.concatenate([pairs.min(axis=1), pairs.max(axis=1)], axis=1).astype(np.float32)


def _points(value: Any, field: str, most: int) -> np.ndarray:
    """Read a list of [x, y]; returns N x 2, float64."""
    if value is None:
        return np.zeros((0, 2))
    if not isinstance(value, list):
        raise RequestError(field, f"must be a list of [x, y], not {kind_of(value)}")
    if len(value) > most:
        raise RequestError(field, f"has {len(value)} points; at most {most} are taken", 413)
    for number, point in enumerate(value):
        if not isinstance(point, list) or len(point) != 2:
            raise RequestError(f"{field}[{number}]", f"must be [x, y], not {kind_of(point)}")
        for axis, coordinate in zip("xy", point, strict=True):
            name = f"{field}[{number}].{axis}"
            if isinstance(coordinate, bool) or not isinstance(coordinate, int | float):
                raise RequestError(name, f"must be a number, not {kind_of(coordinate)}")
            # Written so that NaN fails too, and integers of any length are compared as they are.
            if not abs(coordinate) <= FARTHEST:
                raise RequestError(name, f"must be a finite number of at most {FARTHEST:.0f}, in pixels")
    return np.array(value, dtype=np.float64).reshape(-1, 2)


def kind_of(value: Any) -> str:
    """Name a JSON value's type as its sender would, without repeating its content."""
    names = {type(None): "null", bool: "a boolean", str: "a string", int: "a number", float: "a number"}
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, str) and not value:
        return "an empty string"
    return names.get(type(value), "an object" if isinstance(value, Mapping) else type(value).__name__)
