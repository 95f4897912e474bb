"""SAM 2 on single pictures: the same numbers as ``sam2.sam2_image_predictor.SAM2ImagePredictor``, without waste.

It leaves out what a click does not need: torchvision, enlarging masks that are not chosen, the positional encoding of
the picture, which never changes, and whatever does not depend on the prompt (decoding.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from .decoding import Decoder
from .embeddings import Embedding
from .transforms import enlarge, prepare_picture, prepare_points


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

    def __init__(self, model: torch.nn.Module, fast: bool = False) -> None:
        self.model = model
        self.side = int(model.image_size)
        self.device = model.device
        with torch.inference_mode():
            self.decoder = Decoder(model, fast)

    @torch.inference_mode()
    def embed(self, picture: np.ndarray) -> Embedding:
        """Embed an RGB picture (H x W x 3, uint8)."""
        model = self.model
        _, levels, _, sizes = model._prepare_backbone_features(
            model.forward_image(prepare_picture(picture, self.side).to(self.device))
        )
        if model.directly_add_no_mem_embed:
            levels[-1] = levels[-1] + model.no_mem_embed
        maps = [level.permute(1, 2, 0).view(1, -1, *size) for level, size in zip(levels, sizes, strict=True)]
        return Embedding(self.decoder.prepare(maps), height=picture.shape[0], width=picture.shape[1])

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
        logits, scores = self.decoder.decode(embedding.prepared, coords, labels, mask_input, prompt.is_ambiguous)
        best = int(scores[0].argmax())
        chosen = logits[:, best : best + 1]
        mask = enlarge(chosen, embedding.height, embedding.width)[0, 0] > 0
        return Answer(mask.cpu().numpy(), float(scores[0, best]), chosen[0].float().clamp(-32, 32))

    def _tokens(self, embedding: Embedding, prompt: Prompt) -> tuple[torch.Tensor, torch.Tensor]:
        """Return coordinates (1 x P x 2, model pixels) and labels (1 x P); a box is two points labelled 2 and 3."""
        points, labels = prompt.points, prompt.labels
        if prompt.box is not None:
            points = np.concatenate([prompt.box.reshape(2, 2), points])
            labels = np.concatenate([np.array([2, 3], np.int32), labels])
        coords = torch.as_tensor(points, dtype=torch.float, device=self.device)
        scaled = prepare_points(coords, embedding.height, embedding.width, self.side)
        return scaled[None], torch.as_tensor(labels, dtype=torch.int, device=self.device)[None]
