"""sam2's own predictors, importable also where torchvision's compiled operators are not.

Next to a CPU build of torch, torchvision from PyPI stops at import because its operators were built for CUDA. Only
their names are missed then; the transforms that sam2 uses are plain Python. Missing names are registered here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

_LIBRARIES: list[torch.library.Library] = []


def _register(name: str, schema: str) -> None:
    namespace, operator = name.split("::")
    if not hasattr(getattr(torch.ops, namespace), operator):
        library = torch.library.Library(namespace, "FRAGMENT")
        library.define(f"{operator}{schema}")
        _LIBRARIES.append(library)


def bare_predictor(model: str, config: str) -> Any:
    """Build ``SAM2ImagePredictor`` around ``build_sam2``, with nothing of ours in between."""
    _register("torchvision::nms", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _register("torchvision::qnms", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from sam2.build_sam import build_sam2
    from sam2.sam2_image_predictor import SAM2ImagePredictor

    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(Path(config).parent), version_base="1.2"):
            return SAM2ImagePredictor(build_sam2(Path(config).name, model, device="cpu"))
    finally:
        from hydra import initialize_config_module

        initialize_config_module("sam2", version_base="1.2")
