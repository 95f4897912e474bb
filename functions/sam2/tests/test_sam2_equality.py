"""The function's masks are sam2's own, bit for bit, cached or not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from benchmarks.bare import bare_predictor, build_as_sam2_does
from cvat_reader import read_mask
from function import Function, corners, encode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

HEIGHT, WIDTH = 413, 731


@pytest.fixture(scope="module")
def bare(environment: dict[str, str]) -> Any:
    return bare_predictor(build_as_sam2_does(environment["MODEL"], environment["MODEL_CFG"]))


@pytest.fixture(scope="module")
def scene(bare: Any) -> Any:
    from training.scenes import held_out_scenes

    (scene,) = held_out_scenes(1, HEIGHT, WIDTH, seed=5)
    bare.set_image(scene.picture)
    return scene


def expected(bare: Any, inside: list[Any], outside: list[Any], box: Any) -> np.ndarray:
    """Ask sam2's own predictor the same question, the way its authors recommend."""
    points = np.array([*inside, *outside], dtype=np.float32).reshape(-1, 2)
    several = box is None and len(points) == 1
    masks, scores, _ = bare.predict(
        point_coords=points if len(points) else None,
        point_labels=np.array([1] * len(inside) + [0] * len(outside)) if len(points) else None,
        box=None if box is None else np.array(box, dtype=np.float32),
        multimask_output=several,
    )
    return masks[int(scores.argmax())].astype(bool)


@pytest.fixture(scope="module")
def image(scene: Any) -> str:
    return encode(scene.picture)


coordinate = st.tuples(st.floats(0, WIDTH - 1, width=32), st.floats(0, HEIGHT - 1, width=32)).map(list)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(inside=st.lists(coordinate, max_size=4), outside=st.lists(coordinate, max_size=3), boxed=st.booleans())
def test_masks_equal_those_of_the_bare_predictor(
    reference: Function, bare: Any, scene: Any, image: str, inside: list[Any], outside: list[Any], boxed: bool
) -> None:
    box = [float(v) for v in scene.boxes()[0]] if boxed else None
    if not inside and box is None:
        return
    request = {
        "image": image,
        "pos_points": inside,
        "neg_points": outside,
        "obj_bbox": corners(box) if box else None,
    }
    cached = read_mask(reference.ask(**request), HEIGHT, WIDTH)
    assert np.array_equal(cached, expected(bare, inside, outside, box))


def test_fresh_and_cached_answers_are_the_same_bytes(start: Any, scene: Any) -> None:
    request = {"image": encode(scene.picture), "pos_points": [[200.5, 100.25]], "neg_points": [[3, 3]]}
    cold = start(CACHE_MIB="0")
    warm = start(CACHE_MIB="64")
    texts = {cold.ask(**request).text for _ in range(2)} | {warm.ask(**request).text for _ in range(2)}
    assert len(texts) == 1
    assert (
        len(cold.service.gallery.cache) == 0
        and cold.service.gallery.cache.hits == 0
        and warm.service.gallery.cache.hits == 1
    )


@pytest.mark.parametrize("size", [(1, 1), (3, 2000), (64, 64), (480, 640), (1024, 1024), (1080, 1920), (1024, 700)])
def test_pictures_are_prepared_as_sam2_does(bare: Any, size: tuple[int, int]) -> None:
    from segmenter.transforms import prepare_picture

    picture = np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)
    assert torch.equal(prepare_picture(picture, 1024)[0], bare._transforms(picture))


def test_low_resolution_logits_refine_as_in_the_bare_predictor(reference: Function, bare: Any, scene: Any) -> None:
    from segmenter.predictor import Prompt

    predictor = reference.service.predictor
    points, labels = np.array([[300, 200], [310, 220]], np.float32), np.array([1, 0], np.int32)
    embedding = predictor.embed(scene.picture)
    first = predictor.predict(embedding, Prompt(points[:1], labels[:1]))
    second = predictor.predict(embedding, Prompt(points, labels), first.logits)
    _, scores, logits = bare.predict(points[:1], labels[:1], multimask_output=True)
    best = int(scores.argmax())
    assert np.array_equal(first.logits.numpy(), logits[best : best + 1])
    again, _, _ = bare.predict(points, labels, mask_input=logits[best : best + 1], multimask_output=False)
    assert np.array_equal(second.mask, again[0].astype(bool))


def test_one_more_click_refines_the_last_answer_as_the_bare_predictor_would(
    start: Any, bare: Any, scene: Any, image: str
) -> None:
    worker = start(DECODER="exact")
    points = [[300.0, 200.0], [310.0, 220.0], [20.0, 30.0]]
    logits = None
    for count, (inside, outside) in enumerate([(points[:1], []), (points[:2], []), (points[:2], points[2:])]):
        mask = read_mask(worker.ask(image=image, pos_points=inside, neg_points=outside), HEIGHT, WIDTH)
        masks, scores, low = bare.predict(
            np.array(inside + outside, np.float32),
            np.array([1] * len(inside) + [0] * len(outside)),
            mask_input=logits,
            multimask_output=count == 0,
        )
        best = int(scores.argmax())
        logits = low[best : best + 1]
        assert np.array_equal(mask, masks[best].astype(bool))


def test_fast_decoder_differs_in_at_most_one_pixel_in_100_000(
    bare: Any, function: Function, reference: Function
) -> None:
    from segmenter.predictor import Predictor, Prompt
    from training.scenes import held_out_scenes

    exact, fast = reference.service.predictor, Predictor(reference.service.predictor.model, fast=True)
    assert function.service.predictor.decoder.fast and not exact.decoder.fast
    different = pixels = 0
    for scene in held_out_scenes(4, 700, 1200, seed=77):
        first, second = exact.embed(scene.picture), fast.embed(scene.picture)
        for box in scene.boxes():
            for prompt in (
                Prompt(np.zeros((0, 2), np.float32), np.zeros(0, np.int32), box),
                Prompt(box.reshape(2, 2).mean(0, keepdims=True), np.ones(1, np.int32)),
            ):
                one, other = exact.predict(first, prompt), fast.predict(second, prompt)
                different += int((one.mask != other.mask).sum())
                pixels += one.mask.size
                again = exact.predict(first, prompt, one.logits), fast.predict(second, prompt, one.logits)
                different += int((again[0].mask != again[1].mask).sum())
                pixels += one.mask.size
    assert different * 100_000 <= pixels, f"{different} of {pixels} pixels"


def test_bfloat16_gives_nearly_the_same_masks(reference: Function, scene: Any) -> None:
    """What runs on GPUs, run here on the CPU: slow, but the same operations in the same types."""
    from function import iou
    from segmenter.predictor import Predictor, Prompt

    exact = reference.service.predictor
    half = Predictor(exact.model, fast=True, half=True)
    prompt = Prompt(np.zeros((0, 2), np.float32), np.zeros(0, np.int32), scene.boxes()[0])
    one, other = (predictor.predict(predictor.embed(scene.picture), prompt) for predictor in (exact, half))
    assert iou(one.mask, other.mask) > 0.95
    again = half.predict(half.embed(scene.picture), prompt, other.logits)
    assert again.logits.dtype == torch.float32 and again.mask.any()
