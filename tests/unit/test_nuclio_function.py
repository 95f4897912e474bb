"""The modules nuclio_function and nuclio_project, run as Ansible runs them, with a nuctl and a docker of the tests."""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args
from ansible_collections.annotation.server.plugins.module_utils import (
    nuclio_cli,
    nuclio_deployment,
    nuclio_images,
    nuclio_inputs,
    nuclio_trial,
)
from ansible_collections.annotation.server.plugins.modules import nuclio_function, nuclio_project
from nuclio_world import World, store

CONFIG = {"metadata": {"name": "sam2"}, "spec": {"handler": "main:handler", "build": {"baseImage": "python:test"}}}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["module"])
    monkeypatch.setattr(basic.AnsibleModule, "_log_invocation", lambda self: None)
    monkeypatch.setattr(nuclio_deployment, "_POLL_SECONDS", 0.01)
    monkeypatch.setattr(nuclio_trial, "answers", lambda address: True)


@pytest.fixture
def deploy(capsys: pytest.CaptureFixture[str], world: World, tmp_path: Path):
    context = tmp_path / "context"
    context.mkdir()
    (context / "main.py").write_text("one")

    def call(check: bool = False, **arguments: Any) -> dict[str, Any]:
        given = {"name": "sam2", "nuctl": "/opt/nuctl", "readiness_timeout": 1, **arguments}
        if given.get("state") != "absent":
            given = {"context": str(context), "config": CONFIG, **given}
        with (
            patch_module_args({**given, "_ansible_check_mode": check, "_ansible_diff": True}),
            pytest.raises(SystemExit),
        ):
            nuclio_function.main()
        return json.loads(capsys.readouterr().out)

    return call


def test_deployed_once_and_left_alone_ever_after(deploy, world: World) -> None:
    first = deploy()
    assert (first["changed"], first["action"], first["reasons"]) == (True, "deployed", ["it is not deployed yet"])
    world.set(calls=[])
    second = deploy()
    assert (second["changed"], second["action"], second["hash"]) == (False, "none", first["hash"])
    assert not world.calls("nuctl", "deploy")


def test_nuctl_is_told_platform_project_and_namespace(deploy, world: World) -> None:
    deploy()
    (call,) = world.calls("nuctl", "deploy")
    for words in (["--platform", "local"], ["--namespace", "nuclio"], ["--project-name", "cvat"]):
        assert call[call.index(words[0]) + 1] == words[1]
    assert world.state["functions"]["sam2"]["metadata"]["namespace"] == "nuclio"


def test_each_input_leads_to_a_new_deploy(deploy, world: World, tmp_path: Path) -> None:
    deploy()
    (tmp_path / "context" / "main.py").write_text("two")
    assert deploy()["reasons"] == ["main.py changed"]
    changed: dict[str, Any] = copy.deepcopy(CONFIG)
    changed["spec"]["env"] = [{"name": "A", "value": "B"}]
    assert deploy(config=changed)["reasons"] == ["its configuration changed"]
    world.set(version="1.16.4")
    assert deploy(config=changed)["reasons"] == ["nuctl is 1.16.4 instead of 1.16.3"]
    world.set(images={"python:test": "sha256:newer"})
    assert deploy(config=changed)["reasons"] == ["its base image changed"]
    assert deploy(config=changed, force=True)["reasons"] == ["it was asked for"]
    assert not deploy(config=changed)["changed"]


def test_a_missing_base_image_is_pulled_and_counts(deploy, world: World) -> None:
    world.set(images={}, registry={"python:test": "sha256:pulled"})
    assert deploy()["changed"]
    assert not deploy()["changed"]
    assert len(world.calls("docker", "pull")) == 1


def test_a_base_image_that_nobody_has_ends_before_anything_changed(deploy, world: World) -> None:
    world.set(images={})
    answer = deploy()
    assert answer["failed"]
    assert "python:test cannot be pulled" in answer["msg"]
    assert not world.calls("nuctl", "deploy")


