"""Automatic masks: a grid of points on one embedding, and of their answers the good ones, each object once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from .embeddings import Embedding
from .predictor import Answer, Predictor, Prompt


@dataclass(frozen=True)
class Search:
    """How to look for objects.

    Args:
        side: points per side of the grid. 32 is SAM's own; fewer are quicker: a point takes 80 ms on two CPU cores.
        together: points that run at once; more need more memory and only help on a GPU.
        least_score: predicted IoU that a mask needs.
        least_stability: share of a mask that stays when its threshold moves by one logit either way.
        most_overlap: two masks with a larger IoU are the same object; the better one stays.
        least_area, most_area: size of an object as a share of the picture. Larger ones are mostly background.
        most_objects: the best of them are returned.
    """

    side: int = 16
    together: int = 16
    least_score: float = 0.7
    least_stability: float = 0.8
    most_overlap: float = 0.6
    least_area: float = 0.0005
    most_area: float = 0.6
    most_objects: int = 100


def detect(predictor: Predictor, embedding: Embedding, search: Search) -> list[Answer]:
    """Find the objects of a picture, best first."""
    logits, scores = _ask_everywhere(predictor, embedding, search)
    chosen = _distinct(logits, scores, search)
    refined = []
    for index in chosen[: 2 * search.most_objects]:
        refined.append(_refine(predictor, embedding, logits[index]))
    good = [answer for answer in refined if answer.score >= search.least_score and answer.mask.any()]
    if not good:
        return []
    again = _distinct(
        torch.stack([answer.logits[0] for answer in good]), torch.tensor([answer.score for answer in good]), search
    )
    return [good[index] for index in again[: search.most_objects]]


def _ask_everywhere(predictor: Predictor, embedding: Embedding, search: Search) -> tuple[torch.Tensor, torch.Tensor]:
    """Ask at every point of the grid; returns logits (N x 256 x 256) and scores (N) of the masks worth a look."""
    steps = (np.arange(search.side) + 0.5) / search.side
    grid = np.stack(np.meshgrid(steps * embedding.width, steps * embedding.height), axis=-1).reshape(-1, 2)
    kept_logits, kept_scores = [], []
    for start in range(0, len(grid), search.together):
        logits, scores = predictor.predict_points(embedding, grid[start : start + search.together].astype(np.float32))
        logits, scores = logits.flatten(0, 1), scores.flatten()
        good = (scores >= search.least_score) & _is_stable(logits, search) & _has_size(logits, search)
        kept_logits.append(logits[good].cpu())
        kept_scores.append(scores[good].cpu())
    return torch.cat(kept_logits), torch.cat(kept_scores)


def _is_stable(logits: torch.Tensor, search: Search) -> torch.Tensor:
    """Tell which masks hardly change with their threshold (SAM's stability score)."""
    strict, loose = (logits > 1).sum((1, 2)), (logits > -1).sum((1, 2))
    return strict >= search.least_stability * loose


def _has_size(logits: torch.Tensor, search: Search) -> torch.Tensor:
    share = (logits > 0).float().mean((1, 2))
    return (share >= search.least_area) & (share <= search.most_area)


def _distinct(logits: torch.Tensor, scores: torch.Tensor, search: Search) -> list[int]:
    """Return the indices of the masks that remain when of overlapping ones only the best stays, best first."""
    order = scores.argsort(descending=True, stable=True)
    masks = (logits[order] > 0)[:, ::2, ::2].flatten(1).float()
    areas = masks.sum(1)
    kept: list[int] = []
    for i in range(len(order)):
        if kept:
            shared = masks[kept] @ masks[i]
            if float((shared / (areas[kept] + areas[i] - shared).clamp(min=1)).max()) > search.most_overlap:
                continue
        kept.append(i)
    return [int(order[i]) for i in kept]


def _refine(predictor: Predictor, embedding: Embedding, logits: torch.Tensor) -> Answer:
    """Ask once more with the box of a mask, which says more than the point that it came from."""
    mask = (logits > 0).numpy()
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    scale = np.array([embedding.width, embedding.height] * 2) / mask.shape[0]
    box = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]) * scale
    prompt = Prompt(np.zeros((0, 2), np.float32), np.zeros(0, np.int32), box.astype(np.float32))
    return predictor.predict(embedding, prompt, logits[None])
