"""Synthetic pictures with known masks: shapes, textures, clutter and occlusion, drawn from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from .outlines import HELD_OUT, TRAINING, Family


@dataclass(frozen=True)
class Style:
    """How hard a picture is to read.

    Args:
        textures: shares of plain surfaces, gradients, clouds, stripes and checks.
        tint: least and greatest strength of a texture, in grey levels.
        contrast: least distance between the colours of an object and the background, in RGB.
        lines: greatest number of stray lines.
        overlap: whether an object may cover another.
    """

    textures: tuple[float, float, float, float, float]
    tint: tuple[float, float]
    contrast: float
    lines: int
    overlap: bool


PLAIN = Style((0.6, 0.25, 0.15, 0.0, 0.0), (4, 14), 110, 0, overlap=False)
BUSY = Style((0.3, 0.2, 0.25, 0.15, 0.1), (8, 38), 60, 3, overlap=True)


@dataclass(frozen=True)
class Scene:
    """An RGB picture (H x W x 3, uint8), one visible mask per object (N x H x W, bool), and the family of each."""

    picture: np.ndarray
    masks: np.ndarray
    families: tuple[str, ...]

    def boxes(self) -> np.ndarray:
        """Return the tight box of every mask: N x 4, left, top, right, bottom in pixels, inclusive."""
        return np.array([box_of(mask) for mask in self.masks], dtype=np.float32).reshape(-1, 4)


def box_of(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom (inclusive) of a mask that is not empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])


def box_fill(mask: np.ndarray) -> float:
    """Return the share of its own box that a mask covers: the IoU of answering with the whole box."""
    left, top, right, bottom = box_of(mask)
    return float(mask.sum()) / ((right - left + 1) * (bottom - top + 1))


def _texture(rng: np.random.Generator, height: int, width: int, style: Style) -> np.ndarray:
    """Return a texture (H x W x 3, float32) around zero: plain, gradient, clouds, stripes or checks."""
    kind = rng.choice(5, p=style.textures)
    tint = rng.uniform(0.3, 1.0, 3).astype(np.float32) * rng.uniform(*style.tint)
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None]
    if kind == 0:
        return np.zeros((1, 1, 3), np.float32)
    angle = rng.uniform(0, np.pi)
    slope = x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle))
    if kind == 1:
        pattern = slope
    elif kind == 2:
        cells = int(rng.integers(3, 40))
        noise = Image.fromarray(rng.normal(0, 0.6, (cells, cells)).astype(np.float32))
        pattern = np.asarray(noise.resize((width, height), Image.Resampling.BILINEAR))
    else:
        frequency = np.float32(rng.uniform(6, 50))
        pattern = np.sin(slope * frequency + rng.uniform(0, 6))
        if kind == 4:
            pattern = np.sign(pattern * np.sin((y - x) * frequency)) * np.float32(0.6)
    return pattern[..., None].astype(np.float32) * tint


def paint(
    rng: np.random.Generator, height: int, width: int, other: np.ndarray | None, style: Style
) -> tuple[np.ndarray, np.ndarray]:
    """Return a surface and its base colour; the colour keeps a distance from ``other`` so that it can be seen."""
    for _ in range(20):
        colour = rng.uniform(15, 240, 3).astype(np.float32)
        if other is None or np.linalg.norm(colour - other) > style.contrast:
            break
    return colour + _texture(rng, height, width, style), colour


def _mask(rng: np.random.Generator, family: Family, height: int, width: int, span: tuple[float, float]) -> np.ndarray:
    """Draw one shape at a random place, size, angle and stretch; returns H x W, bool."""
    angle, scale = rng.uniform(0, 2 * np.pi), float(np.exp(rng.uniform(*np.log(span))))
    stretch = np.exp(rng.uniform(-0.35, 0.35, 2))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = rng.uniform(0.12, 0.88, 2)
    canvas = Image.new("1", (width, height))
    draw = ImageDraw.Draw(canvas)
    for number, outline in enumerate(family(rng)):
        points = ((outline @ turn.T) * scale * stretch + centre) * (width, height)
        draw.polygon([(float(x), float(y)) for x, y in points], fill=int(number == 0))
    return np.asarray(canvas)


def draw_scene(
    seed: int | Sequence[int],
    height: int = 1024,
    width: int = 1024,
    objects: tuple[int, int] = (1, 5),
    families: dict[str, Family] = TRAINING,
    span: tuple[float, float] = (0.1, 0.7),
    max_fill: float = 1.0,
    style: Style = PLAIN,
) -> Scene:
    """Draw a picture. The same arguments give the same picture.

    Args:
        seed: anything ``numpy.random.default_rng`` takes.
        height, width: size in pixels.
        objects: least and greatest number of objects to try; those hidden or too small are left out.
        families: what to draw (``TRAINING`` or ``HELD_OUT`` of outlines).
        span: least and greatest size of an object, as a share of the picture.
        max_fill: objects that fill more of their box than this are drawn but not counted (no mask is returned).
        style: ``PLAIN`` or ``BUSY``.
    """
    rng = np.random.default_rng(seed)
    picture, colour = paint(rng, height, width, None, style)
    picture = np.broadcast_to(picture, (height, width, 3)).copy()
    for _ in range(int(rng.integers(0, style.lines + 1))):
        clutter = Image.new("1", (width, height))
        line = [tuple(p) for p in (rng.uniform(0, 1, (3, 2)) * (width, height)).tolist()]
        ImageDraw.Draw(clutter).line(line, fill=1, width=int(rng.integers(1, 5)))
        picture[np.asarray(clutter)] = rng.uniform(0, 255, 3)
    names = list(families)
    masks: list[np.ndarray] = []
    drawn: list[str] = []
    full: list[int] = []
    for _ in range(int(rng.integers(objects[0], objects[1] + 1))):
        name = names[int(rng.integers(len(names)))]
        mask = _mask(rng, families[name], height, width, span)
        if not style.overlap and any((mask & other).any() for other in masks):
            continue
        surface, _ = paint(rng, height, width, colour, style)
        picture = np.where(mask[..., None], surface, picture)
        masks = [*(m & ~mask for m in masks), mask]
        drawn.append(name)
        full.append(int(mask.sum()))
    picture += rng.normal(0, rng.uniform(0, 12), picture.shape).astype(np.float32)
    result = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
    if rng.random() < 0.4:
        result = result.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.4) * width / 1024))
    least = 0.0012 * height * width
    keep = [i for i, m in enumerate(masks) if m.sum() > max(least, 0.45 * full[i]) and box_fill(m) <= max_fill]
    kept = np.stack([masks[i] for i in keep]) if keep else np.zeros((0, height, width), bool)
    return Scene(np.array(result), kept, tuple(drawn[i] for i in keep))


def held_out_scenes(
    count: int, height: int = 1024, width: int = 1024, seed: int = 20_261_123, style: Style = PLAIN
) -> list[Scene]:
    """Return scenes for evaluation: families and seeds that training never sees, filling at most 0.6 of their box."""
    scenes: list[Scene] = []
    number = 0
    while len(scenes) < count:
        scene = draw_scene((seed, number), height, width, (1, 5), HELD_OUT, max_fill=0.6, style=style)
        number += 1
        if len(scene.masks):
            scenes.append(scene)
    return scenes
