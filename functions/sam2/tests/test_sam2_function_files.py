"""The files that Nuclio reads agree with the code and with each other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from segmenter.settings import Settings

NUCLIO = Path(__file__).resolve().parent.parent / "nuclio"
FILES = sorted(path.name for path in NUCLIO.glob("function*.yaml"))


def read(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((NUCLIO / name).read_text())
    return loaded


def environment(name: str) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in read(name)["spec"]["env"]}


@pytest.mark.parametrize("name", FILES)
def test_settings_are_understood(name: str) -> None:
    settings = Settings.from_environment(environment(name))
    annotations = read(name)["metadata"]["annotations"]
    assert settings.kind == annotations["type"]
    assert settings.model.removeprefix("sam2.1_hiera_")[0] == settings.model_cfg.removesuffix(".yaml")[-1]
    assert ("cuda" in settings.device) == name.endswith("-gpu.yaml")
    if settings.kind == "detector":
        assert [label["name"] for label in json.loads(annotations["spec"])] == [settings.label]
    elif settings.kind == "tracker":
        # CVAT's sidebar offers trackers of rectangles only.
        assert "rectangle" in annotations["supported_shape_types"].split(",")
    else:
        assert annotations["min_pos_points"] == "1" and int(annotations["version"]) >= 2


@pytest.mark.parametrize("name", FILES)
def test_functions_survive_a_reboot_and_take_large_pictures(name: str) -> None:
    spec = read(name)["spec"]
    trigger = spec["triggers"]["http"]
    assert spec["platform"]["attributes"]["restartPolicy"]["name"] == "always"
    assert trigger["attributes"]["disablePortPublishing"] is True
    assert trigger["attributes"]["maxRequestBodySize"] >= 32 * 1024**2
    assert all(isinstance(entry["value"], str) for entry in spec["env"])


@pytest.mark.parametrize("name", FILES)
def test_packages_are_installed_before_the_handler_is_copied(name: str) -> None:
    steps = [(step["kind"], step["value"]) for step in read(name)["spec"]["build"]["directives"]["preCopy"]]
    assert ("COPY", "handler/build /opt/build") in steps and ("RUN", "sh /opt/build/install.sh") in steps
    names = [value.partition("=")[0] for kind, value in steps if kind == "ARG"]
    assert names == ["PIP_INDEX_URL", "TORCH_INDEX_URL"]


def test_every_requirement_is_pinned() -> None:
    lines = [line for file in (NUCLIO / "build").glob("requirements*.txt") for line in file.read_text().splitlines()]
    packages = [line for line in lines if line and not line.startswith("#")]
    assert packages and all("==" in line for line in packages)
