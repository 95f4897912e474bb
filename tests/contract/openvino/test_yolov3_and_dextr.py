"""CVAT's handlers of YOLO v3 and DEXTR, as they are, with PyPI's OpenVINO and a tiny model in place of the real one."""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

HERE = Path(__file__).resolve().parent
Ask = Callable[..., Any]


@pytest.fixture
def ask(tree: Path, python: str, models: Path, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Asks the function in a folder of serverless/openvino; gives the body of its answer."""

    def call(folder: str, picture: Image.Image, **request: Any) -> Any:
        out = io.BytesIO()
        picture.save(out, "PNG")
        request["image"] = base64.b64encode(out.getvalue()).decode()
        done = subprocess.run(
            [python, str(HERE / "call.py"), str(tree), folder],
            input=json.dumps(request),
            env={**os.environ, "MODEL_PATH": str(models)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        assert (answer["status"], answer["type"]) == (200, "application/json")
        with capsys.disabled():
            print(f"\n  {folder}: loaded in {answer['loading']:.2f} s, answered in {answer['answering']:.2f} s")
        return answer["body"]

    return call


def with_car(shade: int, mode: str = "RGB") -> Image.Image:
    """A dark picture of 832 x 624 with one thing of 64 x 48: one cell of YOLO's coarsest grid."""
    picture = Image.new("RGB", (832, 624), (20, 20, 20))
    ImageDraw.Draw(picture).rectangle((320, 240, 383, 287), fill=(shade, shade, shade))
    return picture.convert(mode)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_yolo_v3_finds_a_thing_where_it_is(ask: Ask, mode: str) -> None:
    found = ask("omz/public/yolo-v3-tf/nuclio", with_car(250, mode))
    assert [(each["label"], each["type"]) for each in found] == [("car", "rectangle")], found
    assert all(abs(is_ - should) <= 1 for is_, should in zip(found[0]["points"], (320, 240, 384, 288), strict=True))
    assert 0.99 < float(found[0]["confidence"]) <= 1


def test_yolo_v3_keeps_to_the_threshold(ask: Ask) -> None:
    unsure = with_car(130)  # the model says 0.6
    assert len(ask("omz/public/yolo-v3-tf/nuclio", unsure)) == 1
    assert ask("omz/public/yolo-v3-tf/nuclio", unsure, threshold=0.8) == []


def test_dextr_outlines_what_lies_between_the_points(ask: Ask) -> None:
    width, height, corners = 640, 480, [(180, 240), (300, 120), (420, 240), (300, 360)]
    picture, wanted = Image.new("RGB", (width, height), (20, 20, 20)), Image.new("1", (width, height))
    ImageDraw.Draw(picture).polygon(corners, fill=(250, 250, 250))
    ImageDraw.Draw(wanted).polygon(corners, fill=1)
    ImageDraw.Draw(picture).rectangle((540, 20, 620, 100), fill=(250, 250, 250))  # another thing, not asked for

    answer = ask("dextr/nuclio", picture, pos_points=corners, neg_points=[], obj_bbox=[])
    mask = answer["mask"]
    assert (len(mask), {len(row) for row in mask}) == (height, {width})
    pairs = [(bool(mask[y][x]), bool(wanted.getpixel((x, y)))) for y in range(height) for x in range(width)]
    overlap = sum(a and b for a, b in pairs) / sum(a or b for a, b in pairs)
    assert overlap > 0.97, overlap
