"""The module nuclio_builds, run as Ansible runs it, with a nuctl and a docker of the tests."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args
from ansible_collections.annotation.server.plugins.module_utils import (
    nuclio_builds,
    nuclio_cli,
    nuclio_images,
    nuclio_inputs,
    nuclio_trial,
)
from ansible_collections.annotation.server.plugins.modules import nuclio_builds as module
from ansible_collections.annotation.server.plugins.modules import nuclio_function
from nuclio_world import World

NAMES = ("sam1", "sam2")


def config(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"handler": "main:handler", "build": {"baseImage": "python:test"}}}


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "argv", ["module"])
    monkeypatch.setattr(basic.AnsibleModule, "_log_invocation", lambda self: None)
    monkeypatch.setattr(nuclio_trial, "answers", lambda address: True)
    for name in NAMES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "main.py").write_text("one")

    def call(main: Any, **arguments: Any) -> dict[str, Any]:
        with patch_module_args({"nuctl": "/opt/nuctl", **arguments}), pytest.raises(SystemExit):
            main()
        return json.loads(capsys.readouterr().out)

    return call


@pytest.fixture
def build(run, tmp_path: Path):
    def call(check: bool = False, **arguments: Any) -> dict[str, dict[str, Any]]:
        given = [{"name": n, "context": str(tmp_path / n), "config": config(n)} for n in NAMES]
        answer = run(module.main, functions=given, _ansible_check_mode=check, **arguments)
        return {outcome["name"]: outcome for outcome in answer["functions"]}

    return call


@pytest.fixture
def deploy(run, tmp_path: Path):
    def call(name: str, image: str) -> dict[str, Any]:
        given = {"name": name, "context": str(tmp_path / name), "config": config(name), "readiness_timeout": 1}
        return run(nuclio_function.main, image=image, **given)

    return call


def test_a_list_is_built_and_then_left_alone(build, deploy, world: World) -> None:
    first = build()
    assert [first[name]["reasons"] for name in NAMES] == [["it is not deployed yet"]] * 2
    assert len(world.calls("nuctl", "build")) == 2
    for name in NAMES:
        assert deploy(name, first[name]["image"])["steps"].keys() == {"switching", "loading"}
    world.set(calls=[])
    assert [build()[name]["needed"] for name in NAMES] == [False, False]
    assert not world.calls("nuctl", "build")
    assert len(world.calls("nuctl", "get")) == 2, "one look at all functions for each run"


def test_one_that_changed_is_built_alone(build, deploy, world: World, tmp_path: Path) -> None:
    for name, outcome in build().items():
        deploy(name, outcome["image"])
    (tmp_path / "sam1" / "main.py").write_text("two")
    world.set(calls=[])
    found = build()
    assert (found["sam1"]["reasons"], found["sam2"]["needed"]) == (["main.py changed"], False)
    assert [call[2] for call in world.calls("nuctl", "build")] == ["sam1"]


def test_what_is_built_but_not_deployed_is_not_built_again(build, world: World) -> None:
    first = build()
    world.set(calls=[])
    second = build()
    assert {name: outcome["image"] for name, outcome in second.items()} == {n: first[n]["image"] for n in NAMES}
    assert all(outcome["needed"] and not outcome["build"] for outcome in second.values())
    assert not world.calls("nuctl", "build")


def test_what_another_run_builds_meanwhile_is_taken(build, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    images = {name: outcome["image"] for name, outcome in build().items()}
    world.set(images={"python:test": "sha256:base"}, calls=[])

    @contextlib.contextmanager
    def wait_for_the_other(name: str) -> Iterator[None]:
        world.state["images"][images[name]] = "sha256:of-the-other"
        yield

    monkeypatch.setattr(nuclio_cli, "alone", wait_for_the_other)
    assert {name: outcome["image"] for name, outcome in build().items()} == images
    assert not world.calls("nuctl", "build")


def test_one_that_fails_does_not_stop_the_other(build, world: World, tmp_path: Path) -> None:
    world.set(fails_for="sam1")
    found = build()
    assert "pip install did not complete" in found["sam1"]["error"]
    assert found["sam2"]["image"] and not found["sam2"]["error"]


def test_a_base_image_that_cannot_be_pulled_is_told(build, world: World) -> None:
    world.set(images={})
    assert "python:test cannot be pulled" in build()["sam1"]["error"]


def test_check_mode_and_a_look_build_nothing(build, world: World) -> None:
    assert all(outcome["build"] for outcome in build(check=True).values())
    assert not world.calls("nuctl", "get")
    assert all(outcome["build"] for outcome in build(phase="look").values())
    assert not world.calls("nuctl", "build")


def test_what_only_stopped_is_started_and_not_built(build, deploy, world: World) -> None:
    for name, outcome in build().items():
        deploy(name, outcome["image"])
    world.state["containers"]["nuclio-nuclio-sam2"]["State"] = {"Running": False}
    found = build()["sam2"]
    assert (found["needed"], found["build"]) == (True, False)


def test_force_builds_everything(build, deploy, world: World) -> None:
    for name, outcome in build().items():
        deploy(name, outcome["image"])
    world.set(calls=[])
    assert all(outcome["build"] for outcome in build(force=True).values())
    assert len(world.calls("nuctl", "build")) == 2


def test_a_trial_that_was_left_is_noticed(build, deploy, world: World) -> None:
    for name, outcome in build().items():
        deploy(name, outcome["image"])
    containers = world.state["containers"]
    containers["nuclio-nuclio-sam2-trial"] = containers["nuclio-nuclio-sam2"]
    assert build()["sam2"]["reasons"] == ["a trial of it was left behind"]


def test_progress_is_written_while_something_is_built(
    build, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []

    def tell(name: str, *rest: object) -> str:
        told.append(name)
        return name

    monkeypatch.setattr(nuclio_builds, "progress_line", tell)
    monkeypatch.setattr(nuclio_builds, "_PROGRESS_SECONDS", 0.01)
    world.set(build_seconds=1)
    build(progress=str(tmp_path / "progress.json"), jobs=2)
    assert "sam2" in told
    # What stands there last depends on which build ended first.
    assert isinstance(json.loads((tmp_path / "progress.json").read_text()), list)


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("", "preparing"),
        ("Step 1/9 : FROM x\nStep 2/9 : RUN pip install torch\n ---> Running", "step 2 of 9: RUN pip install torch"),
        ("#5 [1/6] FROM x\n#9 [stage-1 4/6] RUN pip install\n#9 1.2 Collecting", "step 4 of 6: RUN pip install"),
    ],
)
def test_progress_tells_the_step(tmp_path: Path, log: str, words: str) -> None:
    (tmp_path / "log").write_text(log)
    line = nuclio_builds.progress_line("sam2", 0.0, str(tmp_path / "log"))
    assert line.startswith("sam2: ") and line.endswith(f" s, {words}")


def test_what_a_mirror_holds_ready_made_is_taken(build, world: World) -> None:
    images = {name: outcome["image"] for name, outcome in build().items()}
    registry = {f"m.lan/{image}": f"sha256:ready-{name}" for name, image in images.items()}
    world.set(images={"m.lan/python:test": "sha256:base", "python:test": "sha256:base"}, registry=registry, calls=[])
    taken = build(image_prefix="m.lan/")
    assert {name: outcome["image"] for name, outcome in taken.items()} == images
    assert not world.calls("nuctl", "build")
    assert set(world.state["images"]) == {"python:test", "m.lan/python:test", *images.values()}, "and by one name only"


def test_what_a_mirror_does_not_hold_is_built(build, world: World) -> None:
    assert build(image_prefix="m.lan/")["sam1"]["image"]
    assert len(world.calls("nuctl", "build")) == 2


def test_by_which_mirror_a_base_image_comes_changes_nothing(world: World) -> None:
    docker = nuclio_cli.Docker()
    world.set(images={"python:test": "sha256:base", "m.lan/python:test": "sha256:base", "other": "sha256:other"})
    plain, mirrored = config("sam2"), config("sam2")
    mirrored["spec"]["build"]["baseImage"] = "m.lan/python:test"
    assert nuclio_inputs.without_mirror(mirrored, "m.lan/") == nuclio_inputs.without_mirror(plain, "m.lan/") == plain
    assert nuclio_inputs.without_mirror(mirrored, "") == mirrored
    assert docker.image_content("python:test") == docker.image_content("m.lan/python:test")
    assert docker.image_content("python:test") != docker.image_content("other")
    assert docker.image_content("none") == ""


def test_an_image_below_that_a_mirror_holds_is_not_built(world: World, tmp_path: Path) -> None:
    builds = [{"name": name, "path": str(tmp_path / name)} for name in ("cvat.base", "cvat.model")]
    for build, text in zip(builds, ("FROM debian:13\n", "FROM cvat.base\n"), strict=True):
        Path(build["path"]).mkdir()
        Path(build["path"], "Dockerfile").write_text(text)
    docker = nuclio_cli.Docker()
    nuclio_images.ensure(builds, docker, "", 9, None)
    made = {b["name"]: docker.image_label(b["name"], nuclio_images.INPUTS_LABEL) for b in builds}
    names = {nuclio_images.made_name(name, total): name for name, total in made.items()}
    images, labels = world.state["images"], world.state["labels"]
    world.set(registry={f"m.lan/{there}": images[name] for there, name in names.items()}, images={}, calls=[])
    # What comes from a mirror brings its label along.
    labels |= {name: labels[name] for name in names.values()}
    nuclio_images.ensure(builds, docker, "m.lan/", 9, None)
    assert not world.calls("docker", "build")
    assert set(world.state["images"]) == {"cvat.base", "cvat.model"}
    assert not nuclio_images.pending(builds, docker)
