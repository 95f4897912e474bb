"""The tracker: sam2's own masks, CVAT's contract, and what happens when a track is gone."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from clips import Clip, rolling_clip, sam2s_own
from cvat_reader import read_error, read_tracking
from function import Function, ask_in_another_process
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from segmenter.folder import BoundedFolder
from segmenter.shapes import Shape, answer_shape
from segmenter.tracker import Memory, Track
from segmenter.tracks import Tracks

FRAMES = 20


@pytest.fixture(scope="module")
def quick(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The same model on pictures of 256 x 256 pixels: the same code, sixteen times quicker."""
    import fuzz

    path = fuzz.small(Path(environment["MODEL_CFG"]), str(tmp_path_factory.mktemp("config")))
    return {**environment, "MODEL_CFG": path, "KIND": "tracker"}


@pytest.fixture(scope="module")
def clip() -> Clip:
    return rolling_clip(FRAMES)


@pytest.fixture(scope="module")
def tracker(quick: dict[str, str]) -> Function:
    return Function(quick)


def rectangle(mask: np.ndarray) -> list[float]:
    shape: list[float] = answer_shape("points", mask)
    return shape


def begin(worker: Function, clip: Clip, *shapes: Any) -> Any:
    """Send shapes on the first frame; returns the decoded answer."""
    return worker.ask(image=clip.images()[0], shapes=list(shapes), states=[]).json()


def logits_of(worker: Function, clip: Clip, prompts: list[np.ndarray], most: int) -> list[np.ndarray]:
    """Track with the core of a worker; returns logits as ``sam2s_own`` does."""
    from segmenter.pictures import decode_picture
    from segmenter.transforms import enlarge

    tracker = worker.service.tracker
    seen: list[torch.Tensor] = []
    original = tracker._step

    def step(*arguments: Any, **options: Any) -> Any:
        out = original(*arguments, **options)
        seen.append(enlarge(out["pred_masks"], *clip.size)[0, 0])
        return out

    tracker._step = step
    found, tracks = [], []
    try:
        for number, file in enumerate(clip.files[: most + 1]):
            features = tracker.prepare(tracker.encode(decode_picture(file, 10**7)))
            if number == 0:
                begin = [tracker.start_with_box if p.ndim == 1 else tracker.start_with_mask for p in prompts]
                tracks = [start(features, prompt)[1] for start, prompt in zip(begin, prompts, strict=True)]
            else:
                tracks = [tracker.follow(features, track)[1] for track in tracks]
            found.append(torch.stack(seen).numpy())
            seen.clear()
    finally:
        del tracker._step
    return found


def test_logits_equal_those_of_sam2s_own_video_predictor(quick: dict[str, str], tracker: Function, clip: Clip) -> None:
    """Longer than all that the model remembers: 6 frames with their masks, 15 with their pointers."""
    prompts = [np.array(rectangle(clip.masks[0]), np.float32), clip.masks[1]]
    own, theirs = (run(of, clip, prompts, FRAMES) for run, of in ((logits_of, tracker), (sam2s_own, quick)))
    assert len(own) == len(theirs) == FRAMES
    for number, (ours, reference) in enumerate(zip(own, theirs, strict=True)):
        assert np.array_equal(ours, reference), f"frame {number}"


def test_logits_equal_in_the_production_size(environment: dict[str, str]) -> None:
    clip = rolling_clip(16)
    prompts = [np.array(rectangle(clip.masks[0]), np.float32)]
    worker = Function({**environment, "KIND": "tracker"})
    own, theirs = (run(of, clip, prompts, 2) for run, of in ((logits_of, worker), (sam2s_own, environment)))
    assert len(own) == len(theirs) == 3
    assert all(np.array_equal(ours, reference) for ours, reference in zip(own, theirs, strict=True))


@pytest.mark.parametrize("form", ["points", "rectangle", "polygon", "mask"])
def test_every_form_is_begun_and_followed(tracker: Function, clip: Clip, form: str) -> None:
    shapes = [answer_shape(form, mask) for mask in clip.masks[:2]]
    first = tracker.ask(image=clip.images()[0], shapes=shapes, states=[])
    assert [shape for shape, _ in read_tracking(first, form, *clip.size)] == shapes, "what was drawn stays as it is"
    states = first.json()["states"]
    for image in clip.images()[1:3]:
        reply = tracker.ask(image=image, shapes=[None, None], states=states)
        states = [state for _, state in read_tracking(reply, form, *clip.size)]


