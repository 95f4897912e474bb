"""Build a SAM 2 from a configuration file, for any picture size, and store its weights."""

from __future__ import annotations

from pathlib import Path

import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

CHECKPOINTS = Path(__file__).resolve().parent.parent / "checkpoints"
CONFIG = CHECKPOINTS / "synthetic_shapes_not_for_production.yaml"
WEIGHTS = CHECKPOINTS / "synthetic_shapes_not_for_production.pt"


def build(config: Path = CONFIG, image_size: int = 1024, weights: Path | None = None) -> torch.nn.Module:
    """Build the model; no parameter depends on ``image_size``, so that training can begin with small pictures."""
    settings = OmegaConf.load(config)
    settings.model.image_size = image_size
    model = instantiate(settings.model, _recursive_=True)
    if weights is not None:
        model.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True)["model"])
    return model


WAVES = (0.125, 0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 4.0)


def give_sense_of_place(model: torch.nn.Module, strength: float = 2.0) -> None:
    """Start a fresh model with positions it can compare, which saves it thousands of steps.

    Positional frequencies become axis-aligned, from a quarter of a wave across the picture to eight waves: with two
    channels per attention head, random directions make "left of this corner" hard to express. Half the heads of every
    cross-attention then begin as "how near" (cosine of the distance along one axis), the others as "on which side"
    (sine). The table is a buffer, so it travels with the checkpoint; all else is trained on.
    """
    table = torch.zeros(2, 2 * len(WAVES))
    table[0, 0::2] = torch.tensor(WAVES)
    table[1, 1::2] = torch.tensor(WAVES)
    model.sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix.copy_(table)
    transformer = model.sam_mask_decoder.transformer
    attentions = [transformer.final_attn_token_to_image]
    for layer in transformer.layers:
        attentions += [layer.cross_attn_token_to_image, layer.cross_attn_image_to_token]
    sine = len(WAVES) * 2
    with torch.no_grad():
        for attention in attentions:
            query, key = attention.q_proj.weight, attention.k_proj.weight
            for head, (wave, side) in enumerate([(0.25, True), (0.5, True), (0.5, False), (1.5, False)]):
                for axis in (0, 1):
                    row, channel = 2 * (2 * head + axis), 2 * WAVES.index(wave) + axis
                    query[row, channel] += strength
                    query[row + 1, channel + sine] += strength
                    key[row, channel + (sine if side else 0)] += strength
                    key[row + 1, channel + (0 if side else sine)] += -strength if side else strength


def save(model: torch.nn.Module, path: Path) -> None:
    """Write the weights as float16 (half the size; ``load_state_dict`` converts them back), replacing atomically."""
    state = {name: value.half() if value.is_floating_point() else value for name, value in model.state_dict().items()}
    partial = path.with_suffix(".partial")
    torch.save({"model": state}, partial)
    partial.replace(path)


def features(model: torch.nn.Module, pictures: torch.Tensor) -> list[torch.Tensor]:
    """Embed normalised pictures (B x 3 x S x S) with gradients.

    Returns the three levels that the mask decoder takes, strides 4, 8 and 16, as SAM2ImagePredictor prepares them.
    """
    _, levels, _, sizes = model._prepare_backbone_features(model.forward_image(pictures))
    levels[-1] = levels[-1] + model.no_mem_embed
    return [f.permute(1, 2, 0).unflatten(2, size) for f, size in zip(levels, sizes, strict=True)]


def normalise(picture: torch.Tensor) -> torch.Tensor:
    """Turn H x W x 3 uint8 into 3 x H x W float32 with ImageNet's mean and deviation."""
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    deviation = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    return (picture.permute(2, 0, 1).float() / 255 - mean) / deviation
