"""The outline of a mask as a polygon, for tools that do not take masks."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

# Steps along the edges between pixels: right, down, left, up (x, y).
STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))


def polygon_of(mask: np.ndarray, tolerance: float = 1.0) -> np.ndarray:
    """Return the outer border of a mask's largest part as a polygon (N x 2, pixels, N >= 3); empty for an empty mask.

    Args:
        mask: H x W, bool.
        tolerance: corners may be left out where the line stays this close to the border, in pixels.
    """
    borders = _borders(np.pad(mask, 1))
    if not borders:
        return np.zeros((0, 2))
    largest = max(borders, key=_area)
    return _simplify(largest, tolerance) - 1


def largest_part(mask: np.ndarray) -> np.ndarray:
    """Return of a mask (H x W, bool) only the part inside its largest outer border."""
    borders = _borders(np.pad(mask, 1))
    if len(borders) < 2:
        return mask
    canvas = Image.new("1", mask.shape[::-1])
    # Corners of pixels, counted from the padding; Pillow counts from the middle of the first pixel.
    corners = max(borders, key=_area) - 1.5
    ImageDraw.Draw(canvas).polygon([tuple(corner) for corner in corners.tolist()], fill=1)
    part: np.ndarray = np.asarray(canvas) & mask
    return part


def _area(ring: np.ndarray) -> float:
    """Signed area by Gauss's formula; outer borders are walked clockwise on the screen and count as positive."""
    x, y = ring[:, 0], ring[:, 1]
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def _borders(mask: np.ndarray) -> list[np.ndarray]:
    """Walk along all borders with the mask on the right; returns closed rings of corners between pixels."""
    above, left = np.zeros_like(mask), np.zeros_like(mask)
    above[1:], left[:, 1:] = mask[:-1], mask[:, :-1]
    edges: dict[tuple[int, int], list[int]] = {}
    for direction, (rows, columns), (dx, dy) in (
        (0, np.nonzero(mask & ~above), (0, 0)),
        (2, np.nonzero(~mask & above), (1, 0)),
        (3, np.nonzero(mask & ~left), (0, 1)),
        (1, np.nonzero(~mask & left), (0, 0)),
    ):
        for x, y in zip((columns + dx).tolist(), (rows + dy).tolist(), strict=True):
            edges.setdefault((x, y), []).append(direction)
    rings = []
    while edges:
        place = next(iter(edges))
        direction = edges[place][0]
        ring, before = [], -1
        while place in edges:
            choices = edges[place]
            # Where two parts touch at a corner, turn right: they stay apart.
            turns = [(before + turn) % 4 for turn in (1, 0, 3)]
            direction = next((d for d in turns if d in choices), choices[0]) if before >= 0 else choices[0]
            choices.remove(direction)
            if not choices:
                del edges[place]
            if direction != before:
                ring.append(place)
            place = (place[0] + STEPS[direction][0], place[1] + STEPS[direction][1])
            before = direction
        rings.append(np.array(ring, dtype=np.float64))
    return rings


def _simplify(ring: np.ndarray, tolerance: float) -> np.ndarray:
    """Leave out corners (Douglas and Peucker), from the two that lie farthest from each other in x + y."""
    start, end = sorted((int(ring.sum(1).argmin()), int(ring.sum(1).argmax())))
    ring = np.roll(ring, -start, axis=0)
    end -= start
    kept = {0, end}
    ring = np.concatenate([ring, ring[:1]])
    spans = [(0, end), (end, len(ring) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        origin, direction = ring[first], ring[last] - ring[first]
        offsets = ring[first + 1 : last] - origin
        length = float(np.hypot(*direction))
        if length:
            distances = np.abs(offsets[:, 0] * direction[1] - offsets[:, 1] * direction[0]) / length
        else:
            distances = np.hypot(offsets[:, 0], offsets[:, 1])
        farthest = int(distances.argmax())
        if distances[farthest] > tolerance or len(kept) < 3:
            middle = first + 1 + farthest
            kept.add(middle)
            spans += [(first, middle), (middle, last)]
    return ring[sorted(kept)]