@pytest.mark.parametrize("shapes", [None, [], [None], [[1, 2, 3, 4]]])
def test_every_generation_of_going_on(tracker: Function, clip: Clip, shapes: Any) -> None:
    states = begin(tracker, clip, rectangle(clip.masks[0]))["states"]
    request = {"image": clip.images()[1], "states": states}
    read_tracking(tracker.ask(**request, **({} if shapes is None else {"shapes": shapes})), "points", *clip.size)


def test_answers_are_the_masks_of_the_core(tracker: Function, clip: Clip) -> None:
    box = np.array(rectangle(clip.masks[0]), np.float32)
    expected = [logits[0] > 0 for logits in logits_of(tracker, clip, [box], 4)]
    answer = begin(tracker, clip, box.tolist())
    for number in range(1, 5):
        reply = tracker.ask(image=clip.images()[number], shapes=[None], states=answer["states"])
        answer = reply.json()
        if expected[number].any():
            assert answer["shapes"] == [rectangle(expected[number])]


def test_several_objects_share_one_embedding(quick: dict[str, str], clip: Clip, monkeypatch: Any) -> None:
    worker, count = Function(quick), []
    original = worker.service.tracker.encode
    monkeypatch.setattr(worker.service.tracker, "encode", lambda picture: count.append(1) or original(picture))
    states = begin(worker, clip, *map(rectangle, clip.masks))["states"]
    worker.ask(image=clip.images()[1], states=states)
    assert len(count) == 2


def test_a_frame_may_be_asked_again(tracker: Function, clip: Clip) -> None:
    states = begin(tracker, clip, answer_shape("mask", clip.masks[0]))["states"]
    once, again = (tracker.ask(image=clip.images()[1], states=states).json() for _ in range(2))
    assert once["shapes"] == again["shapes"] and once["states"] != again["states"]
    follow = [tracker.ask(image=clip.images()[2], states=answer["states"]).json() for answer in (once, again)]
    assert follow[0]["shapes"] == follow[1]["shapes"]


def test_states_are_small_enough_to_travel(tracker: Function, clip: Clip) -> None:
    states = begin(tracker, clip, answer_shape("mask", clip.masks[0]))["states"]
    assert len(json.dumps(states[0])) < 200


def test_a_lost_track_begins_anew_with_the_last_box(quick: dict[str, str], clip: Clip) -> None:
    worker = Function(quick)
    states = begin(worker, clip, answer_shape("mask", clip.masks[0]))["states"]
    worker.service.tracks.clear()
    reply = worker.ask(image=clip.images()[1], shapes=[None], states=states)
    read_tracking(reply, "mask", *clip.size)
    fresh = begin(worker, Clip(clip.files[1:], clip.masks), states[0]["box"])
    expected = logits_of(worker, Clip(clip.files[1:], clip.masks), [np.array(states[0]["box"], np.float32)], 0)[0][0]
    assert reply.json()["shapes"] == [answer_shape("mask", expected > 0)]
    assert worker.service.health()["tracks"]["recovered"] == 1
    following = [worker.ask(image=clip.images()[2], states=s).json() for s in (reply.json()["states"], fresh["states"])]
    boxes = [None if shape is None else shape for shape in (following[0]["shapes"][0], following[1]["shapes"][0])]
    if boxes[0] is not None:
        assert following[0]["states"][0]["box"] == boxes[1], "the new track is as good as one that was begun there"


def test_two_workers_and_a_restart_share_tracks(quick: dict[str, str], clip: Clip, tmp_path: Path) -> None:
    alone = Function(quick)
    shared = {**quick, "CACHE_DIR": str(tmp_path)}
    workers = [Function(shared), Function(shared)]
    expected = begin(alone, clip, *(answer_shape("mask", mask) for mask in clip.masks))
    answer = begin(workers[0], clip, *(answer_shape("mask", mask) for mask in clip.masks))
    for number in range(1, 10):
        if number == 7:
            workers = [Function(shared)] * 2
        image = clip.images()[number]
        answer = workers[number % 2].ask(image=image, states=answer["states"]).json()
        expected = alone.ask(image=image, states=expected["states"]).json()
        assert answer["shapes"] == expected["shapes"]
    assert all(worker.service.health()["tracks"]["recovered"] == 0 for worker in workers)


