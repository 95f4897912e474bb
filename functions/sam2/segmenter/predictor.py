"""SAM 2 on single pictures: the same numbers as ``sam2.sam2_image_predictor.SAM2ImagePredictor``, without waste.

It leaves out what a click does not need: torchvision, enlarging masks that are not chosen, the positional encoding of
the picture, which never changes, and whatever does not depend on the prompt (decoding.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from .decoding import Decoder
from .disk_cache import Features
from .embeddings import Embedding
from .errors import ModelError, first_line
from .transforms import enlarge, prepare_picture, prepare_points

Scale = Callable[[np.ndarray, int], torch.Tensor]


@dataclass(frozen=True)
class Prompt:
    """One object to be found. Pixels of the picture; a box without points, points without a box, or both."""

    points: np.ndarray  # N x 2, float32
    labels: np.ndarray  # N, int32: 1 inside, 0 outside
    box: np.ndarray | None = None  # 4, float32: left, top, right, bottom

    @property
    def is_ambiguous(self) -> bool:
        """Tell whether several masks make sense: a single point may mean a part or the whole."""
        return self.box is None and len(self.points) == 1


@dataclass(frozen=True)
class Answer:
    """A mask (H x W, bool, on the CPU), the predicted IoU, and the logits (1 x 256 x 256) to go on from."""

    mask: np.ndarray
    score: float
    logits: torch.Tensor


class Predictor:
    """Embeds pictures and answers prompts with one model on one device."""

    def __init__(self, model: torch.nn.Module, fast: bool = False, half: bool = False) -> None:
        self.model = model
        self.side = int(model.image_size)
        self.device = model.device
        self.half = half
        with torch.inference_mode():
            self.decoder = Decoder(model, fast)

    def compile(self) -> None:
        """Have torch.compile make machine code of the picture encoder now. It takes a minute or two.

        Raises:
            ModelError: PyTorch cannot compile here; most often there is no compiler.
        """
        self.model.image_encoder.compile(dynamic=False)
        try:
            self.encode(np.zeros((64, 64, 3), np.uint8))
        except Exception as error:
            said = first_line(error)
            message = (
                f"COMPILE is on, but PyTorch cannot compile here ({said}): take a base image with gcc, or set it off"
            )
            raise ModelError(message) from error

    def embed(self, picture: np.ndarray) -> Embedding:
        """Embed an RGB picture (H x W x 3, uint8)."""
        return self.prepare(self.encode(picture))

    @torch.inference_mode()
    def encode(self, picture: np.ndarray, scale: Scale = prepare_picture) -> Features:
        """Run the picture encoder, nearly all of the time that a new picture takes.

        Args:
            picture: H x W x 3, uint8.
            scale: makes the model's picture of it; frames of a video are scaled in another way than single pictures.
        """
        model = self.model
        pixels = scale(picture, self.side).to(self.device)
        with self.arithmetic():
            _, levels, _, sizes = model._prepare_backbone_features(model.forward_image(pixels))
        maps = [level.permute(1, 2, 0).view(1, -1, *size) for level, size in zip(levels, sizes, strict=True)]
        return Features(maps, height=picture.shape[0], width=picture.shape[1])

    @torch.inference_mode()
    def prepare(self, features: Features) -> Embedding:
        """Do the part of the decoder's work that does not depend on the prompt."""
        levels = [level.to(self.device) for level in features.levels]
        if self.model.directly_add_no_mem_embed:
            levels[-1] = levels[-1] + self.model.no_mem_embed.view(1, -1, 1, 1)
        with self.arithmetic():
            return Embedding(self.decoder.prepare(levels), features.height, features.width)

    @torch.inference_mode()
    def predict(self, embedding: Embedding, prompt: Prompt, previous: torch.Tensor | None = None) -> Answer:
        """Find one object.

        Args:
            embedding: of the picture.
            prompt: what to look for.
            previous: logits (1 x 256 x 256) of an earlier answer to refine.
        """
        coords, labels = self._tokens(embedding, prompt)
        mask_input = None if previous is None else previous[None].to(self.device)
        with self.arithmetic():
            logits, scores = self.decoder.decode(embedding.prepared, coords, labels, mask_input, prompt.is_ambiguous)
        best = int(scores[0].argmax())
        chosen = logits[:, best : best + 1]
        mask = enlarge(chosen, embedding.height, embedding.width)[0, 0] > 0
        return Answer(mask.cpu().numpy(), float(scores[0, best]), chosen[0].float().clamp(-32, 32))

    @torch.inference_mode()
    def predict_points(self, embedding: Embedding, points: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """Ask what lies at each point (N x 2, pixels); returns logits (N x 3 x 256 x 256) and predicted IoU (N x 3)."""
        coords = torch.as_tensor(points, dtype=torch.float, device=self.device)
        scaled = prepare_points(coords, embedding.height, embedding.width, self.side)[:, None]
        labels = torch.ones(scaled.shape[:2], dtype=torch.int, device=self.device)
        with self.arithmetic():
            logits, scores = self.decoder.decode(embedding.prepared, scaled, labels, None, several=True)
        return logits.float(), scores.float()

    def arithmetic(self) -> torch.autocast:
        """Return the context in which the model runs: bfloat16 where it is as good and faster, else float32."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.half)

    def _tokens(self, embedding: Embedding, prompt: Prompt) -> tuple[torch.Tensor, torch.Tensor]:
        """Return coordinates (1 x P x 2, model pixels) and labels (1 x P); a box is two points labelled 2 and 3."""
        points, labels = prompt.points, prompt.labels
        if prompt.box is not None:
            points = np.concatenate([prompt.box.reshape(2, 2), points])
            labels = np.concatenate([np.array([2, 3], np.int32), labels])
        coords = torch.as_tensor(points, dtype=torch.float, device=self.device)
        scaled = prepare_points(coords, embedding.height, embedding.width, self.side)
        return scaled[None], torch.as_tensor(labels, dtype=torch.int, device=self.device)[None]
