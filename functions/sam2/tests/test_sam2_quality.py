"""The shipped checkpoint finds shapes that it has never seen. Its figures stand in checkpoints/README.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cvat_reader import read_shapes
from function import Function, corners, encode, iou

Ask = Callable[[Any, int], dict[str, Any]]


@pytest.fixture(scope="module")
def images(held_out: list[Any]) -> list[str]:
    return [encode(scene.picture) for scene in held_out]


def middle(mask: np.ndarray) -> list[float]:
    """Return the pixel of a mask that lies farthest from its border (x, y)."""
    coarse = mask[2::4, 2::4]
    depth = np.zeros(coarse.shape, int)
    inner = np.pad(coarse, 1)
    while inner.any():
        depth += inner[1:-1, 1:-1]
        inner[1:-1, 1:-1] &= inner[:-2, 1:-1] & inner[2:, 1:-1] & inner[1:-1, :-2] & inner[1:-1, 2:]
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    return [4.0 * x + 2, 4.0 * y + 2]


def with_box(scene: Any, i: int) -> dict[str, Any]:
    return {"pos_points": [], "neg_points": [], "obj_bbox": corners(scene.boxes()[i])}


def with_point(scene: Any, i: int) -> dict[str, Any]:
    return {"pos_points": [middle(scene.masks[i])], "neg_points": [], "obj_bbox": []}


def with_box_and_negative_point(scene: Any, i: int) -> dict[str, Any]:
    left, top, right, bottom = scene.boxes()[i].astype(int)
    around = np.zeros_like(scene.masks[i])
    around[top : bottom + 1, left : right + 1] = True
    return {**with_box(scene, i), "neg_points": [middle(around & ~scene.masks[i])]}


@pytest.mark.parametrize(("ask", "least"), [(with_box, 0.85), (with_point, 0.60), (with_box_and_negative_point, 0.85)])
def test_mean_iou_on_shapes_never_seen(
    compact: Function, held_out: list[Any], images: list[str], ask: Ask, least: float
) -> None:
    values = []
    for scene, image in zip(held_out, images, strict=True):
        for i, mask in enumerate(scene.masks):
            shapes = read_shapes(compact.ask(image=image, **ask(scene, i)), *mask.shape)
            values.append(iou(shapes[0][0], mask) if shapes else 0.0)
    assert np.mean(values) >= least, f"mean IoU {np.mean(values):.3f} over {len(values)} shapes"


def test_filling_the_box_would_not_pass(held_out: list[Any]) -> None:
    from training.scenes import box_fill

    fills = [box_fill(mask) for scene in held_out for mask in scene.masks]
    assert max(fills) <= 0.6 and len(fills) >= 20


def test_mean_iou_on_new_drawings_of_known_shapes(compact: Function) -> None:
    from training.outlines import TRAINING
    from training.scenes import draw_scene

    values = []
    for number in range(12):
        scene = draw_scene((31, number), 480, 640, families=TRAINING, max_fill=0.6)
        image = encode(scene.picture)
        for i, mask in enumerate(scene.masks):
            values.append(iou(read_shapes(compact.ask(image=image, **with_box(scene, i)), *mask.shape)[0][0], mask))
    assert np.mean(values) >= 0.85, f"mean IoU {np.mean(values):.3f} over {len(values)} shapes"