def test_a_worker_in_another_process_goes_on_with_a_track(quick: dict[str, str], clip: Clip, tmp_path: Path) -> None:
    """As Nuclio's workers are: processes of their own that share nothing but the folder."""
    alone, here = Function(quick), Function({**quick, "CACHE_DIR": str(tmp_path)})
    shapes = [answer_shape("mask", mask) for mask in clip.masks]
    expected, answer = (begin(worker, clip, *shapes) for worker in (alone, here))
    for number, is_here in ((1, True), (2, False), (3, True)):
        request = {"image": clip.images()[number], "states": answer["states"]}
        if is_here:
            answer = here.ask(**request).json()
        else:
            answer = json.loads(ask_in_another_process({**quick, "CACHE_DIR": str(tmp_path)}, request))
        expected = alone.ask(image=request["image"], states=expected["states"]).json()
        assert answer["shapes"] == expected["shapes"]
    assert here.service.health()["tracks"]["recovered"] == 0


def test_another_model_or_damage_leaves_a_track_behind(quick: dict[str, str], clip: Clip, tmp_path: Path) -> None:
    shared = {**quick, "CACHE_DIR": str(tmp_path)}
    states = begin(Function(shared), clip, rectangle(clip.masks[0]))["states"]
    (file,) = (tmp_path / "tracks").glob("*.track")
    file.write_bytes(file.read_bytes()[:-9])
    worker = Function(shared)
    read_tracking(worker.ask(image=clip.images()[1], states=states), "points", *clip.size)
    assert worker.service.recovered == 1


def test_out_of_sight_is_null_and_a_rectangle_stays(tracker: Function, clip: Clip, monkeypatch: Any) -> None:
    forms = ["points", "rectangle", "polygon", "mask"]
    first = begin(tracker, clip, *(answer_shape(form, clip.masks[0]) for form in forms))
    monkeypatch.setattr(tracker.service.tracker, "_mask", lambda *_: np.zeros(clip.size, bool))
    answer = tracker.ask(image=clip.images()[1], states=first["states"]).json()
    box = rectangle(clip.masks[0])
    assert answer["shapes"] == [box, {"type": "rectangle", "points": box}, None, None]
    assert [state["box"] for state in answer["states"]] == [box] * 4


# What is refused.

TOKEN = {"token": "0" * 32, "form": "points", "box": [0, 0, 9, 9]}
WRONG: list[tuple[dict[str, Any], int, str]] = [
    ({}, 422, "shapes"),
    ({"shapes": 5}, 400, "shapes"),
    ({"shapes": [[1, 1, 9, 9]] * 100}, 413, "shapes"),
    ({"shapes": ["x"]}, 400, "shapes[0]"),
    ({"shapes": [None]}, 422, "shapes[0]"),
    ({"shapes": [[1, 1, 9]]}, 400, "shapes[0]"),
    ({"shapes": [[1, 1, 9, "9"]]}, 400, "shapes[0][3]"),
    ({"shapes": [[1, 1, 9, float("nan")]]}, 400, "shapes[0][3]"),
    ({"shapes": [[5, 5, 5, 9]]}, 422, "shapes[0]"),
    ({"shapes": [[900, 900, 950, 950]]}, 422, "shapes[0]"),
    ({"shapes": [{"type": "cuboid", "points": [1, 2, 3, 4]}]}, 400, "shapes[0].type"),
    ({"shapes": [{"type": "polygon", "points": [1, 2, 3, 4]}]}, 400, "shapes[0].points"),
    ({"shapes": [{"type": "polygon", "points": [900, 1, 950, 1, 950, 9]}]}, 422, "shapes[0].points"),
    ({"shapes": [{"type": "rectangle"}]}, 400, "shapes[0].points"),
    ({"shapes": [{"type": "mask", "points": [0, 4, 1, 1, 2, 3]}]}, 400, "shapes[0].points"),
    ({"shapes": [{"type": "mask", "points": [0, 1e12, 0, 0, 1e6, 1e6]}]}, 400, "shapes[0].points"),
    ({"shapes": [{"type": "mask", "points": [0, 1e12, 0, 0, 1e6 - 1, 1e6 - 1]}]}, 413, "shapes[0].points"),
    ({"shapes": [{"type": "mask", "points": [4, 1, 1, 2, 2]}]}, 422, "shapes[0].points"),
    ({"states": ["x"]}, 400, "states[0]"),
    ({"states": [{**TOKEN, "token": "../../etc/passwd"}]}, 400, "states[0].token"),
    ({"states": [{**TOKEN, "form": "x"}]}, 400, "states[0].form"),
    ({"states": [{**TOKEN, "box": [1]}]}, 400, "states[0].box"),
    ({"states": [TOKEN], "shapes": [None, None]}, 400, "states"),
    ({"states": [None]}, 422, "shapes[0]"),
]


