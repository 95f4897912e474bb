"""SAM 2's picture and coordinate transforms in plain torch, bit for bit those of ``sam2.utils.transforms``.

sam2's own need torchvision, which is large and, next to a CPU build of torch, often cannot be imported.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)


def prepare_picture(picture: np.ndarray, side: int) -> torch.Tensor:
    """Turn H x W x 3 uint8 into 1 x 3 x side x side float32: scaled to 0..1, resized with antialiasing, normalised.

    Source: torchvision's ToTensor, Resize and Normalize, in that order.
    """
    channels = np.array(picture.transpose(2, 0, 1), order="C")
    pixels = torch.from_numpy(channels).to(torch.float32).div_(255)[None]
    if pixels.shape[-2:] != (side, side):
        pixels = F.interpolate(pixels, size=(side, side), mode="bilinear", align_corners=False, antialias=True)
    return _normalise(pixels)


def prepare_frame(picture: np.ndarray, side: int) -> torch.Tensor:
    """Turn a frame of a video, H x W x 3 uint8, into 1 x 3 x side x side float32, as sam2's video predictor does.

    Source: ``sam2.utils.misc.load_video_frames``, which scales with Pillow before it normalises.
    """
    scaled = np.asarray(Image.fromarray(picture).resize((side, side)))
    pixels = torch.from_numpy(np.array(scaled.transpose(2, 0, 1), order="C"))
    return _normalise(pixels.to(torch.float32).div_(255)[None])


def _normalise(pixels: torch.Tensor) -> torch.Tensor:
    mean = torch.tensor(MEAN).view(-1, 1, 1)
    deviation = torch.tensor(DEVIATION).view(-1, 1, 1)
    return pixels.sub_(mean).div_(deviation)


def prepare_points(points: torch.Tensor, height: int, width: int, side: int) -> torch.Tensor:
    """Scale points (... x 2, pixels of the picture) to the model's picture of ``side`` x ``side`` pixels."""
    scaled = points.clone()
    scaled[..., 0] = scaled[..., 0] / width
    scaled[..., 1] = scaled[..., 1] / height
    return scaled * side


def enlarge(logits: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Bring low-resolution logits (N x M x h x w) to the size of the picture."""
    return F.interpolate(logits.float(), (height, width), mode="bilinear", align_corners=False)
