"""What can be deployed by name alone: every entry leads to files that exist and agree with it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.annotation.server.plugins.filter import nuclio
from ansible_collections.annotation.server.plugins.plugin_utils import function_config

ROOT = Path(__file__).resolve().parents[2]
VARS = yaml.safe_load((ROOT / "roles/nuclio_functions/vars/main.yml").read_text())
CHECKPOINTS = VARS["__nuclio_functions_sam2_checkpoints"]
SETTINGS = {"network": "cvat_cvat", "image_prefix": "m:5000/", "max_body_bytes": 67108864}


def catalogue() -> dict[str, Any]:
    """Return the catalogue with its checkpoints filled in, as Ansible does."""
    entries: dict[str, Any] = yaml.safe_load(yaml.safe_dump(VARS["__nuclio_functions_catalogue"]))
    for options in (entry[device] for entry in entries.values() for device in ("cpu", "gpu") if device in entry):
        if "checkpoint" in options:
            (name,) = re.findall(r"^{{ __nuclio_functions_sam2_checkpoints\.(\w+) }}$", options["checkpoint"])
            options["checkpoint"] = CHECKPOINTS[name]
    return entries


CATALOGUE = catalogue()
# The others come with CVAT; their files are not here.
OWN = [name for name, options in CATALOGUE.items() if not options["source"].startswith("cvat:")]
CASES = [(name, gpu) for name in OWN for gpu in (False, True)]


def entry(name: str, gpu: bool) -> dict[str, Any]:
    (resolved,) = nuclio.nuclio_resolve([{"name": name}], CATALOGUE, gpu)
    return resolved


def configuration(function: dict[str, Any]) -> dict[str, Any]:
    path = ROOT / "functions" / function["source"] / function["config_file"]
    loaded: dict[str, Any] = yaml.safe_load(path.read_text())
    return loaded


def test_a_name_is_enough_for_all_three() -> None:
    names = ["sam2", "sam2-auto", "sam2-tracker"]
    found = nuclio.nuclio_resolve([{"name": name} for name in names], CATALOGUE, gpu=False)
    assert [function["id"] for function in found] == names
    kinds = [configuration(function)["metadata"]["annotations"]["type"] for function in found]
    assert kinds == ["interactor", "detector", "tracker"]


@pytest.mark.parametrize(("name", "gpu"), CASES)
def test_files_exist_and_nothing_is_wrong(name: str, gpu: bool) -> None:
    function = entry(name, gpu)
    assert function["skip"] == ""
    assert nuclio.nuclio_problems([function], str(ROOT / "functions"), "") == []


@pytest.mark.parametrize(("name", "gpu"), CASES)
def test_configuration_and_entry_agree(name: str, gpu: bool) -> None:
    function = entry(name, gpu)
    config = configuration(function)
    assert config["metadata"]["name"] == name
    environment = {item["name"]: item["value"] for item in config["spec"]["env"]}
    assert environment["MODEL"] == Path(function["checkpoint"]["dest"]).name
    assert (environment["DEVICE"] == "cuda") == gpu
    assert config["spec"]["build"]["image"] == f"cvat.{name}"
    assert ("nvidia.com/gpu" in config["spec"].get("resources", {}).get("limits", {})) == gpu


@pytest.mark.parametrize(("name", "gpu"), CASES)
def test_settings_of_the_server_are_laid_over_it(name: str, gpu: bool) -> None:
    function = entry(name, gpu)
    final = function_config.nuclio_config(configuration(function), function, SETTINGS)
    assert final["spec"]["build"]["baseImage"].startswith("m:5000/")
    assert final["spec"]["platform"]["attributes"]["network"] == "cvat_cvat"


def test_every_entry_is_a_tag() -> None:
    (play,) = yaml.safe_load((ROOT / "playbooks/models.yml").read_text())
    assert set(CATALOGUE) <= set(play["tags"])


def test_layers_are_shared() -> None:
    """A second kind of sam2 builds in seconds only if its steps are those of the first, word for word."""
    for gpu in (False, True):
        steps = [configuration(entry(name, gpu))["spec"]["build"]["directives"] for name in OWN]
        assert all(step == steps[0] for step in steps)