@pytest.mark.parametrize(("body", "status", "field"), WRONG)
def test_wrong_requests_are_refused_by_name(
    tracker: Function, clip: Clip, body: dict[str, Any], status: int, field: str
) -> None:
    assert read_error(tracker.ask(image=clip.images()[0], **body)) == (status, field)


def test_pictures_are_checked_as_for_the_others(tracker: Function) -> None:
    body = {"shapes": [[1, 1, 9, 9]]}
    assert read_error(tracker.ask(**body)) == (400, "image")
    assert read_error(tracker.ask(image=base64.b64encode(b"no picture").decode(), **body)) == (415, "image")


# Where tracks are kept.


def track(length: int, start: int = 0) -> Track:
    return Track(tuple(Memory(start + i, torch.zeros(1, 8), torch.zeros(1, 256)) for i in range(length)))


def longer(old: Track) -> Track:
    return Track((*old.memories, *track(1, len(old.memories)).memories))


def test_tracks_stay_within_their_bound_and_share_memories() -> None:
    size = track(1).memories[0].nbytes
    tracks = Tracks(10 * size, 60, torch.device("cpu"), None, b"")
    last = track(1)
    token = tracks.put(last)
    for _ in range(8):
        last = longer(last)
        token = tracks.put(last, token)
        assert tracks.nbytes == size * len(last.memories) and len(tracks) == 2
    others = [tracks.put(track(1)) for _ in range(40)]
    assert tracks.nbytes <= tracks.max_bytes and tracks.get(others[-1]) is not None and tracks.get(token) is None
    tracks.clear()
    assert tracks.nbytes == 0 and not tracks._shares


def test_a_track_larger_than_the_bound_is_not_kept() -> None:
    tracks = Tracks(100, 60, torch.device("cpu"), None, b"")
    assert tracks.get(tracks.put(track(1))) is None and tracks.nbytes == 0


def test_tracks_expire(monkeypatch: Any, tmp_path: Path) -> None:
    files = BoundedFolder(tmp_path, ".track", 10**6, 60)
    tracks = Tracks(10**6, 60, torch.device("cpu"), files, b"")
    token = tracks.put(track(2))
    now, clock = time.monotonic(), time.time()
    monkeypatch.setattr("time.monotonic", lambda: now + 59)
    assert tracks.get(token) is not None, "and is used just now"
    monkeypatch.setattr("time.monotonic", lambda: now + 118)
    assert tracks.get(token) is not None
    monkeypatch.setattr("time.monotonic", lambda: now + 300)
    monkeypatch.setattr("time.time", lambda: clock + 300)
    assert tracks.get(token) is None and tracks.nbytes == 0 and not list(tmp_path.iterdir())


masks = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=30))


@given(masks)
def test_run_lengths_become_the_same_mask_again(mask: np.ndarray) -> None:
    shape = answer_shape("mask", mask)
    if shape is not None:
        again = Shape("mask", np.array(shape["points"], float), "shapes[0]")
        assert np.array_equal(again.mask(*mask.shape), mask)
        left, top, right, bottom = again.box(*mask.shape)
        assert mask[int(top) : int(bottom), int(left) : int(right)].sum() == mask.sum()


@given(st.integers(1, 40), st.integers(1, 40))
def test_a_polygon_is_filled_as_cvat_draws_it(width: int, height: int) -> None:
    mask = np.zeros((50, 60), bool)
    mask[3 : 3 + height, 4 : 4 + width] = True
    polygon = Shape("polygon", np.array([4, 3, 4 + width, 3, 4 + width, 3 + height, 4, 3 + height], float), "")
    assert np.abs(polygon.mask(50, 60).astype(int) - mask).sum() <= width + height + 1
