"""Masks become JSON without loss, whatever they look like."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays
from segmenter import answers

masks = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=40))


@given(masks)
def test_full_masks_are_written_as_json_would(mask: np.ndarray) -> None:
    assert answers.mask_json(mask) == json.dumps(mask.astype(int).tolist(), separators=(",", ":")).encode()


@given(masks)
def test_run_lengths_give_the_mask_back(mask: np.ndarray) -> None:
    outline = answers.outline_of(mask)
    if outline is None:
        assert not mask.any()
        return
    shape = json.loads(answers.shape_json(outline, "0.93"))
    *runs, left, top, right, bottom = shape["points"]
    found = np.zeros_like(mask)
    crop = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    found[top : bottom + 1, left : right + 1] = crop.reshape(bottom - top + 1, right - left + 1)
    assert np.array_equal(found, mask)
    assert shape["attributes"] == [{"spec_id": 0, "value": "0.93"}]


def test_run_lengths_are_much_shorter_than_a_full_mask() -> None:
    y, x = np.mgrid[:2160, :3840]
    mask = (x - 1900) ** 2 + (y - 1000) ** 2 < 700**2
    outline = answers.outline_of(mask)
    assert outline is not None
    assert len(answers.shape_json(outline, None)) * 100 < len(answers.mask_json(mask))


@pytest.mark.parametrize(
    ("score", "form", "text"),
    [
        (0.0, "scaled", "0.50"),
        (1.0, "scaled", "1.00"),
        (0.86, "scaled", "0.93"),
        (0.3, "raw", "0.30"),
        (0.3, "none", None),
    ],
)
def test_confidence_hides_nothing_unless_asked_to(score: float, form: str, text: str | None) -> None:
    assert answers.confidence_text(score, form) == text
