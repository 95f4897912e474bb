"""Automatic annotation: what is found, how it is written, and what the limits do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cvat_reader import read_detections, read_error
from function import Function, encode, iou
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image, ImageDraw
from segmenter.outlines import largest_part, polygon_of


@pytest.fixture(scope="module")
def detector(start: Any) -> Function:
    return start(KIND="detector", POINTS_PER_SIDE="8", LABEL="thing")


@pytest.fixture(scope="module")
def scene() -> Any:
    from training.scenes import draw_scene

    return next(
        s for s in (draw_scene((99, i), 480, 640, (2, 5), span=(0.2, 0.5)) for i in range(9)) if len(s.masks) > 2
    )


def test_most_shapes_are_found_and_written_as_cvat_reads_them(detector: Function, scene: Any) -> None:
    found = read_detections(detector.ask(image=encode(scene.picture)), 480, 640, "thing")
    best = [max((iou(mask, other) for other, _, _ in found), default=0.0) for mask in scene.masks]
    assert np.mean(np.array(best) > 0.5) >= 0.5, best
    whole = [(mask, polygon) for mask, polygon, _ in found if max(iou(mask, other) for other in scene.masks) > 0.5]
    for mask, polygon in whole:  # a polygon is one outline, so that it fills holes
        canvas = Image.new("1", (640, 480))
        ImageDraw.Draw(canvas).polygon([tuple(point) for point in polygon], fill=1)
        assert (np.asarray(canvas) & mask).sum() > 0.8 * mask.sum()


def test_nine_of_ten_separate_shapes_are_found_and_nine_of_ten_masks_are_one(detector: Function) -> None:
    """Plain pictures of two to five shapes each, of families that were trained and of others.

    A shape is found by one mask with an IoU above 0.5; a second mask of it counts as wrong. Shapes below 0.8 % of the
    picture fall between the 8 x 8 points; they and masks of them are left out of account.
    """
    from training.outlines import HELD_OUT, TRAINING
    from training.scenes import draw_scene

    found = there = answered = 0
    for families in (TRAINING, HELD_OUT):
        for number in range(12):
            scene = draw_scene((77, number), 480, 640, (2, 5), families, span=(0.2, 0.5))
            if len(scene.masks) < 2:
                continue
            large = scene.masks.mean((1, 2)) >= 0.008
            masks = [
                mask for mask, _, _ in read_detections(detector.ask(image=encode(scene.picture)), 480, 640, "thing")
            ]
            matches = np.array([[iou(mask, shape) > 0.5 for shape in scene.masks] for mask in masks], bool)
            matches = matches.reshape(len(masks), len(large))
            there += int(large.sum())
            found += int((matches.any(0) & large).sum())
            answered += len(masks) - int(matches[:, ~large].any(1).sum())
    assert there >= 60
    assert found >= 0.9 * there, f"recall {found} of {there}"
    assert found >= 0.9 * answered, f"precision {found} of {answered}"


def test_threshold_is_honoured(detector: Function, scene: Any) -> None:
    image = encode(scene.picture)
    few, many = (detector.ask(image=image, threshold=value) for value in (0.9, 0.3))
    assert all(score >= 0.9 for _, _, score in read_detections(few, 480, 640, "thing"))
    assert len(read_detections(few, 480, 640, "thing")) <= len(read_detections(many, 480, 640, "thing"))


def test_number_of_objects_is_bounded(start: Any, scene: Any) -> None:
    worker = start(KIND="detector", POINTS_PER_SIDE="8", MAX_OBJECTS="1", LABEL="thing")
    assert len(read_detections(worker.ask(image=encode(scene.picture), threshold=0.1), 480, 640, "thing")) <= 1


def test_an_empty_picture_is_an_empty_list(detector: Function) -> None:
    image = encode(np.full((30, 40, 3), 128, np.uint8))
    assert read_detections(detector.ask(image=image, threshold=1), 30, 40, "thing") == []


@pytest.mark.parametrize("threshold", ["0.5", -1, 2, True, [], float("nan")])
def test_wrong_thresholds_are_refused(detector: Function, scene: Any, threshold: Any) -> None:
    assert read_error(detector.ask(image=encode(scene.picture), threshold=threshold)) == (400, "threshold")


@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=12)))
def test_exact_polygons_enclose_the_largest_part(mask: np.ndarray) -> None:
    polygon = polygon_of(mask, tolerance=0.0)
    if not mask.any():
        assert len(polygon) == 0
        return
    assert len(polygon) >= 3
    x, y = polygon[:, 0], polygon[:, 1]
    area = abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
    assert 1 <= area <= mask.size
    assert x.min() >= 0 and y.min() >= 0 and x.max() <= mask.shape[1] and y.max() <= mask.shape[0]


@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=12)))
def test_the_largest_part_is_a_part(mask: np.ndarray) -> None:
    part = largest_part(mask)
    assert not (part & ~mask).any() and part.any() == mask.any()


def test_smaller_parts_are_left_out() -> None:
    mask = np.zeros((20, 30), bool)
    mask[2:9, 3:12] = mask[12:15, 20:24] = True
    part = largest_part(mask)
    assert part[2:9, 3:12].all() and part.sum() == 63


@given(st.integers(3, 60), st.integers(3, 60))
def test_a_rectangle_has_four_corners(width: int, height: int) -> None:
    mask = np.zeros((70, 70), bool)
    mask[4 : 4 + height, 5 : 5 + width] = True
    assert {tuple(p) for p in polygon_of(mask)} == {(5, 4), (5 + width, 4), (5 + width, 4 + height), (5, 4 + height)}
