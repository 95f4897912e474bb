"""Wrong requests get a 4xx that names the field, and the worker answers correctly afterwards."""

from __future__ import annotations

import base64
import io
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cvat_reader import read_error, read_mask
from function import Function, encode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

GREY = Image.new("RGB", (40, 30), (90, 90, 90))
IMAGE = encode(GREY)
POINT = [[10, 10]]


def png_header(width: int, height: int) -> str:
    """Return a PNG that claims a size and then holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 50))
    return base64.b64encode(content).decode()


def broken(data: str, keep: int) -> str:
    return base64.b64encode(base64.b64decode(data)[:keep]).decode()


WRONG: list[tuple[str, Any, int, str]] = [
    ("no JSON", b"{", 400, "body"),
    ("not UTF-8", b"\xff\xfe{}", 400, "body"),
    ("deep nesting", b"[" * 100_000, 400, "body"),
    ("list", [1], 400, "body"),
    ("number", 7, 400, "body"),
    ("text", "x", 400, "body"),
    ("empty", {}, 400, "image"),
    ("null image", {"image": None, "pos_points": POINT}, 400, "image"),
    ("number as image", {"image": 5, "pos_points": POINT}, 400, "image"),
    ("list as image", {"image": ["a"], "pos_points": POINT}, 400, "image"),
    ("empty image", {"image": "", "pos_points": POINT}, 400, "image"),
    ("not base64", {"image": "!!!", "pos_points": POINT}, 400, "image"),
    ("not ASCII", {"image": "Zoë\ud800", "pos_points": POINT}, 400, "image"),
    ("not an image", {"image": base64.b64encode(b"hello world").decode(), "pos_points": POINT}, 415, "image"),
    ("truncated JPEG", {"image": broken(encode(GREY, "JPEG"), 400), "pos_points": POINT}, 415, "image"),
    ("truncated PNG", {"image": broken(IMAGE, 60), "pos_points": POINT}, 415, "image"),
    ("header only", {"image": png_header(100, 100), "pos_points": POINT}, 415, "image"),
    ("bomb", {"image": png_header(30_000, 30_000), "pos_points": POINT}, 413, "image"),
    ("absurd bomb", {"image": png_header(2**31 - 1, 2**31 - 1), "pos_points": POINT}, 413, "image"),
    ("no prompts", {"image": IMAGE}, 422, "pos_points"),
    ("empty prompts", {"image": IMAGE, "pos_points": [], "neg_points": [], "obj_bbox": []}, 422, "pos_points"),
    ("negative only", {"image": IMAGE, "neg_points": POINT}, 422, "pos_points"),
    ("points as text", {"image": IMAGE, "pos_points": "10,10"}, 400, "pos_points"),
    ("points as object", {"image": IMAGE, "pos_points": {"x": 1}}, 400, "pos_points"),
    ("flat point", {"image": IMAGE, "pos_points": [10, 10]}, 400, "pos_points[0]"),
    ("three numbers", {"image": IMAGE, "pos_points": [[1, 2, 3]]}, 400, "pos_points[0]"),
    ("text coordinate", {"image": IMAGE, "pos_points": [[1, "2"]]}, 400, "pos_points[0].y"),
    ("boolean coordinate", {"image": IMAGE, "pos_points": [[True, 2]]}, 400, "pos_points[0].x"),
    ("null coordinate", {"image": IMAGE, "pos_points": [[None, 2]]}, 400, "pos_points[0].x"),
    ("NaN", {"image": IMAGE, "pos_points": [[float("nan"), 2]]}, 400, "pos_points[0].x"),
    ("infinite", {"image": IMAGE, "neg_points": [[1, float("inf")]], "pos_points": POINT}, 400, "neg_points[0].y"),
    ("huge", {"image": IMAGE, "pos_points": [[1e300, 2]]}, 400, "pos_points[0].x"),
    ("huge integer", {"image": IMAGE, "pos_points": [[10**400, 2]]}, 400, "pos_points[0].x"),
    ("10,000 points", {"image": IMAGE, "pos_points": POINT * 10_000}, 413, "pos_points"),
    ("too many together", {"image": IMAGE, "pos_points": POINT * 300, "neg_points": POINT * 300}, 413, "neg_points"),
    ("odd corners", {"image": IMAGE, "obj_bbox": [[1, 1]]}, 400, "obj_bbox"),
    ("flat box", {"image": IMAGE, "obj_bbox": [1, 1, 5, 5]}, 400, "obj_bbox[0]"),
    ("empty box", {"image": IMAGE, "obj_bbox": [[5, 5], [5, 9]]}, 422, "obj_bbox[0]"),
    ("1,000 boxes", {"image": IMAGE, "obj_bbox": [[1, 1], [9, 9]] * 1000}, 413, "obj_bbox"),
]


@pytest.mark.parametrize(("body", "status", "field"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_wrong_requests_are_refused_by_name(function: Function, body: Any, status: int, field: str) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    assert read_error(function.send(content)) == (status, field)


def test_the_worker_answers_correctly_after_all_of_them(function: Function) -> None:
    before = function.ask(image=IMAGE, pos_points=POINT)
    read_mask(before, 30, 40)
    for _, body, _, _ in WRONG:
        function.send(body if isinstance(body, bytes) else json.dumps(body).encode())
    assert function.ask(image=IMAGE, pos_points=POINT).text == before.text


def rotated() -> Image.Image:
    return Image.fromarray(np.arange(40 * 30 * 3, dtype=np.uint8).reshape(30, 40, 3))


def exif_turned() -> str:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encode(rotated(), "JPEG", exif=exif.tobytes())


UNUSUAL: list[tuple[str, str, tuple[int, int]]] = [
    ("1x1", encode(Image.new("RGB", (1, 1))), (1, 1)),
    ("very wide", encode(Image.new("RGB", (3000, 2))), (2, 3000)),
    ("very tall", encode(Image.new("RGB", (1, 3000))), (3000, 1)),
    ("grey", encode(GREY.convert("L")), (30, 40)),
    ("black and white", encode(GREY.convert("1")), (30, 40)),
    ("16 bit", encode(Image.fromarray(np.full((30, 40), 40_000, np.uint16))), (30, 40)),
    ("float", encode(Image.fromarray(np.full((30, 40), np.nan, np.float32)), "TIFF"), (30, 40)),
    ("palette", encode(GREY.quantize(4)), (30, 40)),
    ("transparent", encode(GREY.convert("RGBA")), (30, 40)),
    ("CMYK", encode(GREY.convert("CMYK"), "JPEG"), (30, 40)),
    ("turned by EXIF", exif_turned(), (40, 30)),
    ("WebP", encode(GREY, "WEBP"), (30, 40)),
    ("data URI", "data:image/png;base64," + IMAGE, (30, 40)),
    ("line ends", "\n".join(IMAGE[i : i + 60] for i in range(0, len(IMAGE), 60)), (30, 40)),
]


@pytest.mark.parametrize(("image", "size"), [case[1:] for case in UNUSUAL], ids=[case[0] for case in UNUSUAL])
def test_unusual_pictures_are_answered_in_their_size(function: Function, image: str, size: tuple[int, int]) -> None:
    read_mask(function.ask(image=image, pos_points=[[0, 0]]), *size)


def test_exif_orientation_is_that_of_cvat() -> None:
    from PIL import ImageOps
    from segmenter.pictures import decode_base64, decode_picture

    content = decode_base64(exif_turned())
    upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(content))))
    assert np.array_equal(decode_picture(content, 10_000), upright)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
requests = st.fixed_dictionaries(
    {},
    optional={
        "image": st.just(IMAGE) | json_values,
        "pos_points": st.lists(st.tuples(st.floats(-50, 90), st.floats(-50, 90)), max_size=3) | json_values,
        "neg_points": st.lists(st.tuples(st.integers(-9, 50), st.integers(-9, 50)), max_size=3) | json_values,
        "obj_bbox": st.lists(st.tuples(st.floats(-9, 50), st.floats(-9, 50)), max_size=4) | json_values,
    },
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
@given(body=requests | json_values)
def test_any_json_is_answered_or_refused(function: Function, body: Any) -> None:
    reply = function.send(json.dumps(body).encode())
    if reply.status == 200:
        if isinstance(body, dict) and body.get("health") is not True:
            read_mask(reply, 30, 40)
    else:
        read_error(reply)


@pytest.mark.parametrize(("kind", "count"), [("interactor", 500), ("detector", 60), ("tracker", 150)])
def test_some_hundred_damaged_requests(
    start: Any, environment: dict[str, str], tmp_path: Any, kind: str, count: int
) -> None:
    """A small part of ``python -m fuzz``, which sends 50,000."""
    import fuzz

    changes = {"REFINE": "off", "KIND": kind, "POINTS_PER_SIDE": "2"}
    if kind == "tracker":
        changes["MODEL_CFG"] = fuzz.small(Path(environment["MODEL_CFG"]), str(tmp_path))
    outcomes = fuzz.run(start(**changes), count, seed=7, say=print, kind=kind)
    assert outcomes["answered"] > count / 50 and sum(outcomes.values()) == count
