"""Prompts as an annotator gives them: boxes, clicks, and corrections of the last answer."""

from __future__ import annotations

import numpy as np

POINT_LAYOUTS = {
    "box": (),
    "point": (1,),
    "box+point": (1,),
    "box-point": (0,),
    "points": (1, 1),
    "point-point": (1, 0),
}
LAYOUT_SHARES = {"box": 0.45, "point": 0.25, "box+point": 0.08, "box-point": 0.08, "points": 0.07, "point-point": 0.07}


def has_box(layout: str) -> bool:
    """Tell whether a layout begins with the two corners of a box."""
    return layout.startswith("box")


def pick(rng: np.random.Generator, mask: np.ndarray, inner: bool = True) -> tuple[float, float]:
    """Pick a pixel of a mask (x, y of its centre); ``inner`` prefers places away from the border."""
    rows, columns = np.nonzero(mask)
    choice = rng.integers(len(rows), size=6 if inner else 1)
    best, room = int(choice[0]), -1
    for i in choice:
        y, x = rows[i], columns[i]
        around = int(mask[max(y - 6, 0) : y + 7, max(x - 6, 0) : x + 7].sum())
        if around > room:
            best, room = int(i), around
    return float(columns[best]), float(rows[best])


def first_prompt(
    rng: np.random.Generator, layout: str, mask: np.ndarray, box: np.ndarray, jitter: float
) -> tuple[np.ndarray, np.ndarray]:
    """Make coordinates (P x 2, pixels) and labels (P: 2 and 3 box corners, 1 inside, 0 outside) for one object."""
    coords: list[tuple[float, float]] = []
    labels: list[int] = []
    if has_box(layout):
        size = np.array([box[2] - box[0], box[3] - box[1]] * 2)
        left, top, right, bottom = box + rng.normal(0, jitter, 4) * size
        coords, labels = [(left, top), (right, bottom)], [2, 3]
    for label in POINT_LAYOUTS[layout]:
        if label == 1:
            coords.append(pick(rng, mask))
        else:
            left, top, right, bottom = (int(v) for v in box)
            outside = np.zeros_like(mask)
            outside[top : bottom + 1, left : right + 1] = ~mask[top : bottom + 1, left : right + 1]
            coords.append(pick(rng, outside if outside.any() else ~mask, inner=False))
        labels.append(label)
    return np.array(coords, np.float32), np.array(labels, np.int32)


def correction(rng: np.random.Generator, mask: np.ndarray, answer: np.ndarray) -> tuple[tuple[float, float], int]:
    """Click where the answer is wrong: 1 on what it missed, 0 on what it added; inside the mask if it is right."""
    missed, added = mask & ~answer, answer & ~mask
    wrong = missed.sum() + added.sum()
    if not wrong:
        return pick(rng, mask), 1
    if rng.random() * wrong < missed.sum():
        return pick(rng, missed), 1
    return pick(rng, added), 0
