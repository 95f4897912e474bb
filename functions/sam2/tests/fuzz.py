"""Send many wrong requests to the function and see that each is answered or refused by name, and nothing ever raises.

PYTHONPATH=functions/sam2:functions/sam2/nuclio:functions/sam2/tests python -m fuzz --kind interactor --count 50000

Requests begin as right ones and are then damaged: fields, types, numbers, the picture's bytes, the JSON text. Between
them the same right request must give the same answer as at first. The same seed repeats the run.
"""

from __future__ import annotations

import argparse
import collections
import json
import logging
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from cvat_reader import read_error, read_mask
from function import Function, Reply
from fuzz_requests import SIZES, make, picture

RIGHT: dict[str, dict[str, Any]] = {
    "interactor": {"pos_points": [[1, 1]], "neg_points": [], "obj_bbox": []},
    "detector": {"threshold": 0.1},
    "tracker": {"shapes": [[1, 1, 20, 20], {"type": "polygon", "points": [1, 1, 30, 2, 20, 25]}], "states": []},
}


def judge(kind: str, reply: Reply) -> str:
    """Say how a request ended; raises AssertionError where CVAT could not read the reply."""
    if reply.status != 200:
        status, field = read_error(reply)
        return f"{status} {field.split('[')[0]}"
    answer = reply.json()
    if kind == "detector" and isinstance(answer, list):
        assert all(set(entry) == {"label", "type", "points", "mask", "confidence"} for entry in answer)
    elif kind == "interactor" and "mask" in answer:
        read_mask(reply, len(answer["mask"]), len(answer["mask"][0]))
    elif kind == "tracker" and "states" in answer:
        assert len(answer["shapes"]) == len(answer["states"]) > 0
    else:
        assert answer["status"] == "ok"
        return "health"
    return "answered"


def comparable(reply: Reply) -> Any:
    """Return what must be the same every time: all but a tracker's tokens."""
    answer = reply.json()
    return answer["shapes"] if isinstance(answer, dict) and "states" in answer else answer


def run(
    worker: Function, count: int, seed: int, say: Callable[[str], None], kind: str = "interactor"
) -> collections.Counter[str]:
    """Send ``count`` requests; raises at the first that is neither answered nor refused."""
    rng = random.Random(seed)
    # The right request is about the first: its shapes need some room.
    pool = [picture(rng, SIZES[:1]), *(picture(rng) for _ in range(5))]
    states: collections.deque[Any] = collections.deque(maxlen=20)
    right = json.dumps({"image": pool[0], **RIGHT[kind]}).encode()
    expected = worker.send(right)
    assert judge(kind, expected) == "answered"
    outcomes: collections.Counter[str] = collections.Counter()
    started = time.monotonic()
    for number in range(1, count + 1):
        body = make(rng, kind, pool, list(states))
        try:
            reply = worker.send(body, rng.choice(["application/json", "application/json; charset=utf-8"]))
            outcomes[judge(kind, reply)] += 1
        except BaseException:
            say(f"request {number} of seed {seed}: {body[:2000]!r}")
            raise
        if kind == "tracker" and reply.status == 200:
            states.append(reply.json().get("states", []))
        if number % 200 == 0:
            assert comparable(worker.send(right)) == comparable(expected), f"wrong answer after request {number}"
        if number % 5000 == 0:
            say(f"{number} requests, {time.monotonic() - started:.0f} s, {dict(outcomes.most_common(4))}")
    return outcomes


def small(config: Path, folder: str) -> str:
    """Write a configuration for pictures of 256 x 256 pixels, which are quicker, and return its path."""
    path = Path(folder) / "small.yaml"
    path.write_text(config.read_text().replace("image_size: 1024", "image_size: 256"))
    return str(path)


def main() -> None:
    """Run and print how the requests ended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=sorted(RIGHT), default="interactor")
    parser.add_argument("--count", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(1)
    logging.disable()
    stem = Path(__file__).resolve().parent.parent / "checkpoints/synthetic_shapes_not_for_production"
    settings = {"MODEL": f"{stem}.pt", "DEVICE": "cpu", "REFINE": "off", "KIND": args.kind, "POINTS_PER_SIDE": "2"}
    with tempfile.TemporaryDirectory() as folder:
        config = small(stem.with_suffix(".yaml"), folder) if args.kind == "tracker" else f"{stem}.yaml"
        worker = Function({**settings, "MODEL_CFG": config, "CACHE_MIB": "64"})
        outcomes = run(worker, args.count, args.seed, print, args.kind)
    for outcome, times in outcomes.most_common():
        print(f"{times:7d}  {outcome}")


if __name__ == "__main__":
    main()
