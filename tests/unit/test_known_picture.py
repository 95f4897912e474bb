"""The verify stage judges masks rightly."""

from __future__ import annotations

from io import BytesIO

import pytest
from ansible_collections.annotation.server.plugins.module_utils import known_picture as kp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image


@pytest.fixture(scope="module")
def picture() -> kp.KnownPicture:
    return kp.draw(160, 120)


def test_same_arguments_same_bytes(picture: kp.KnownPicture) -> None:
    assert kp.draw(160, 120) == picture


def test_a_box_is_not_mistaken_for_the_shape(picture: kp.KnownPicture) -> None:
    left, top, right, bottom = picture.box
    box = bytearray(
        1 if left <= i % 160 <= right and top <= i // 160 <= bottom else 0 for i in range(len(picture.mask))
    )
    assert kp.intersection_over_union(box, picture.mask) < 0.5
    assert picture.mask[picture.centre[1] * 160 + picture.centre[0]] == 1


def test_png_is_readable(picture: kp.KnownPicture) -> None:
    image = Image.open(BytesIO(kp.encode_png(160, 120, picture.rgb)))
    assert image.size == (160, 120)
    assert image.tobytes() == picture.rgb


def test_overlay_shows_the_mask_and_the_box_that_was_asked_for(picture: kp.KnownPicture) -> None:
    overlay = Image.open(BytesIO(kp.encode_overlay(160, 120, picture.mask, picture.box))).convert("RGBA")
    pixels = list(zip(*[iter(overlay.tobytes())] * 4, strict=True))
    assert [(*kp.HIGHLIGHT,) == pixel[:3] for pixel in pixels] == [bool(value) for value in picture.mask]
    left, top, right, bottom = picture.box
    drawn = [i for i, pixel in enumerate(pixels) if pixel == (*kp.WHITE, 255)]
    assert len(drawn) > (right - left + bottom - top) / 2
    assert all(left <= i % 160 <= right and top <= i // 160 <= bottom for i in drawn)


def run_lengths(bits: list[int]) -> list[int]:
    runs, value = [0], 0
    for bit in bits:
        if bit != value:
            runs.append(0)
            value = bit
        runs[-1] += 1
    return runs


@given(st.integers(1, 9), st.integers(1, 7), st.data())
def test_both_forms_of_an_answer_give_the_same_mask(width: int, height: int, data: st.DataObject) -> None:
    left = data.draw(st.integers(0, width - 1))
    right = data.draw(st.integers(left, width - 1))
    top = data.draw(st.integers(0, height - 1))
    bottom = data.draw(st.integers(top, height - 1))
    size = (right - left + 1) * (bottom - top + 1)
    bits = data.draw(st.lists(st.integers(0, 1), min_size=size, max_size=size))
    rows = [[0] * width for _ in range(height)]
    for i, bit in enumerate(bits):
        rows[top + i // (right - left + 1)][left + i % (right - left + 1)] = bit
    shapes = [{"type": "mask", "points": [*run_lengths(bits), left, top, right, bottom]}]
    assert kp.decode_answer({"mask": rows}, width, height) == kp.decode_answer({"shapes": shapes}, width, height)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({}, "neither"),
        ({"mask": [[0, 1]]}, "2x1 pixels, the picture 4x3"),
        ({"shapes": [{"type": "mask", "points": [12, 0, 0, 4, 2]}]}, "outside"),
        ({"shapes": [{"type": "mask", "points": [3, 0, 0, 3, 2]}]}, "do not fill"),
    ],
)
def test_a_wrong_answer_is_named(answer: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        kp.decode_answer(answer, 4, 3)
