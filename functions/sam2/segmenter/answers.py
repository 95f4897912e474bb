"""Masks as CVAT reads them, written straight from arrays."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

COMMA, OPEN, CLOSE, ZERO = (ord(c) for c in ",[]0")


@dataclass(frozen=True)
class Outline:
    """A mask as run lengths of its box, row by row, beginning with a (perhaps empty) run of zeros."""

    runs: np.ndarray
    left: int
    top: int
    right: int  # inclusive
    bottom: int  # inclusive


def outline_of(mask: np.ndarray) -> Outline | None:
    """Encode a mask (H x W, bool); None if it is empty."""
    rows = np.flatnonzero(mask.any(axis=1))
    if not rows.size:
        return None
    top, bottom = int(rows[0]), int(rows[-1])
    columns = np.flatnonzero(mask[top : bottom + 1].any(axis=0))
    left, right = int(columns[0]), int(columns[-1])
    flat = mask[top : bottom + 1, left : right + 1].ravel()
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    edges = np.concatenate([[0], changes, [flat.size]])
    runs = np.diff(edges)
    if flat[0]:
        runs = np.concatenate([[0], runs])
    return Outline(runs, left, top, right, bottom)


def mask_json(mask: np.ndarray) -> bytes:
    """Write ``[[0,1,...],...]`` for a mask (H x W, bool): every row as digits and commas, in one array of bytes."""
    height, width = mask.shape
    text = np.empty((height, 2 * width + 2), dtype=np.uint8)
    text[:, 0] = OPEN
    np.add(mask.view(np.uint8), ZERO, out=text[:, 1:-1:2])
    text[:, 2:-2:2] = COMMA
    text[:, -2] = CLOSE
    text[:, -1] = COMMA
    body = text.ravel()
    body[-1] = CLOSE
    return b"[" + body.tobytes()


def shape_json(outline: Outline, confidence: str | None) -> bytes:
    """Write one entry of ``shapes``; ``confidence`` is the attribute's text (``0.93``), None leaves it out."""
    corners = (outline.left, outline.top, outline.right, outline.bottom)
    points = ",".join(map(str, outline.runs.tolist())) + "," + ",".join(map(str, corners))
    attributes = "" if confidence is None else f',"attributes":[{{"spec_id":0,"value":"{confidence}"}}]'
    return f'{{"type":"mask","points":[{points}]{attributes}}}'.encode()


def detection_json(label: str, mask: np.ndarray, polygon: np.ndarray, score: float) -> bytes:
    """Write one detection: the crop of a mask as flat 0 and 1 with its inclusive corners, and the polygon around it.

    Args:
        label: name of the label in CVAT.
        mask: H x W, bool, not empty.
        polygon: N x 2, pixels.
        score: predicted IoU; a text in the answer, as CVAT's own functions give it.
    """
    outline = outline_of(mask)
    if outline is None:
        raise ValueError("the mask is empty")
    left, top, right, bottom = outline.left, outline.top, outline.right, outline.bottom
    crop = mask[top : bottom + 1, left : right + 1]
    text = np.full(2 * crop.size, COMMA, dtype=np.uint8)
    text[::2] = crop.ravel().view(np.uint8) + ZERO
    head = json.dumps({"label": label, "type": "mask", "confidence": f"{score:.3f}"})[:-1]
    points = json.dumps(polygon.ravel().tolist())
    corners = f"{left},{top},{right},{bottom}"
    return f'{head},"points":{points},"mask":['.encode() + text.tobytes() + f"{corners}]}}".encode()


def confidence_text(score: float, form: str) -> str | None:
    """Return a confidence for CVAT's interface, whose slider begins at 0.5 and hides what lies below.

    ``scaled`` maps 0..1 to 0.5..1, so that no mask is hidden that somebody asked for; ``raw`` is the predicted IoU
    itself; ``none`` leaves it out, which counts as 1.
    """
    if form == "none":
        return None
    value = min(1.0, max(0.0, score))
    return f"{0.5 + value / 2 if form == 'scaled' else value:.2f}"
