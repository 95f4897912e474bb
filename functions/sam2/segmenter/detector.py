"""Automatic masks: a grid of points on one embedding, and of their answers the good ones, each object once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from .embeddings import Embedding
from .outlines import largest_part
from .predictor import Answer, Predictor, Prompt
from .transforms import enlarge

# Masks that change more than this with their threshold are not looked at.
NOISE = 0.3


@dataclass(frozen=True)
class Search:
    """How to look for objects.

    Args:
        side: points per side of the grid. 32 is SAM's own; fewer are quicker: a point takes 80 ms on two CPU cores.
        together: points that run at once; more need more memory and only help on a GPU.
        least_score: predicted IoU that a mask needs.
        least_stability: share of a mask that stays when its threshold moves by one logit either way.
        least_agreement: IoU that a doubtful mask needs with what its box alone gives.
        most_doubts: doubtful masks that are asked for again; each takes as long as a point.
        most_overlap: two masks with a larger IoU are the same object; the better one stays.
        least_area, most_area: size of an object as a share of the picture. Larger ones are mostly background.
        most_objects: the best of them are returned.
    """

    side: int = 16
    together: int = 16
    least_score: float = 0.7
    least_stability: float = 0.75
    least_agreement: float = 0.7
    most_doubts: int = 32
    most_overlap: float = 0.5
    least_area: float = 0.0005
    most_area: float = 0.6
    most_objects: int = 100


def detect(predictor: Predictor, embedding: Embedding, search: Search) -> list[Answer]:
    """Find the objects of a picture, best first.

    A stable mask that holds the point it answers counts at once. Any other is asked for again with nothing but its box:
    what is really there comes back, what the model made up does not.
    """
    found = _ask(predictor, embedding, search)
    sure = found.holds & (found.stability >= search.least_stability) & (found.scores >= search.least_score)
    known = found.pick(sure).in_one_piece()
    known = known.pick(_distinct(known, search))
    good = _join([known, *_confirmed(predictor, embedding, found.pick(~sure), known, search)])
    best = good.pick(_distinct(good, search)[: search.most_objects])
    return [_answer(embedding, logits, float(score)) for logits, score in zip(best.logits, best.scores, strict=True)]


def _confirmed(predictor: Predictor, embedding: Embedding, doubts: Found, known: Found, search: Search) -> list[Found]:
    """Ask for doubtful masks again, the likeliest first, unless they are among what is known by then."""
    seen = _small(known.logits)
    answers: list[Found] = []
    asked = 0
    for i in (doubts.scores * doubts.stability).argsort(descending=True, stable=True).tolist():
        if asked == search.most_doubts:
            break
        if _overlap(seen, _small(doubts.logits[i : i + 1])[0]) > search.most_overlap:
            continue
        asked += 1
        answer = _confirm(predictor, embedding, doubts.logits[i], search)
        if answer is not None:
            answer = answer.in_one_piece()
            answers.append(answer)
            seen = torch.cat([seen, _small(answer.logits)])
    return answers


@dataclass(frozen=True)
class Found:
    """Masks worth a look, on the CPU: logits (N x 256 x 256), predicted IoU and stability (N), own point inside (N)."""

    logits: torch.Tensor
    scores: torch.Tensor
    stability: torch.Tensor
    holds: torch.Tensor

    def pick(self, which: torch.Tensor | list[int]) -> Found:
        """Return some of them, by index or by a mask of N."""
        return Found(self.logits[which], self.scores[which], self.stability[which], self.holds[which])

    def in_one_piece(self) -> Found:
        """Return these without the smaller parts of each mask: an object has one outline in CVAT."""
        parts = [torch.from_numpy(largest_part(mask)) for mask in (self.logits > 0).numpy()]
        if not parts:
            return self
        logits = torch.where(torch.stack(parts), self.logits, self.logits.clamp(max=-1))
        return Found(logits, self.scores, self.stability, self.holds)


def _join(parts: list[Found]) -> Found:
    columns = zip(*((part.logits, part.scores, part.stability, part.holds) for part in parts), strict=True)
    return Found(*map(torch.cat, columns))


def _grid(embedding: Embedding, search: Search) -> np.ndarray:
    """Return the points of the grid (N x 2, pixels of the picture)."""
    steps = (np.arange(search.side) + 0.5) / search.side
    columns, rows = np.meshgrid(steps * embedding.width, steps * embedding.height)
    return np.stack([columns, rows], axis=-1).reshape(-1, 2).astype(np.float32)


def _ask(predictor: Predictor, embedding: Embedding, search: Search) -> Found:
    """Ask what lies at each point of the grid; returns the masks of a sensible size that are not mere noise."""
    parts, points = [], _grid(embedding, search)
    for start in range(0, len(points), search.together):
        some = points[start : start + search.together]
        logits, scores = predictor.predict_points(embedding, some)
        side, each = logits.shape[-1], logits.shape[1]
        places = torch.as_tensor(some / [embedding.width, embedding.height] * side, device=logits.device).long()
        x, y = places.clamp(0, side - 1).repeat_interleave(each, dim=0).T
        logits, scores = logits.flatten(0, 1), scores.flatten()
        stability = _stability(logits)
        holds = logits[torch.arange(len(logits), device=logits.device), y, x] > 0
        good = (stability >= NOISE) & _has_size(logits, search)
        parts.append(Found(*(column[good].cpu() for column in (logits, scores, stability, holds))))
    return _join(parts)


def _confirm(predictor: Predictor, embedding: Embedding, logits: torch.Tensor, search: Search) -> Found | None:
    """Ask for the box of a mask (256 x 256); returns the answer if it is good and the same object, else None."""
    mask = (logits > 0).numpy()
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    scale = np.array([embedding.width, embedding.height] * 2) / mask.shape[0]
    box = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]) * scale
    prompt = Prompt(np.zeros((0, 2), np.float32), np.zeros(0, np.int32), box.astype(np.float32))
    answer = predictor.predict(embedding, prompt)
    again = answer.logits.cpu()
    other = (again[0] > 0).numpy()
    agreement = float((mask & other).sum() / max(1, (mask | other).sum()))
    if answer.score < search.least_score or agreement < search.least_agreement or not _has_size(again, search).all():
        return None
    # Ranked below what was sure from the start.
    return Found(again, torch.tensor([answer.score]), torch.tensor([agreement / 2]), torch.tensor([True]))


def _stability(logits: torch.Tensor) -> torch.Tensor:
    """Return which share of each mask stays when its threshold moves by one logit either way (SAM's score)."""
    strict, loose = (logits > 1).sum((1, 2)), (logits > -1).sum((1, 2))
    return strict / loose.clamp(min=1)


def _has_size(logits: torch.Tensor, search: Search) -> torch.Tensor:
    share = (logits > 0).float().mean((1, 2))
    return (share >= search.least_area) & (share <= search.most_area)


def _distinct(found: Found, search: Search) -> list[int]:
    """Return the indices of the masks that remain when of overlapping ones only the best stays, best first."""
    order = (found.scores * found.stability).argsort(descending=True, stable=True).tolist()
    masks = _small(found.logits)
    kept: list[int] = []
    for i in order:
        if _overlap(masks[kept], masks[i]) <= search.most_overlap:
            kept.append(i)
    return kept


def _small(logits: torch.Tensor) -> torch.Tensor:
    """Return masks (N x 256 x 256, logits) as rows of 0 and 1, every other pixel of either direction."""
    return (logits > 0)[:, ::2, ::2].flatten(1).float()


def _overlap(masks: torch.Tensor, mask: torch.Tensor) -> float:
    """Return the largest IoU of a mask with others, all as ``_small`` gives them; 0 without others."""
    if not len(masks):
        return 0.0
    shared = masks @ mask
    return float((shared / (masks.sum(1) + mask.sum() - shared).clamp(min=1)).max())


def _answer(embedding: Embedding, logits: torch.Tensor, score: float) -> Answer:
    mask = enlarge(logits[None, None], embedding.height, embedding.width)[0, 0] > 0
    return Answer(mask.numpy(), score, logits[None])
