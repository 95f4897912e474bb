"""Exports are read back rightly, and what is wrong in them is found and named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.annotation.server.plugins.module_utils import annotation_shapes as shapes
from ansible_collections.annotation.server.plugins.module_utils import dataset_exports as exports
from ansible_collections.annotation.server.plugins.module_utils import known_picture as kp
from hypothesis import given
from hypothesis import strategies as st
from stand_in_formats import archive

WIDTH, HEIGHT = 64, 48
STAR = kp.draw(WIDTH, HEIGHT)
PICTURE = kp.encode_png(WIDTH, HEIGHT, STAR.rgb)
FRAMES = [{"name": f"set/{name}.png", "width": WIDTH, "height": HEIGHT, "content": PICTURE} for name in ("one", "two")]
LABELS = ["sam2", "yolo"]
NUMBERS = dict(enumerate(LABELS))


def mask(frame: int, label: int, pixels: bytearray) -> dict[str, Any]:
    return {"type": "mask", "frame": frame, "label_id": label, "points": shapes.cvat_mask(pixels, WIDTH)}


BOX = {"type": "rectangle", "frame": 0, "label_id": 1, "points": [3.25, 4.5, 20.123, 30.875]}
OTHER_BOX = {"type": "rectangle", "frame": 1, "label_id": 0, "points": [0.0, 0.0, 64.0, 48.0]}
POLYGON = {"type": "polygon", "frame": 1, "label_id": 1, "points": [1.0, 2.0, 30.5, 4.25, 11.0, 40.0]}
SHAPES = [BOX, OTHER_BOX, POLYGON, mask(0, 0, STAR.mask)]
SAVED = shapes.of_cvat({"shapes": SHAPES}, FRAMES, NUMBERS)


def found(kind: exports.Format, shown: list[dict[str, Any]] = SHAPES, **files: bytes) -> list[str]:
    """Export some shapes, read them back, and compare with SHAPES."""
    content = archive(kind.name, FRAMES, LABELS, shown, **files)
    return exports.differences(kind, kind.read(exports.unpack(content)), SAVED, LABELS)


@pytest.mark.parametrize("kind", exports.FORMATS, ids=lambda kind: kind.name)
class TestEveryFormat:
    def test_what_cvat_has_comes_back(self, kind: exports.Format) -> None:
        assert found(kind) == []

    def test_a_box_that_moved(self, kind: exports.Format) -> None:
        moved = {**BOX, "points": [3.25, 4.5, 21.123, 30.875]}
        assert "one: the box (3.25, 4.5, 20.12, 30.88) of yolo is missing" in found(kind, [moved, *SHAPES[1:]])

    def test_a_box_too_many(self, kind: exports.Format) -> None:
        assert any("that CVAT does not have" in text for text in found(kind, [BOX, *SHAPES]))

    def test_a_box_of_another_label(self, kind: exports.Format) -> None:
        assert any("of yolo is missing" in text for text in found(kind, [{**BOX, "label_id": 0}, *SHAPES[1:]]))

    def test_a_picture_that_is_missing(self, kind: exports.Format) -> None:
        content = archive(kind.name, [{**FRAMES[0], "content": b""}, FRAMES[1]], LABELS, SHAPES)
        read = kind.read(exports.unpack(content))
        assert "the picture one is not in it" in exports.differences(kind, read, SAVED, LABELS)

    def test_a_label_that_is_missing(self, kind: exports.Format) -> None:
        content = archive(kind.name, FRAMES, ["sam2", "yolo"], SHAPES)
        read = kind.read(exports.unpack(content))
        assert "the label dextr is missing" in exports.differences(kind, read, SAVED, [*LABELS, "dextr"])

    def test_another_picture_than_said(self, kind: exports.Format) -> None:
        small = kp.encode_png(2, 2, bytes(12))
        content = archive(kind.name, [{**FRAMES[0], "content": small}, FRAMES[1]], LABELS, SHAPES)
        read = kind.read(exports.unpack(content))
        assert any("pixels instead of (64, 48)" in text for text in exports.differences(kind, read, SAVED, LABELS))

    def test_no_archive(self, kind: exports.Format) -> None:
        with pytest.raises(ValueError, match="no ZIP file"):
            kind.read(exports.unpack(b"<html>502</html>"))


@pytest.mark.parametrize("kind", [kind for kind in exports.FORMATS if kind.masks != "none"], ids=lambda kind: kind.name)
def test_one_pixel_of_a_mask(kind: exports.Format) -> None:
    changed = bytearray(STAR.mask)
    changed[changed.index(1)] = 0
    text = " ".join(found(kind, [*SHAPES[:3], mask(0, 0, changed)]))
    assert str(sum(STAR.mask)) in text and str(sum(STAR.mask) - 1) in text


@pytest.mark.parametrize("kind", [kind for kind in exports.FORMATS if kind.polygons], ids=lambda kind: kind.name)
def test_a_polygon_that_is_missing(kind: exports.Format) -> None:
    assert found(kind, [BOX, OTHER_BOX, SHAPES[3]]) == ["two: the polygon (1, 2, 30.5, 4.25, ...) of yolo is missing"]


def test_what_a_format_does_not_keep_is_not_missed() -> None:
    yolo = next(kind for kind in exports.FORMATS if kind.name.startswith("YOLO"))
    assert found(yolo, [BOX, OTHER_BOX]) == []


def packed(lengths: list[int]) -> str:
    """Write run lengths as pycocotools packs them (cocoapi, maskApi.c, rleToString)."""
    text = ""
    for i, length in enumerate(lengths):
        value, more = length - (lengths[i - 2] if i > 2 else 0), True
        while more:
            part = value & 31
            value >>= 5
            more = value != (-1 if part & 16 else 0)
            text += chr((part | 32 if more else part) + 48)
    return text


@given(st.lists(st.integers(0, 1), min_size=48, max_size=48))
def test_masks_of_coco_in_both_forms(bits: list[int]) -> None:
    width, height = 8, 6
    rows = [bits[y * width : (y + 1) * width] for y in range(height)]
    down = [rows[y][x] for x in range(width) for y in range(height)]
    lengths, value = [0], 0
    for bit in down:
        if bit == value:
            lengths[-1] += 1
        else:
            lengths.append(1)
            value = bit
    wanted = shapes.runs_of_mask(bits, width)
    assert exports.coco_runs({"size": [height, width], "counts": lengths}) == wanted
    assert exports.coco_runs({"size": [height, width], "counts": packed(lengths)}) == wanted


def test_masks_of_coco_of_another_size() -> None:
    with pytest.raises(ValueError, match="make 5 pixels, the picture has 6"):
        exports.coco_runs({"size": [2, 3], "counts": [2, 3]})


@given(st.lists(st.integers(0, 1), min_size=48, max_size=48).filter(any))
def test_masks_of_cvat_there_and_back(bits: list[int]) -> None:
    *lengths, left, top, right, bottom = shapes.cvat_mask(bytearray(bits), 8)
    assert sum(lengths) == (right - left + 1) * (bottom - top + 1)
    runs = shapes.runs_of_crop(lengths, left, top, right - left + 1)
    assert runs == shapes.runs_of_mask(bits, 8)
    assert shapes.area(runs) == sum(bits)


def test_empty_mask() -> None:
    with pytest.raises(ValueError, match="empty"):
        shapes.cvat_mask(bytearray(48), 8)


def test_masks_of_one_picture_together() -> None:
    a, b = frozenset({(0, 0, 3), (1, 5, 6)}), frozenset({(0, 2, 7), (0, 9, 9), (1, 7, 8)})
    assert shapes.union([a, b]) == {(0, 0, 7), (0, 9, 9), (1, 5, 8)}


def test_coco_of_a_foreign_hand() -> None:
    """A file as datumaro writes it, with a polygon in two parts."""
    document = {
        "categories": [{"id": 7, "name": "cat"}],
        "images": [{"id": 3, "file_name": "a/b.jpg", "width": 10, "height": 8}],
        "annotations": [{"image_id": 3, "category_id": 7, "segmentation": [[0, 0, 1, 0, 1, 1], [5, 5, 6, 5, 6, 6]]}],
    }
    read = exports.read_coco({"annotations/instances_default.json": json.dumps(document).encode()})
    assert len(read.pictures["b"].polygons) == 2 and read.labels == ["cat"]


def test_size_of_a_jpeg() -> None:
    from io import BytesIO

    from PIL import Image

    out = BytesIO()
    Image.new("RGB", (33, 21)).save(out, "JPEG", progressive=True)
    assert exports.png_or_jpeg_size(out.getvalue()) == (33, 21)
    assert exports.png_or_jpeg_size(b"RIFF") == (0, 0)


@pytest.mark.parametrize(("kind", "name"), list(zip(exports.FORMATS, ("coco_instances", "yolo", "voc"), strict=False)))
def test_what_datumaro_itself_writes(kind: exports.Format, name: str) -> None:
    """The archives come from the library that CVAT exports with (exports/make.py)."""

    def bits(*boxes: tuple[int, int, int, int, int]) -> bytearray:
        pixels = bytearray(WIDTH * HEIGHT)
        for top, bottom, left, right, value in boxes:
            for row in range(top, bottom):
                pixels[row * WIDTH + left : row * WIDTH + right] = bytes([value]) * (right - left)
        return pixels

    ring, bar = bits((5, 20, 8, 30, 1), (8, 12, 10, 20, 0)), bits((25, 40, 3, 9, 1))
    shown = [BOX, {**POLYGON, "frame": 0}, mask(0, 0, ring), mask(0, 1, bar), OTHER_BOX]
    saved = shapes.of_cvat({"shapes": shown}, FRAMES, NUMBERS)
    content = (Path(__file__).parent / "exports" / f"{name}.zip").read_bytes()
    assert exports.differences(kind, kind.read(exports.unpack(content)), saved, LABELS) == []
    saved["one"].boxes.pop()
    assert exports.differences(kind, kind.read(exports.unpack(content)), saved, LABELS)
