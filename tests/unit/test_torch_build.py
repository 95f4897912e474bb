"""The build of PyTorch follows the cards and the driver, and says so when none fits."""

from __future__ import annotations

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.annotation.server.plugins.plugin_utils.function_config import nuclio_config
from ansible_collections.annotation.server.plugins.plugin_utils.torch_build import torch_build
from test_nuclio_filters import FUNCTION, REPOSITORY, SETTINGS


@pytest.mark.parametrize(
    ("cards", "build"),
    [
        ([], ""),
        (["8.9, 580.105.08"], "cu130"),
        (["7.5, 580.65.06"], "cu130"),
        (["9.0, 595.10.01", "8.0, 595.10.01"], "cu130"),
        (["10.0, 580.105.08"], "cu130"),
        (["12.0, 610.43.02", "7.5, 610.43.02"], "cu130"),
        (["6.1, 580.105.08"], "cu126"),
        (["7.0, 580.105.08", "8.6, 580.105.08"], "cu126"),
        (["8.6, 550.163.01"], "cu126"),
        (["8.9, 535.261.03"], "cu126"),
        (["8.9, 580.65.05"], "cu126"),
    ],
)
def test_build(cards: list[str], build: str) -> None:
    assert torch_build(cards) == build


@pytest.mark.parametrize(
    ("cards", "words"),
    [
        (["6.1, 580.105.08", "12.0, 580.105.08"], "CUDA_VISIBLE_DEVICES"),
        (["12.0, 570.211.01"], "nvidia_driver_branch: 580"),
        (["6.1, 570.211.01", "12.0, 570.211.01"], "CUDA_VISIBLE_DEVICES"),
    ],
)
def test_no_build_for_all(cards: list[str], words: str) -> None:
    with pytest.raises(AnsibleFilterError, match=words):
        torch_build(cards)


def index(file: str, **settings: str) -> str:
    """Return PyTorch's index in a function's final configuration."""
    own = yaml.safe_load((REPOSITORY / "functions/sam2/nuclio" / file).read_text())
    directives = nuclio_config(own, FUNCTION, {**SETTINGS, **settings})["spec"]["build"]["directives"]["preCopy"]
    (found,) = [item["value"] for item in directives if item["value"].startswith("TORCH_INDEX_URL")]
    return found.removeprefix("TORCH_INDEX_URL=").strip('"')


@pytest.mark.parametrize("name", ["function", "function-auto", "function-tracker"])
def test_it_reaches_the_configuration(name: str) -> None:
    assert index(f"{name}-gpu.yaml") == "https://download.pytorch.org/whl/cu130"
    assert index(f"{name}-gpu.yaml", torch_build="cu126") == "https://download.pytorch.org/whl/cu126"
    assert index(f"{name}.yaml", torch_build="cu126") == "https://download.pytorch.org/whl/cpu"
    assert index(f"{name}-gpu.yaml", torch_index_url="https://mirror/cu126") == "https://mirror/cu126"
