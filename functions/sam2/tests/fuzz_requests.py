"""Requests for fuzzing: right ones, and ways to damage their fields, their picture and their JSON."""

from __future__ import annotations

import base64
import copy
import io
import json
import random
from typing import Any

from function import encode
from PIL import Image

NUMBERS = [0, -0.0, -1, 0.5, 1, 39, 40, 41, 1e6, 1e7, -1e9, 2**31, 2**63, 10**400, 1e308, float("nan"), float("inf")]
OTHERS: list[Any] = [
    None,
    True,
    False,
    "",
    "1",
    "NaN",
    "\x00",
    "é",
    "\ud800",
    [],
    {},
    [[]],
    [[[]]],
    {"x": 1},
    [None],
    7,
    -1.5,
]
FORMS = ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF"]
SIZES = [(40, 30), (1, 1), (2, 200), (31, 17)]
MODES = ["RGB", "L", "1", "P", "RGBA", "CMYK", "I;16", "F", "LA", "YCbCr"]


def other(rng: random.Random) -> Any:
    """Return some JSON value; a copy, for it may be damaged further."""
    return copy.deepcopy(rng.choice(OTHERS))


def picture(rng: random.Random, sizes: list[tuple[int, int]] = SIZES) -> str:
    """Return a small picture in some size, mode and format."""
    size = rng.choice(sizes)
    mode, form = rng.choice(MODES), rng.choice(FORMS)
    image = Image.frombytes("RGB", size, rng.randbytes(3 * size[0] * size[1]))
    try:
        buffer = io.BytesIO()
        image.convert(mode).save(buffer, form)
        return base64.b64encode(buffer.getvalue()).decode()
    except (OSError, ValueError, KeyError):
        return encode(image)


def damage_picture(rng: random.Random, text: str) -> Any:
    """Cut, flip or garble a picture."""
    content = bytearray(base64.b64decode(text))
    way = rng.randrange(6)
    if way == 0:
        del content[rng.randrange(len(content)) :]
    elif way == 1:
        for _ in range(rng.randint(1, 12)):
            content[rng.randrange(len(content))] = rng.randrange(256)
    elif way == 2:
        start = rng.randrange(len(content))
        content[start:start] = rng.randbytes(rng.randint(1, 40))
    elif way == 3:
        position = rng.randrange(len(text))
        return text[:position] + rng.choice("!é\x00=\ud800 \n-_") + text[position:]
    elif way == 4:
        content = bytearray(rng.randbytes(rng.randint(0, 200)))
    else:
        return other(rng)
    return base64.b64encode(bytes(content)).decode()


def damage_list(rng: random.Random, value: Any) -> Any:
    """Replace a list of lists or objects, one of them, or something in it."""
    if not isinstance(value, list) or not value or rng.random() < 0.3:
        return other(rng) if rng.random() < 0.8 else [list(rng.choices(NUMBERS, k=2))] * rng.choice([1, 2, 3, 600])
    place = rng.randrange(len(value))
    inner = value[place]
    if rng.random() < 0.3 or not isinstance(inner, list | dict) or not inner:
        value[place] = other(rng)
    elif isinstance(inner, dict):
        name = rng.choice(list(inner))
        inner[name] = damage_list(rng, inner[name])
    else:
        inner[rng.randrange(len(inner))] = copy.deepcopy(rng.choice([*NUMBERS, *OTHERS]))
    return value


def clicks(rng: random.Random) -> dict[str, Any]:
    """Return the prompts of an interactor."""
    return {
        "pos_points": [[rng.uniform(-5, 45), rng.uniform(-5, 35)] for _ in range(rng.randrange(3))],
        "neg_points": [[rng.uniform(-5, 45), rng.uniform(-5, 35)] for _ in range(rng.randrange(3))],
        "obj_bbox": rng.choice([None, [], [[2, 3], [30, 20]], [[30, 20], [2, 3], [1, 1], [9, 9]]]),
    }


def shapes(rng: random.Random, states: list[Any]) -> dict[str, Any]:
    """Return what a tracker is asked: shapes to begin with, or states that it gave earlier."""
    if states and rng.random() < 0.4:
        known = copy.deepcopy(rng.choice(states))
        return {"states": known, "shapes": rng.choice([[], [None] * len(known)])}
    x, y, w, h = rng.uniform(-5, 30), rng.uniform(-5, 20), rng.randint(1, 30), rng.randint(1, 30)
    every: list[Any] = [
        [x, y, x + w, y + h],
        {"type": "rectangle", "points": [x, y, x + w, y + h]},
        {"type": "polygon", "points": [x, y, x + w, y, x + w, y + h]},
        {"type": "mask", "points": [0, w * h, 3, 2, 2 + w, 1 + h]},
        None,
    ]
    return {"shapes": rng.choices(every, k=rng.randint(0, 3)), "states": rng.choice([[], None])}


def make(rng: random.Random, kind: str, pool: list[str], states: list[Any]) -> bytes:
    """Make one request for a kind of function; ``pool`` holds pictures, ``states`` what a tracker gave."""
    image = picture(rng) if rng.random() < 0.03 else rng.choice(pool)
    prompts = {"interactor": clicks(rng), "tracker": shapes(rng, states)}.get(kind, {"threshold": rng.random()})
    request: dict[str, Any] = {"image": image, **prompts}
    if rng.random() < 0.05:
        return json.dumps(request).encode()
    for _ in range(rng.randint(1, 3)):
        field = rng.choice([*request, "other"])
        if rng.random() < 0.15:
            request.pop(field, None)
        elif field == "image":
            request["image"] = damage_picture(rng, rng.choice(pool))
        elif field == "other":
            request[rng.choice(["threshold", "mask", "health", "states"])] = other(rng)
        else:
            request[field] = damage_list(rng, request.get(field))
    body = bytearray(json.dumps(other(rng) if rng.random() < 0.03 else request).encode())
    if rng.random() < 0.1 and body:
        for _ in range(rng.randint(1, 4)):
            body[rng.randrange(len(body))] = rng.randrange(256)
    return bytes(body)
