"""What is known about deployed functions, read from a store and a docker of the tests; and the table of it."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args
from ansible_collections.annotation.server.plugins.filter import nuclio
from ansible_collections.annotation.server.plugins.module_utils import docker_times, nuclio_info
from ansible_collections.annotation.server.plugins.modules import nuclio_functions_info
from nuclio_world import HEALTH, World, store

HASH = "0123456789abcdef" * 4


def record(name: str, state: str = "ready", project: str = "cvat", **spec: Any) -> dict[str, Any]:
    annotations = {"name": name.title(), "annotation-server/content-hash": HASH}
    metadata = {"name": name, "annotations": annotations, "labels": {"nuclio.io/project-name": project}}
    return {"metadata": metadata, "spec": spec, "status": {"state": state, "message": "one\nnot ready in time"}}


def container(running: bool = True) -> dict[str, Any]:
    created = (datetime.now(timezone.utc) - timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M:%S.123456789Z")
    return {
        "Image": "sha256:one",
        "Created": created,
        "RestartCount": 2,
        "State": {**HEALTH, "Running": running},
        "Config": {"Image": "annotation-server/sam2/0123"},
    }


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str], world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "argv", ["module"])
    monkeypatch.setattr(basic.AnsibleModule, "_log_invocation", lambda self: None)
    world.set(store=str(tmp_path), images={"sha256:one": "sha256:one"}, sizes={"sha256:one": 2_340_000_000})

    def call(*records: dict[str, Any]) -> list[dict[str, Any]]:
        for each in records:
            store(tmp_path, "functions", each["metadata"]["name"], each)
        with patch_module_args({"logs": str(tmp_path / "logs")}), pytest.raises(SystemExit):
            nuclio_functions_info.main()
        answer: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["functions"]
        return answer

    return call


def test_a_function_that_serves(ask, world: World) -> None:
    world.set(containers={"nuclio-nuclio-sam2": container()})
    (found,) = ask(record("sam2", resources={"limits": {"nvidia.com/gpu": "1"}}), record("other", project="default"))
    assert 3 * 3600 - 1 <= found.pop("age_seconds") < 3 * 3600 + 60
    assert found == {
        "name": "sam2", "title": "Sam2", "state": "ready", "version": "01234567", "device": "gpu",
        "image": "annotation-server/sam2/0123", "image_bytes": 2_340_000_000, "restarts": 2,
        "error": "",
    }  # fmt: skip
    assert {call[2] for call in world.calls("docker")} == {"inspect"}
    assert not world.calls("nuctl")


def test_a_function_whose_container_stands_still(ask, world: World) -> None:
    world.set(containers={"nuclio-nuclio-sam2": container(running=False)})
    (found,) = ask(record("sam2"))
    assert (found["state"], found["device"], found["error"]) == ("not running", "cpu", "one\nnot ready in time")


def test_the_error_of_a_deploy_that_failed_is_told_until_one_goes_well(ask, world: World, tmp_path: Path) -> None:
    world.set(containers={"nuclio-nuclio-sam2": container()})
    log = str(tmp_path / "logs" / "sam2.log")
    nuclio_info.remember_error(log, "it failed while trying.")
    assert ask(record("sam2"))[0]["error"] == "it failed while trying."
    nuclio_info.remember_error(log, "")
    assert ask(record("sam2"))[0]["error"] == ""


def test_the_table() -> None:
    known = {
        "name": "sam2", "state": "ready", "version": "01234567", "device": "gpu", "image_bytes": 2_340_000_000,
        "age_seconds": 3 * 86400 + 5, "restarts": 0, "error": "",
    }  # fmt: skip
    lines = nuclio.nuclio_table([known, {**known, "name": "yolov3", "version": "", "error": "one\ntwo"}])
    assert lines == [
        "function  state  version   device  image    age  restarts",
        "sam2      ready  01234567  gpu     2.34 GB  3 d  0",
        "yolov3    ready  -         gpu     2.34 GB  3 d  0",
        "yolov3, last error:",
        "    one",
        "    two",
    ]
    assert nuclio.nuclio_table([]) == ["No function is deployed."]


def test_times_as_docker_writes_them() -> None:
    assert docker_times.moment("2026-11-23T10:00:00.5Z") == docker_times.moment("2026-11-23T11:00:00.500000001+01:00")
    with pytest.raises(ValueError, match="not a time"):
        docker_times.moment("yesterday")
    assert docker_times.age("") == 0
