"""What CVAT asks of a tracker, checked: a picture, and for every object a shape to begin with or a state to go on from.

Two generations: functions whose metadata say ``supported_shape_types`` get and give ``{"type", "points"}``; others bare
lists of four numbers. Older interfaces send the last frame's shapes beside the states, newer ones null.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import RequestError
from .request import FARTHEST, image_of, kind_of
from .settings import Settings
from .shapes import FORMS, Shape

# Numbers of one shape; a mask of a 4K picture has some ten thousand runs.
MOST_NUMBERS = 1_000_000
TOKEN = 32


@dataclass(frozen=True)
class State:
    """What CVAT keeps for us between frames: a token, and enough to begin anew when the track is gone."""

    token: str
    form: str
    box: tuple[float, ...]  # of the last shape

    def as_json(self) -> dict[str, Any]:
        """Return it as it travels."""
        return {"token": self.token, "form": self.form, "box": list(self.box)}


@dataclass(frozen=True)
class TrackingRequest:
    """A checked request: for every object the shape (where there is one) and the state (None begins a track)."""

    image: str
    shapes: list[Shape | None]
    states: list[State | None]


def parse_tracking(body: Any, settings: Settings) -> TrackingRequest:
    """Check a request.

    Raises:
        RequestError: names the first field that is wrong.
    """
    fields, image = image_of(body)
    states = [_state(value, f"states[{i}]") for i, value in enumerate(_list(fields, "states", settings))]
    given = _list(fields, "shapes", settings)
    shapes = [_shape(value, f"shapes[{i}]", settings.max_pixels) for i, value in enumerate(given)]
    if not shapes and not states:
        raise RequestError("shapes", "give at least one shape", 422)
    states = states or [None] * len(shapes)
    shapes = shapes or [None] * len(states)
    if len(shapes) != len(states):
        raise RequestError("states", f"has {len(states)} entries, but shapes has {len(shapes)}")
    for i, (shape, state) in enumerate(zip(shapes, states, strict=True)):
        if shape is None and state is None:
            raise RequestError(f"shapes[{i}]", "a track needs a shape to begin with", 422)
    return TrackingRequest(image, shapes, states)


def _list(fields: Any, name: str, settings: Settings) -> list[Any]:
    value = fields.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise RequestError(name, f"must be a list, not {kind_of(value)}")
    if len(value) > settings.max_boxes:
        raise RequestError(name, f"has {len(value)} entries; at most {settings.max_boxes} are taken", 413)
    return value


def _state(value: Any, field: str) -> State | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise RequestError(field, f"must be a state that this function gave, not {kind_of(value)}")
    token, form = value.get("token"), value.get("form")
    if not isinstance(token, str) or len(token) != TOKEN or not set(token) <= set(string.hexdigits):
        raise RequestError(f"{field}.token", "is not one that this function gave")
    if form not in FORMS:
        raise RequestError(f"{field}.form", f"must be one of {', '.join(FORMS)}")
    box = _numbers(value.get("box"), f"{field}.box")
    if len(box) != 4:
        raise RequestError(f"{field}.box", f"must be four numbers, not {len(box)}")
    return State(token, str(form), tuple(box.tolist()))


def _shape(value: Any, field: str, max_pixels: int) -> Shape | None:
    if value is None:
        return None
    if isinstance(value, list):
        form, points = "points", _numbers(value, field)
    elif isinstance(value, dict):
        form, points = str(value.get("type")), _numbers(value.get("points"), f"{field}.points")
        if form not in FORMS[1:]:
            raise RequestError(f"{field}.type", f"must be one of {', '.join(FORMS[1:])}")
    else:
        raise RequestError(field, f"must be a shape, not {kind_of(value)}")
    field_of_points = field if form == "points" else f"{field}.points"
    if form in ("points", "rectangle") and len(points) != 4:
        raise RequestError(field_of_points, f"must be four numbers, not {len(points)}")
    if form == "polygon" and (len(points) < 6 or len(points) % 2):
        raise RequestError(field_of_points, f"must be x, y of at least three points, but has {len(points)} numbers")
    if form == "mask":
        _check_mask(points, field_of_points, max_pixels)
    return Shape(form, points, field_of_points)


def _check_mask(points: np.ndarray, field: str, max_pixels: int) -> None:
    """Check run lengths before anything of their size is made."""
    if len(points) < 5 or (points < 0).any() or (points % 1).any():
        raise RequestError(field, "must be run lengths and left, top, right, bottom, all whole numbers from 0 on")
    left, top, right, bottom = points[-4:].tolist()
    area = (right - left + 1) * (bottom - top + 1)
    if right < left or bottom < top or area != points[:-4].sum():
        raise RequestError(field, "the run lengths do not add up to the box")
    if area > max_pixels:
        raise RequestError(field, f"covers more than {max_pixels} pixels", 413)


def _numbers(value: Any, field: str) -> np.ndarray:
    """Read a flat list of finite numbers; returns float64."""
    if not isinstance(value, list):
        raise RequestError(field, f"must be a list of numbers, not {kind_of(value)}")
    if len(value) > MOST_NUMBERS:
        raise RequestError(field, f"has {len(value)} numbers; at most {MOST_NUMBERS} are taken", 413)
    for number, item in enumerate(value):
        if isinstance(item, bool) or not isinstance(item, int | float):
            raise RequestError(f"{field}[{number}]", f"must be a number, not {kind_of(item)}")
        # Written so that NaN fails too. A run of a mask may be as long as a picture has pixels.
        if not abs(item) <= FARTHEST**2:
            raise RequestError(f"{field}[{number}]", "must be a finite number, in pixels")
    return np.array(value, dtype=np.float64)
