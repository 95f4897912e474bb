"""Warming up a task: what it needs is said first, and every frame is clicked once, through CVAT's API."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args
from ansible_collections.annotation.server.plugins.module_utils import warm_up
from ansible_collections.annotation.server.plugins.modules import cvat_warm_up
from cvat_server import HOST, FakeCvat
from hypothesis import given
from hypothesis import strategies as st

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def cvat() -> Iterator[FakeCvat]:
    server = FakeCvat()
    sizes = [{"width": 60, "height": 40, "name": "a.png"}, {"width": 30, "height": 20, "name": "b.png"}]
    server.tasks[12] = {"size": 2, "frames": sizes, "deleted_frames": []}
    server.tasks[13] = {"size": 50, "frames": sizes[:1], "deleted_frames": [3]}
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def run(cvat: FakeCvat, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(sys, "argv", ["cvat_warm_up"])
    monkeypatch.setattr(basic.AnsibleModule, "_log_invocation", lambda self: None)
    (tmp_path / "password").write_text("secret\n")

    def call(check: bool = False, **changes: Any) -> dict[str, Any]:
        arguments = {"task": 12, "url": cvat.url, "host": HOST, "password_file": str(tmp_path / "password")} | changes
        with patch_module_args({**arguments, "_ansible_check_mode": check}), pytest.raises(SystemExit):
            cvat_warm_up.main()
        out: dict[str, Any] = json.loads(capsys.readouterr().out)
        return out

    return call


def test_every_frame_is_clicked_once_in_its_middle(run: Run, cvat: FakeCvat) -> None:
    result = run()
    assert (result["changed"], result["count"]) == (False, 2)
    prompt = {"neg_points": [], "obj_bbox": [], "task": 12}
    assert cvat.bodies == [
        {**prompt, "frame": 0, "pos_points": [[30, 20]]},
        {**prompt, "frame": 1, "pos_points": [[15, 10]]},
    ]
    assert {path for method, path in cvat.seen if method == "POST"} == {"/api/auth/login", "/api/lambda/functions/sam2"}


def test_a_look_sends_no_prompt_and_says_what_is_needed(run: Run, cvat: FakeCvat) -> None:
    result = run(check=True, task=13, batch=20, environment={"CACHE_DIR": "/tmp/x", "CACHE_DIR_MIB": "2048"})
    assert cvat.bodies == []
    assert result["summary"] == "49 frames need 784 MiB on disk (16 MiB each). The function keeps 2048 MiB."
    assert result["fits"] is True
    assert result["batches"] == [
        {"frames": "0-20", "done": 0},
        {"frames": "21-40", "done": 20},
        {"frames": "41-49", "done": 40},
    ], "frame 3 is deleted"


def test_batches_cover_every_frame_once(run: Run, cvat: FakeCvat) -> None:
    for batch in run(check=True, task=13, batch=7)["batches"]:
        run(task=13, frames=batch["frames"])
    assert [body["frame"] for body in cvat.bodies] == [number for number in range(50) if number != 3]


@pytest.mark.parametrize(
    ("environment", "fits", "words"),
    [
        ({}, True, "not known"),
        ({"CACHE_MIB": "22"}, True, "22 MiB in memory"),
        ({"CACHE_MIB": "21"}, False, "Set CACHE_MIB to 22 in the"),
        ({"CACHE_DIR": "/x", "CACHE_DIR_MIB": "15"}, False, "Set CACHE_DIR_MIB to 16 in the"),
        ({"CACHE_DIR": " ", "CACHE_MIB": "1024"}, True, "in memory"),
    ],
)
def test_room(environment: dict[str, str], fits: bool, words: str) -> None:
    room = warm_up.room_for(1, 16, environment)
    assert room.fits is fits and words in room.summary + room.cure
    assert bool(room.cure) is not fits


@given(st.integers(1, 5000), st.integers(1, 64), st.integers(0, 100_000))
def test_what_the_cure_proposes_fits(count: int, each: int, kept: int) -> None:
    room = warm_up.room_for(count, each, {"CACHE_MIB": str(kept)})
    if not room.fits:
        proposed = int(room.cure.split(" to ")[1].split()[0])
        assert warm_up.room_for(count, each, {"CACHE_MIB": str(proposed)}).fits
        fewer = int(room.cure.split("frames=0-")[1].rstrip(".")) + 1
        assert kept < 2 * each or warm_up.room_for(fewer, each, {"CACHE_MIB": str(kept)}).fits


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"task": 99}, "CVAT has no task 99"),
        ({"frames": "x"}, "'x' is no range of frames"),
        ({"frames": "7-9"}, "has 2 frames, and none of them from 7"),
        ({"function": "absent"}, "Frame 0 of task 12: .*not found.*docker logs nuclio-nuclio-absent"),
        ({"password_file": "/nowhere"}, "/nowhere cannot be read .*--tags cvat"),
    ],
)
def test_what_is_wrong_is_named(run: Run, changes: dict[str, Any], words: str) -> None:
    result = run(**changes)
    assert result["failed"]
    assert re.search(words, result["msg"]), result["msg"]


def test_a_frame_that_fails_is_named(run: Run, cvat: FakeCvat) -> None:
    cvat.refuses[1] = "the picture is damaged"
    result = run()
    assert "Frame 1 of task 12" in result["msg"] and "the picture is damaged" in result["msg"]


def test_an_empty_task_is_named(run: Run, cvat: FakeCvat) -> None:
    cvat.tasks[14] = {"size": 0, "frames": [], "deleted_frames": []}
    assert "has 0 frames" in run(task=14)["msg"]