def test_check_mode_calls_nothing_that_changes_things(deploy, world: World) -> None:
    answer = deploy(check=True)
    assert (answer["changed"], answer["action"]) == (True, "deployed")
    assert "state: absent" in answer["diff"]["before"]
    assert {call[1] for call in world.calls("nuctl")} == {"version"}
    assert {call[2] for call in world.calls("docker")} == {"inspect"}


def test_check_mode_on_a_bare_host(deploy, world: World) -> None:
    world.bare = True
    answer = deploy(check=True, context="/nowhere", files={"main.py": "0" * 64})
    assert (answer["changed"], answer["reasons"]) == (True, ["it is not deployed yet"])


def test_check_mode_reads_the_store(deploy, world: World, tmp_path: Path) -> None:
    deploy()
    store(tmp_path / "volume", "functions", "sam2", world.state["functions"]["sam2"])
    world.set(store=str(tmp_path / "volume"))
    assert not deploy(check=True)["changed"]
    (tmp_path / "context" / "main.py").write_text("two")
    assert deploy(check=True)["reasons"] == ["main.py changed"]


def test_a_killed_deploy_is_cleared_away(deploy, world: World) -> None:
    world.set(hangs=True)
    assert deploy()["failed"]
    world.set(hangs=False)
    answer = deploy()
    assert answer["reasons"] == ["an earlier deploy did not end (state building)"]
    assert "--force" in world.calls("nuctl", "delete")[0]
    assert world.state_of("sam2") == "ready"


def test_what_a_killed_deploy_was_doing_is_ended(deploy, world: World) -> None:
    world.set(hangs=True)
    assert deploy()["failed"]
    world.set(hangs=False, helpers=["eager_curie"])
    assert deploy()["changed"]
    assert world.calls("docker", "container", "rm") == [["docker", "container", "rm", "--force", "eager_curie"]]
    assert world.state_of("sam2") == "ready"


def test_a_failed_first_build_says_so(deploy, world: World) -> None:
    world.set(build_fails=True)
    answer = deploy()
    assert answer["failed"]
    assert "pip install did not complete" in answer["msg"]
    assert "It did not serve before and does not now." in answer["msg"]


def container_of(world: World, name: str = "sam2") -> dict[str, Any]:
    return world.state["containers"][f"nuclio-nuclio-{name}"]


@pytest.mark.parametrize(("fails", "step"), [("build_fails", "building"), ("start_fails", "trying")])
def test_what_fails_beside_it_does_not_touch_what_serves(
    deploy, world: World, tmp_path: Path, fails: str, step: str
) -> None:
    deploy()
    before = container_of(world)
    (tmp_path / "context" / "main.py").write_text("two")
    world.set(**{fails: True}, calls=[])
    answer = deploy()
    assert f"it failed while {step}." in answer["msg"]
    assert "The version that served before was not touched and goes on serving." in answer["msg"]
    assert container_of(world) is before
    assert not world.calls("nuctl", "deploy", "sam2")
    assert list(world.state["functions"]) == ["sam2"]
    (tmp_path / "context" / "main.py").write_text("three")
    world.set(**{fails: False})
    assert deploy()["action"] == "redeployed"


def test_the_old_version_serves_again(deploy, world: World, tmp_path: Path) -> None:
    labelled: dict[str, Any] = {
        **CONFIG,
        "metadata": {"labels": {"team": "roads"}, "annotations": {"type": "detector"}},
    }
    deploy(config=labelled)
    before = container_of(world)
    (tmp_path / "context" / "main.py").write_text("two")
    world.set(switch_fails=["sam2"])
    # The previous version starts again, because only the new one fails there.
    real = nuclio_deployment.Function.restore

    def restore(function: nuclio_deployment.Function, *arguments: Any) -> bool:
        world.set(switch_fails=[])
        return real(function, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nuclio_deployment.Function, "restore", restore)
        answer = deploy()
    assert "it failed while switching. The version that served before serves again." in answer["msg"]
    assert container_of(world)["Image"] == before["Image"]
    assert world.state_of("sam2") == "ready"
    metadata = world.state["functions"]["sam2"]["metadata"]
    assert (metadata["labels"]["team"], metadata["annotations"]["type"]) == ("roads", "detector")
    assert deploy()["action"] == "redeployed"


