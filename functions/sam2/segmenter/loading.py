"""Load a SAM 2 model, and fail with one clear line when something is missing or does not fit."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from hydra import compose
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from .errors import ModelError, first_line
from .settings import find_file

# What sam2.build_sam.build_sam2 sets for use with single pictures.
POSTPROCESSING = {
    "dynamic_multimask_via_stability": True,
    "dynamic_multimask_stability_delta": 0.05,
    "dynamic_multimask_stability_thresh": 0.98,
}
# What build_sam2_video_predictor sets besides; single pictures never come to it.
VIDEO_POSTPROCESSING = {"binarize_mask_from_pts_for_mem_enc": True}


def choose_device(wanted: str, worker: int = 0) -> torch.device:
    """Return the device for a worker: ``auto``, ``cpu``, ``cuda`` (spread over all GPUs) or a device's own name."""
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    if wanted == "cuda":
        if not torch.cuda.is_available():
            raise ModelError("DEVICE is cuda, but PyTorch sees no NVIDIA GPU in this container")
        return torch.device("cuda", worker % torch.cuda.device_count())
    try:
        return torch.device(wanted)
    except RuntimeError as error:
        raise ModelError(f"DEVICE {wanted!r} is not a device PyTorch knows") from error


def use_bfloat16(wanted: str, device: torch.device) -> bool:
    """Tell whether to compute in bfloat16. ``auto``: on NVIDIA GPUs from Ampere on; CPUs are slower with it.

    Source: a CPU without AMX or AVX512-BF16 embeds seven times slower in bfloat16.
    """
    if wanted == "auto":
        return device.type == "cuda" and torch.cuda.get_device_capability(device)[0] >= 8
    return wanted == "bfloat16"


def load_model(model: str, model_cfg: str, device: torch.device, folders: list[Path]) -> torch.nn.Module:
    """Build the model on a device.

    Args:
        model: checkpoint; a path, or a file name in one of ``folders``.
        model_cfg: a path, a file name in one of ``folders``, or the name of a configuration inside the package sam2
            (``configs/sam2.1/sam2.1_hiera_t.yaml``, ``configs/sam2/sam2_hiera_t.yaml``).
        device: where the model goes.
        folders: where to look for files.

    Raises:
        ModelError: names the setting that is wrong.
    """
    weights = find_file(model, folders)
    if weights is None:
        places = ", ".join(str(folder) for folder in folders)
        raise ModelError(f"MODEL {model!r}: no such checkpoint, neither as a path nor in {places}")
    config = read_config(model_cfg, folders)
    try:
        OmegaConf.resolve(config)
        network: torch.nn.Module = instantiate(config.model, _recursive_=True)
    except Exception as error:
        raise ModelError(f"MODEL_CFG {model_cfg!r}: does not describe a SAM 2 model ({first_line(error)})") from error
    try:
        state = torch.load(weights, map_location="cpu", weights_only=True)["model"]
        network.load_state_dict(state)
    except Exception as error:
        raise ModelError(f"MODEL {weights} does not fit MODEL_CFG {model_cfg!r} ({first_line(error)})") from error
    return network.to(device).eval().requires_grad_(False)


def fingerprint(model: str, model_cfg: str, arithmetic: str, folders: list[Path]) -> bytes:
    """Return a digest of all that features depend on besides the picture: weights, configuration and arithmetic."""
    digest = hashlib.sha256(OmegaConf.to_yaml(read_config(model_cfg, folders)).encode())
    weights = find_file(model, folders)
    if weights is not None:
        with weights.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    digest.update(f"{torch.__version__} {arithmetic}".encode())
    return digest.digest()


def read_config(name: str, folders: list[Path]) -> DictConfig:
    """Return a configuration of sam2's, with what sam2 itself adds for single pictures.

    Raises:
        ModelError: there is none under that name.
    """
    path = find_file(name, folders)
    try:
        config = OmegaConf.load(path) if path else _packaged_config(name)
        if not isinstance(config, DictConfig) or "model" not in config:
            raise ValueError("it has no section 'model'")
        for option, value in POSTPROCESSING.items():
            OmegaConf.update(config, f"model.sam_mask_decoder_extra_args.{option}", value, force_add=True)
        for option, value in VIDEO_POSTPROCESSING.items():
            OmegaConf.update(config, f"model.{option}", value, force_add=True)
    except Exception as error:
        message = f"MODEL_CFG {name!r}: neither a file nor a configuration in the package sam2 ({first_line(error)})"
        raise ModelError(message) from error
    return config


def _packaged_config(name: str) -> DictConfig:
    import sam2  # noqa: F401 - registers its configurations with hydra

    if not GlobalHydra.instance().is_initialized():
        raise HydraException("the package sam2 did not register its configurations")
    return compose(config_name=name)
