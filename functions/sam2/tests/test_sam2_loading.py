"""A wrong setting ends the start with one line that names it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from segmenter.errors import ModelError
from segmenter.loading import choose_device, read_config
from segmenter.settings import Settings

TINY = "configs/sam2.1/sam2.1_hiera_t.yaml"


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"MODEL": "nowhere.pt"}, "MODEL 'nowhere.pt'"),
        ({"MODEL_CFG": "configs/none.yaml"}, "MODEL_CFG 'configs/none.yaml'"),
        ({"MODEL_CFG": TINY}, "does not fit MODEL_CFG"),
        ({"DEVICE": "toaster"}, "DEVICE 'toaster'"),
        ({"ANSWER": "picture"}, "ANSWER must be one of"),
        ({"COMPILE": "yes"}, "COMPILE must be one of on, off"),
        ({"CACHE_MIB": "lots"}, "CACHE_MIB must be a whole number"),
        ({"MAX_MEGAPIXELS": "0"}, "MAX_MEGAPIXELS must be a whole number of at least 1"),
    ],
)
def test_wrong_settings_are_named(start: Any, settings: dict[str, str], part: str) -> None:
    with pytest.raises((ModelError, ValueError)) as caught:
        start(**settings)
    assert part in str(caught.value) and "\n" not in str(caught.value)


def test_a_file_that_is_no_checkpoint_is_named(start: Any, tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"MODEL .*model\.pt does not fit"):
        start(MODEL=str(tmp_path / "model.pt"))


def test_a_config_that_is_no_model_is_named(start: Any, tmp_path: Path) -> None:
    (tmp_path / "model.yaml").write_text("other: 1\n")
    with pytest.raises(ModelError, match=r"MODEL_CFG .*model\.yaml"):
        start(MODEL_CFG=str(tmp_path / "model.yaml"))


def test_cuda_without_a_gpu_is_said() -> None:
    if torch.cuda.is_available():
        assert choose_device("cuda", worker=1).type == "cuda"
    else:
        with pytest.raises(ModelError, match="no NVIDIA GPU"):
            choose_device("cuda")


def test_compiling_without_a_compiler_is_said(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch._inductor.config as inductor

    monkeypatch.setattr(inductor.cpp, "cxx", ("no-such-compiler",))
    with pytest.raises(ModelError, match=r"^COMPILE is on, but PyTorch cannot compile here \(.*\): take a base image"):
        start(COMPILE="on")


def test_empty_variables_count_as_not_set() -> None:
    assert Settings.from_environment({"MODEL": " ", "CACHE_MIB": ""}) == Settings()


@pytest.mark.parametrize("name", [TINY, "configs/sam2/sam2_hiera_t.yaml", "sam2_hiera_t.yaml"])
def test_configurations_of_both_generations_have_their_names(name: str) -> None:
    assert read_config(name, []).model.image_encoder.trunk.embed_dim == 96
