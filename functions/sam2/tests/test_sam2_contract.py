"""The function keeps CVAT's contract, in every generation of it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from cvat_reader import read_error, read_mask, read_shapes
from function import Function, corners, encode


@pytest.fixture(scope="module")
def scene() -> Any:
    from training.scenes import held_out_scenes

    return next(s for s in held_out_scenes(20, 480, 640, seed=11) if len(s.masks) >= 2)


@pytest.fixture(scope="module")
def image(scene: Any) -> str:
    return encode(scene.picture)


@pytest.mark.parametrize("kind", ["msgpack", "msgpack_raw"])
@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "text/plain", ""])
def test_json_is_read_whatever_its_content_type(
    function: Function, scene: Any, image: str, content_type: str, kind: str
) -> None:
    body = {"image": image, "pos_points": [], "neg_points": [], "obj_bbox": corners(scene.boxes()[0])}
    read_mask(function.send(json.dumps(body).encode(), content_type, kind=kind), 480, 640)


@pytest.mark.parametrize("box", [None, []])
def test_points_without_a_box(function: Function, image: str, box: Any) -> None:
    read_mask(function.ask(image=image, pos_points=[[100, 100]], neg_points=[[5, 5]], obj_bbox=box), 480, 640)


def test_absent_prompts_mean_none(function: Function, image: str) -> None:
    read_mask(function.ask(image=image, pos_points=[[100, 100]]), 480, 640)
    read_mask(function.ask(image=image, obj_bbox=[[20, 20], [200, 200]]), 480, 640)
    read_mask(function.ask(image=image, pos_points=None, neg_points=None, obj_bbox=[[20, 20], [200, 200]]), 480, 640)


def test_corners_may_come_in_any_order(function: Function, scene: Any, image: str) -> None:
    left, top, right, bottom = (float(v) for v in scene.boxes()[0])
    orders = ([[left, top], [right, bottom]], [[right, bottom], [left, top]], [[left, bottom], [right, top]])
    texts = {function.ask(image=image, pos_points=[], obj_bbox=order).text for order in orders}
    assert len(texts) == 1


def test_several_boxes_give_one_shape_each_and_their_union_as_mask(
    function: Function, compact: Function, scene: Any, image: str
) -> None:
    boxes = [corner for box in scene.boxes()[:2] for corner in corners(box)]
    request = {"image": image, "pos_points": [], "neg_points": [], "obj_bbox": boxes}
    shapes = read_shapes(compact.ask(**request), 480, 640)
    assert len(shapes) == 2
    united = read_mask(function.ask(**request), 480, 640)
    assert np.array_equal(united, shapes[0][0] | shapes[1][0])
    for number in range(2):
        alone = read_shapes(compact.ask(**{**request, "obj_bbox": boxes[2 * number : 2 * number + 2]}), 480, 640)
        assert np.array_equal(alone[0][0], shapes[number][0])


def test_both_forms_show_the_same_mask(function: Function, compact: Function, image: str) -> None:
    request = {"image": image, "pos_points": [[320, 240]], "neg_points": [], "obj_bbox": []}
    ((mask, confidence),) = read_shapes(compact.ask(**request), 480, 640)
    assert np.array_equal(mask, read_mask(function.ask(**request), 480, 640))
    assert confidence is not None and 0.5 <= confidence <= 1.0, "CVAT's slider begins at 0.5 and would hide it"


@pytest.mark.parametrize(("form", "expected"), [("raw", True), ("none", False)])
def test_confidence_can_be_raw_or_left_out(start: Any, image: str, form: str, expected: bool) -> None:
    worker = start(ANSWER="shapes", CONFIDENCE=form)
    ((_, confidence),) = read_shapes(worker.ask(image=image, pos_points=[[320, 240]]), 480, 640)
    assert (confidence is not None) == expected


def test_points_outside_the_picture_are_moved_onto_it(function: Function, image: str) -> None:
    far = function.ask(image=image, pos_points=[[-50, 9000]], obj_bbox=[]).text
    assert far == function.ask(image=image, pos_points=[[0, 479]], obj_bbox=[]).text


def test_box_outside_the_picture_is_refused(function: Function, image: str) -> None:
    status, field = read_error(function.ask(image=image, obj_bbox=[[700, 10], [900, 100]]))
    assert (status, field) == (422, "obj_bbox[0]")


@pytest.mark.parametrize(
    ("body", "method"), [(b'{"health": true}', "POST"), (b"", "GET"), (b'{"health": true, "image": null}', "POST")]
)
def test_health_needs_no_picture(function: Function, body: bytes, method: str) -> None:
    reply = function.send(body, method=method)
    health = reply.json()
    assert reply.status == 200 and health["status"] == "ok" and health["device"] == "cpu"
    assert health["cache"]["bytes"] <= health["cache"]["max_bytes"]


def test_second_click_does_not_decode_the_picture(function: Function, image: str, monkeypatch: Any) -> None:
    first = function.ask(image=image, pos_points=[[50, 60]])
    monkeypatch.setattr("segmenter.pictures.decode_base64", lambda _: pytest.fail("decoded again"))
    assert function.ask(image=image, pos_points=[[50, 60]]).text == first.text


def test_a_broken_gpu_ends_the_process_and_nothing_else_does(start: Any, image: str, monkeypatch: Any) -> None:
    worker = start()
    ended: list[int] = []
    monkeypatch.setattr("main.os._exit", ended.append)
    request = {"image": image, "pos_points": [[100, 100]]}

    def fail(message: str) -> None:
        def raising(*_: Any) -> None:
            raise RuntimeError(message)

        monkeypatch.setattr(worker.service.predictor, "predict", raising)

    fail("CUDA error: an illegal memory access was encountered")
    assert worker.ask(**request).status == 503 and ended == [1]
    fail("shapes do not match")
    with pytest.raises(RuntimeError, match="shapes"):
        worker.ask(**request)
    assert ended == [1]


def test_serving_needs_no_torchvision() -> None:
    import subprocess
    import sys
    from pathlib import Path

    folder = Path(__file__).resolve().parent.parent
    program = (
        f"import sys; sys.path[:0] = [{str(folder)!r}, {str(folder / 'nuclio')!r}]\n"
        "import main, segmenter.service\n"
        "assert 'torchvision' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