def test_a_new_version_is_tried_beside_the_old_one(deploy, world: World, tmp_path: Path) -> None:
    assert set(deploy()["steps"]) == {"building", "switching", "loading"}
    (tmp_path / "context" / "main.py").write_text("two")
    world.set(calls=[])
    changed: dict[str, Any] = copy.deepcopy(CONFIG)
    changed["spec"]["triggers"] = {"http": WITH_PORT}
    answer = deploy(config=changed)
    assert list(answer["steps"]) == ["building", "trying", "switching", "loading"]
    assert answer["steps"]["loading"] == 2.5
    done = [call[1:3] for call in world.calls("nuctl") if call[1] in ("build", "deploy", "delete")]
    assert done == [["build", "sam2"], ["deploy", "sam2-trial"], ["delete", "function"], ["deploy", "sam2"]]
    (trial, _) = world.calls("nuctl", "deploy")
    assert trial[trial.index("--project-name") + 1] == "default"
    assert list(world.state["functions"]) == ["sam2"] and list(world.state["containers"]) == ["nuclio-nuclio-sam2"]


WITH_PORT = {"kind": "http", "attributes": {"port": 32001, "maxRequestBodySize": 9}}


def test_a_trial_takes_nothing_from_the_one_that_serves() -> None:
    given: dict[str, Any] = {
        "metadata": {"annotations": {"type": "detector"}},
        "spec": {"triggers": {"http": WITH_PORT}},
    }
    config = nuclio_trial.trial_config(given, "sam2")
    assert config["spec"]["triggers"]["http"]["attributes"] == {"maxRequestBodySize": 9, "disablePortPublishing": True}
    assert config["spec"]["platform"]["attributes"]["restartPolicy"] == {"name": "no"}
    assert config["metadata"] == {"annotations": {"annotation-server/trial-of": "sam2"}}
    assert given["spec"]["triggers"]["http"] == WITH_PORT
    assert len(nuclio_trial.trial_name("x" * 63)) == 63


