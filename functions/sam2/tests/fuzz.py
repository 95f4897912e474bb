"""Send many wrong requests to the function and see that each is answered or refused by name, and nothing ever raises.

PYTHONPATH=functions/sam2:functions/sam2/nuclio:functions/sam2/tests python -m fuzz --count 50000

Requests begin as right ones and are then damaged: fields, types, numbers, the picture's bytes, the JSON text. Between
them the same right request must give the same bytes as at first. The seed is printed; the same seed repeats the run.
"""

from __future__ import annotations

import argparse
import base64
import collections
import io
import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from cvat_reader import read_error, read_mask
from function import Function, encode
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
MODES = ["RGB", "L", "1", "P", "RGBA", "CMYK", "I;16", "F", "LA", "YCbCr"]


def picture(rng: random.Random) -> str:
    """Return a small picture in some mode and format."""
    size = rng.choice([(40, 30), (1, 1), (2, 200), (31, 17)])
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
        return rng.choice(OTHERS)
    return base64.b64encode(bytes(content)).decode()


def damage_points(rng: random.Random, value: Any) -> Any:
    """Replace a list of points, one of them, or one coordinate."""
    if not isinstance(value, list) or not value or rng.random() < 0.3:
        return rng.choice([*OTHERS, [[rng.choice(NUMBERS), rng.choice(NUMBERS)]] * rng.choice([1, 2, 3, 600])])
    place = rng.randrange(len(value))
    if rng.random() < 0.3 or not isinstance(value[place], list) or not value[place]:
        value[place] = rng.choice(OTHERS)
    else:
        value[place][rng.randrange(len(value[place]))] = rng.choice([*NUMBERS, *OTHERS])
    return value


def make(rng: random.Random, pool: list[str]) -> bytes:
    """Make one request."""
    new_picture = rng.random() < 0.03
    request: dict[str, Any] = {
        "image": picture(rng) if new_picture else rng.choice(pool),
        "pos_points": [[rng.uniform(-5, 45), rng.uniform(-5, 35)] for _ in range(rng.randrange(3))],
        "neg_points": [[rng.uniform(-5, 45), rng.uniform(-5, 35)] for _ in range(rng.randrange(3))],
        "obj_bbox": rng.choice([None, [], [[2, 3], [30, 20]], [[30, 20], [2, 3], [1, 1], [9, 9]]]),
    }
    if rng.random() < 0.05:
        return json.dumps(request).encode()
    for _ in range(rng.randint(1, 3)):
        field = rng.choice(["image", "pos_points", "neg_points", "obj_bbox", "other"])
        if rng.random() < 0.15:
            request.pop(field, None)
        elif field == "image":
            request["image"] = damage_picture(rng, rng.choice(pool))
        elif field == "other":
            request[rng.choice(["threshold", "mask", "health", "states"])] = rng.choice(OTHERS)
        else:
            request[field] = damage_points(rng, request.get(field))
    body = bytearray(json.dumps(rng.choice(OTHERS) if rng.random() < 0.03 else request).encode())
    if rng.random() < 0.1 and body:
        for _ in range(rng.randint(1, 4)):
            body[rng.randrange(len(body))] = rng.randrange(256)
    return bytes(body)


def judge(reply: Any) -> str:
    """Say how a request ended; raises AssertionError where CVAT could not read the reply."""
    if reply.status == 200:
        answer = reply.json()
        if "mask" in answer:
            read_mask(reply, len(answer["mask"]), len(answer["mask"][0]))
            return "answered"
        assert answer["status"] == "ok"
        return "health"
    status, field = read_error(reply)
    return f"{status} {field.split('[')[0]}"


def run(worker: Function, count: int, seed: int, say: Callable[[str], None]) -> collections.Counter[str]:
    """Send ``count`` requests; raises at the first that is neither answered nor refused."""
    rng = random.Random(seed)
    pool = [picture(rng) for _ in range(6)]
    right = json.dumps({"image": pool[0], "pos_points": [[1, 1]], "neg_points": [], "obj_bbox": []}).encode()
    expected = worker.send(right)
    assert judge(expected) == "answered"
    outcomes: collections.Counter[str] = collections.Counter()
    started = time.monotonic()
    for number in range(1, count + 1):
        body = make(rng, pool)
        try:
            outcomes[judge(worker.send(body, rng.choice(["application/json", "application/json; charset=utf-8"])))] += 1
        except BaseException:
            say(f"request {number} of seed {seed}: {body[:2000]!r}")
            raise
        if number % 200 == 0:
            assert worker.send(right).text == expected.text, f"wrong answer after request {number}"
        if number % 5000 == 0:
            say(f"{number} requests, {time.monotonic() - started:.0f} s, {dict(outcomes.most_common(4))}")
    return outcomes


def main() -> None:
    """Run and print how the requests ended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(1)
    folder = Path(__file__).resolve().parent.parent / "checkpoints"
    name = "synthetic_shapes_not_for_production"
    settings = {"MODEL": str(folder / f"{name}.pt"), "MODEL_CFG": str(folder / f"{name}.yaml"), "CACHE_MIB": "64"}
    worker = Function({**settings, "DEVICE": "cpu", "REFINE": "off"})
    for outcome, times in run(worker, args.count, args.seed, print).most_common():
        print(f"{times:7d}  {outcome}")


if __name__ == "__main__":
    main()
