"""Reads answers as CVAT's server and interface do, and refuses what they would choke on (facts: CVAT 2.80)."""

from __future__ import annotations

from typing import Any

import numpy as np
from function import Reply


def read_mask(reply: Reply, height: int, width: int) -> np.ndarray:
    """Read ``mask``: a full-size list of rows of 0 and 1."""
    answer = _json_object(reply)
    assert set(answer) == {"mask"}
    rows = answer["mask"]
    assert len(rows) == height and {len(row) for row in rows} == {width}
    mask = np.array(rows)
    assert mask.dtype.kind == "i" and set(np.unique(mask)) <= {0, 1}
    return mask.astype(bool)


def read_shapes(reply: Reply, height: int, width: int) -> list[tuple[np.ndarray, float | None]]:
    """Read ``shapes``: run lengths of a crop, then its inclusive corners, and perhaps a confidence as text."""
    answer = _json_object(reply)
    assert set(answer) == {"shapes"}
    return [_read_shape(shape, height, width) for shape in answer["shapes"]]


def _read_shape(shape: dict[str, Any], height: int, width: int) -> tuple[np.ndarray, float | None]:
    assert set(shape) <= {"type", "points", "attributes"} and shape["type"] == "mask"
    assert all(type(value) is int for value in shape["points"])
    *runs, left, top, right, bottom = shape["points"]
    assert 0 <= left <= right < width and 0 <= top <= bottom < height
    crop = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    assert min(runs[1:], default=1) > 0, "only the first run may be empty"
    crop = crop.reshape(bottom - top + 1, right - left + 1)
    assert crop.any(0)[[0, -1]].all() and crop.any(1)[[0, -1]].all(), "the crop is not tight"
    mask = np.zeros((height, width), bool)
    mask[top : bottom + 1, left : right + 1] = crop
    return mask, _confidence(shape)


def _confidence(shape: dict[str, Any]) -> float | None:
    attributes = shape.get("attributes", [])
    if not attributes:
        return None
    (attribute,) = attributes
    assert attribute["spec_id"] == 0 and isinstance(attribute["value"], str)
    return float(attribute["value"])


def _json_object(reply: Reply) -> dict[str, Any]:
    assert reply.status == 200, reply.text[:300]
    assert reply.content_type == "application/json"
    answer = reply.json()
    assert isinstance(answer, dict)
    return answer


def read_error(reply: Reply) -> tuple[int, str]:
    """Read a refusal; returns its status and the field that it names."""
    assert 400 <= reply.status < 500, reply.text[:300]
    assert reply.content_type == "application/json"
    error = reply.json()["error"]
    assert set(error) == {"field", "message"} and error["message"]
    return reply.status, error["field"]


def read_detections(reply: Reply, height: int, width: int, label: str) -> list[tuple[np.ndarray, np.ndarray, float]]:
    """Read a detector's list; returns mask, polygon (N x 2) and confidence of each."""
    assert reply.status == 200, reply.text[:300]
    assert reply.content_type == "application/json"
    return [_read_detection(entry, height, width, label) for entry in reply.json()]


def _read_detection(entry: dict[str, Any], height: int, width: int, label: str) -> tuple[np.ndarray, np.ndarray, float]:
    assert set(entry) == {"label", "type", "points", "mask", "confidence"}
    assert entry["label"] == label and entry["type"] == "mask"
    *crop, left, top, right, bottom = entry["mask"]
    assert 0 <= left <= right < width and 0 <= top <= bottom < height and set(crop) <= {0, 1}
    mask = np.zeros((height, width), bool)
    mask[top : bottom + 1, left : right + 1] = np.reshape(crop, (bottom - top + 1, right - left + 1))
    polygon = np.reshape(entry["points"], (-1, 2))
    assert len(polygon) >= 3 and polygon.min() >= 0 and (polygon <= (width, height)).all()
    return mask, polygon, float(entry["confidence"])


def read_tracking(reply: Reply, form: str, height: int, width: int) -> list[tuple[Any, dict[str, Any]]]:
    """Read a tracker's shapes and states; ``form`` is ``points`` for CVAT versions that know rectangles only."""
    answer = _json_object(reply)
    assert set(answer) == {"shapes", "states"} and len(answer["shapes"]) == len(answer["states"])
    for shape in answer["shapes"]:
        # CVAT's sidebar, which tracks rectangles, cannot read null.
        if shape is None:
            assert form in ("polygon", "mask")
            continue
        assert isinstance(shape, list) if form == "points" else set(shape) == {"type", "points"}
        points = shape if form == "points" else shape["points"]
        assert form == "points" or shape["type"] == form
        _check_points(points, form, height, width)
    return list(zip(answer["shapes"], answer["states"], strict=True))


def _check_points(points: list[Any], form: str, height: int, width: int) -> None:
    if form == "mask":
        _read_shape({"type": "mask", "points": points}, height, width)
        return
    assert all(isinstance(value, int | float) for value in points)
    x, y = points[::2], points[1::2]
    assert min(x) >= 0 and min(y) >= 0 and max(x) <= width and max(y) <= height
    assert len(points) >= 6 if form == "polygon" else len(points) == 4 and x[0] < x[1] and y[0] < y[1]