def test_what_is_ready_but_does_not_answer_is_not_taken(
    deploy, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy()
    (tmp_path / "context" / "main.py").write_text("two")
    monkeypatch.setattr(nuclio_trial, "answers", lambda address: False)
    assert "answers no request" in deploy()["msg"]
    assert len(world.calls("nuctl", "deploy", "sam2")) == 1


def test_without_a_trial_it_is_switched_at_once(deploy, world: World, tmp_path: Path) -> None:
    deploy()
    (tmp_path / "context" / "main.py").write_text("two")
    assert set(deploy(trial=False)["steps"]) == {"building", "switching", "loading"}


def test_a_trial_that_was_left_is_taken_away(deploy, world: World) -> None:
    deploy()
    left = {"metadata": {"annotations": {"annotation-server/trial-of": "sam2"}}, "status": {"state": "building"}}
    world.state["functions"]["sam2-trial"] = left
    world.state["containers"]["nuclio-nuclio-sam2-trial"] = container_of(world)
    assert not deploy()["changed"]
    assert list(world.state["functions"]) == ["sam2"]


def test_a_function_that_only_looks_like_a_trial_is_left_alone(deploy, world: World, tmp_path: Path) -> None:
    deploy()
    deploy(name="sam2-trial")
    (tmp_path / "context" / "main.py").write_text("two")
    assert "it was not made for that" in deploy()["msg"]
    assert set(world.state["functions"]) == {"sam2", "sam2-trial"}


def test_what_is_built_is_not_built_again(deploy, world: World, tmp_path: Path) -> None:
    deploy()
    (tmp_path / "context" / "main.py").write_text("two")
    deploy()
    (tmp_path / "context" / "main.py").write_text("one")
    world.set(calls=[])
    assert "building" not in deploy()["steps"]
    assert not world.calls("nuctl", "build")
    assert "building" in deploy(force=True)["steps"]


def test_images_say_that_they_were_made_here(deploy, world: World) -> None:
    answer = deploy()
    name = f"annotation-server/sam2/{answer['hash'][:16]}"
    assert world.state["labels"][name] == {"annotation-server.made": "function", "annotation-server.function": "sam2"}


def test_old_images_are_removed_but_for_one(deploy, world: World, tmp_path: Path) -> None:
    names = []
    for text in ("one", "two", "three"):
        (tmp_path / "context" / "main.py").write_text(text)
        answer = deploy()
        names.append(f"annotation-server/sam2/{answer['hash'][:16]}")
    assert answer["removed_images"] == names[:1]
    assert [name for name in world.state["images"] if name.startswith("annotation-server/")] == names[1:]


def test_an_image_that_runs_is_kept_however_old_it_is(deploy, world: World, tmp_path: Path) -> None:
    for text in ("one", "two", "one"):
        (tmp_path / "context" / "main.py").write_text(text)
        answer = deploy(old_images=0)
    assert f"annotation-server/sam2/{answer['hash'][:16]}" in world.state["images"]


def test_a_failed_start_shows_what_the_function_said(deploy, world: World) -> None:
    world.set(start_fails=True)
    assert "\nModuleNotFoundError: No module named 'torch'" in deploy()["msg"]


def test_a_stopped_function_is_started_not_built(deploy, world: World) -> None:
    deploy()
    containers = world.state["containers"]
    containers["nuclio-nuclio-sam2"]["State"]["Running"] = False
    world.set(containers=containers, calls=[])
    assert deploy()["action"] == "started"
    assert not world.calls("nuctl", "deploy")


def test_a_function_without_container_is_built_again(deploy, world: World) -> None:
    deploy()
    world.set(containers={})
    assert deploy()["reasons"] == ["it is ready, its container does not run"]


def test_removed_once(deploy, world: World) -> None:
    deploy()
    assert deploy(state="absent")["action"] == "removed"
    assert not deploy(state="absent")["changed"]
    assert world.state["functions"] == {}


def test_a_project_is_created_once_and_its_functions_are_told(
    deploy,
    world: World,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def project(check: bool = False) -> dict[str, Any]:
        given = {
            "nuctl": "/opt/nuctl",
            "helper_images": [{"name": "gcr.io/iguazio/alpine:3.20", "source": "alpine:3.20"}],
            "_ansible_check_mode": check,
        }
        with patch_module_args(given), pytest.raises(SystemExit):
            nuclio_project.main()
        return json.loads(capsys.readouterr().out)

    world.set(registry={"alpine:3.20": "sha256:alpine"})
    assert project(check=True)["changed"]
    first = project()
    assert (first["changed"], first["pulled"]) == (True, ["gcr.io/iguazio/alpine:3.20"])
    deploy()
    second = project()
    assert not second["changed"]
    assert second["functions"] == [{"name": "sam2", "state": "ready", "managed": True}]


def test_answers_of_nuctl_are_read_whatever_stands_around_them() -> None:
    text = 'log {"name": "x"}\n{"metadata": {"name": "a"}}\n{"metadata": {"name": "b"}}\n[{"metadata": {"name": "c"}}]'
    assert [item["metadata"]["name"] for item in nuclio_cli.documents(text)] == ["a", "b", "c"]
    assert nuclio_cli.documents("No functions found\n") == []


def test_the_version_of_nuctl() -> None:
    assert nuclio_cli.version('Client version:\n"Label: 1.16.3, Git commit: 1234, OS: linux"') == "1.16.3"
    assert nuclio_cli.version("unknown") == ""


def test_a_command_that_takes_too_long_is_ended() -> None:
    with pytest.raises(nuclio_cli.NuclioError, match="longer than 0 s"):
        nuclio_cli.run(["sleep", "60"], timeout=0.2)


def test_a_hopeless_command_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nuclio_cli, "_ASK_SECONDS", 0.05)
    with pytest.raises(nuclio_cli.NuclioError, match="it ended every time"):
        nuclio_cli.run(["sleep", "60"], hopeless=lambda: "it ended every time")


def test_a_deploy_of_somebody_else_is_seen(tmp_path: Path) -> None:
    for pid, words in (
        ("11", ["nuctl", "deploy", "sam2"]),
        ("12", ["nuctl", "deploy", "sam1"]),
        ("13", ["vi", "sam2"]),
    ):
        (tmp_path / pid).mkdir()
        (tmp_path / pid / "cmdline").write_bytes("\0".join(words).encode())
    assert nuclio_cli.deploys_under_way("sam2", tmp_path) == [11]


def test_the_annotations_are_part_of_the_deployed_configuration(deploy, world: World) -> None:
    answer = deploy(config={**CONFIG, "metadata": {"name": "sam2", "annotations": {"type": "interactor"}}})
    annotations = world.state["functions"]["sam2"]["metadata"]["annotations"]
    assert annotations["type"] == "interactor"
    assert annotations[nuclio_inputs.HASH_ANNOTATION] == answer["hash"]


ON_NETWORK = {
    "metadata": {"name": "sam2"},
    "spec": {"handler": "main:handler", "platform": {"attributes": {"network": "cvat_cvat"}}},
}


def address(world: World) -> Any:
    return world.state["containers"]["nuclio-nuclio-sam2"]["NetworkSettings"]["Networks"]["cvat_cvat"]["IPAMConfig"]


def test_the_address_that_nuclio_remembers_is_the_functions_own(deploy, world: World) -> None:
    deploy(config=ON_NETWORK)
    assert address(world) == {"IPv4Address": "172.20.0.128"}
    assert not deploy(config=ON_NETWORK)["changed"]


def test_a_function_without_an_address_of_its_own_gets_it(deploy, world: World) -> None:
    deploy(config=ON_NETWORK)
    world.state["containers"]["nuclio-nuclio-sam2"]["NetworkSettings"]["Networks"]["cvat_cvat"] = {"IPAMConfig": None}
    answer = deploy(config=ON_NETWORK)
    assert (answer["changed"], answer["action"]) == (True, "readdressed")
    assert address(world) == {"IPv4Address": "172.20.0.128"}
    assert len(world.calls("nuctl", "deploy")) == 1


def test_a_function_whose_address_another_has_is_deployed_again(deploy, world: World) -> None:
    deploy(config=ON_NETWORK)
    world.state["containers"]["nuclio-nuclio-sam2"]["NetworkSettings"]["Networks"]["cvat_cvat"] = {"IPAMConfig": None}
    world.set(taken=["172.20.0.128"], next_address="172.20.0.129")
    answer = deploy(config=ON_NETWORK)
    assert answer["reasons"] == ["another container has its address"]
    assert address(world) == {"IPv4Address": "172.20.0.129"}


def test_check_mode_leaves_addresses_alone(deploy, world: World, tmp_path: Path) -> None:
    deploy(config=ON_NETWORK)
    world.state["containers"]["nuclio-nuclio-sam2"]["NetworkSettings"]["Networks"]["cvat_cvat"] = {"IPAMConfig": None}
    store(tmp_path / "volume", "functions", "sam2", world.state["functions"]["sam2"])
    world.set(store=str(tmp_path / "volume"))
    assert deploy(check=True, config=ON_NETWORK)["action"] == "readdressed"
    assert address(world) is None


@pytest.fixture
def bases(tmp_path: Path) -> list[dict[str, str]]:
    """Two folders whose images stand on each other, as CVAT's."""
    for name, text in (("base", "FROM debian:13\n"), ("model", "FROM cvat.base\nRUN true\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "Dockerfile").write_text(text)
    return [
        {"name": "cvat.base", "path": str(tmp_path / "base")},
        {"name": "cvat.model", "path": str(tmp_path / "model")},
    ]


OWN_BASE = {"metadata": {"name": "sam2"}, "spec": {"handler": "main:handler", "build": {"baseImage": "cvat.model"}}}


def test_base_images_are_built_once_and_in_order(deploy, world: World, bases: list[dict[str, str]]) -> None:
    assert deploy(builds=bases, config=OWN_BASE)["action"] == "deployed"
    assert [call[call.index("--tag") + 1] for call in world.calls("docker", "build")] == ["cvat.base", "cvat.model"]
    assert not world.calls("docker", "pull")
    world.set(calls=[])
    assert not deploy(builds=bases, config=OWN_BASE)["changed"]
    assert not world.calls("docker", "build")


def test_a_change_below_builds_what_stands_on_it(deploy, world: World, bases: list[dict[str, str]]) -> None:
    deploy(builds=bases, config=OWN_BASE)
    world.set(calls=[])
    Path(bases[0]["path"], "Dockerfile").write_text("FROM debian:13\nRUN true\n")
    assert deploy(builds=bases, config=OWN_BASE)["reasons"] == ["its base image changed"]
    assert len(world.calls("docker", "build")) == 2
    world.set(calls=[])
    Path(bases[1]["path"], "more.txt").write_text("more")
    deploy(builds=bases, config=OWN_BASE)
    assert len(world.calls("docker", "build")) == 1


def test_check_mode_builds_no_base_image(deploy, world: World, bases: list[dict[str, str]]) -> None:
    assert deploy(check=True, builds=bases, config=OWN_BASE)["changed"]
    assert not world.calls("docker", "build")


def test_base_images_that_do_not_build_say_why(deploy, world: World, bases: list[dict[str, str]]) -> None:
    Path(bases[1]["path"], "Dockerfile").write_text("FROM cvat.base\nRUN false\n")
    answer = deploy(builds=bases, config=OWN_BASE)
    assert answer["failed"] and "cvat.model does not build" in answer["msg"] and "non-zero code" in answer["msg"]
    Path(bases[0]["path"], "Dockerfile").unlink()
    assert "Does this CVAT release make it in another way?" in deploy(builds=bases, config=OWN_BASE)["msg"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("FROM debian:13", "FROM m:5000/debian:13"),
        ("FROM --platform=linux/amd64 debian:13 AS first", "FROM --platform=linux/amd64 m:5000/debian:13 AS first"),
        ("from debian:13 as first", "from m:5000/debian:13 as first"),
        ("FROM cvat.base", "FROM cvat.base"),
        ("FROM scratch", "FROM scratch"),
        ("FROM m:5000/debian:13", "FROM m:5000/debian:13"),
        ("FROM $BASE", "FROM $BASE"),
        ("RUN echo FROM debian:13", "RUN echo FROM debian:13"),
    ],
)
def test_a_mirror_stands_before_what_an_image_starts_from(line: str, expected: str) -> None:
    assert nuclio_images.with_prefix(line, "m:5000/", ["cvat.base"]) == f"{expected}\n"
    assert nuclio_images.with_prefix(line, "", []) == f"{line}\n"


def test_a_stage_of_the_same_file_has_no_mirror() -> None:
    text = "FROM debian:13 AS first\nFROM first\n"
    assert nuclio_images.with_prefix(text, "m/", []) == "FROM m/debian:13 AS first\nFROM first\n"
