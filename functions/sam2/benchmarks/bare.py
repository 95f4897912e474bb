"""sam2's own image predictor, importable also where torchvision's compiled operators are not.

Next to a CPU build of torch, torchvision from PyPI stops at import because its operators were built for CUDA. Only
their names are missed then; the transforms that sam2 uses are plain Python. Missing names are registered here.
"""

from __future__ import annotations

from typing import Any

import torch

_LIBRARIES: list[torch.library.Library] = []


def _register_missing_operators() -> None:
    for operator in ("nms", "qnms"):
        if not hasattr(torch.ops.torchvision, operator):
            library = torch.library.Library("torchvision", "FRAGMENT")
            library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            _LIBRARIES.append(library)


def bare_predictor(model: torch.nn.Module) -> Any:
    """Return ``SAM2ImagePredictor`` around a model."""
    _register_missing_operators()
    from sam2.sam2_image_predictor import SAM2ImagePredictor

    return SAM2ImagePredictor(model)


def build_as_sam2_does(model: str, config: str, video: bool = False) -> Any:
    """Build a model with sam2's own ``build_sam2`` or ``build_sam2_video_predictor``; ``config`` is a path."""
    from pathlib import Path

    from hydra import initialize_config_dir, initialize_config_module
    from hydra.core.global_hydra import GlobalHydra
    from sam2.build_sam import build_sam2, build_sam2_video_predictor

    build = build_sam2_video_predictor if video else build_sam2
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(Path(config).resolve().parent), version_base="1.2"):
            return build(Path(config).name, model, device="cpu")
    finally:
        initialize_config_module("sam2", version_base="1.2")
