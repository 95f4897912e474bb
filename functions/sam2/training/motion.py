"""Short videos of shapes that wander, turn and grow, with the true mask of every object on every frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from .outlines import HELD_OUT, TRAINING, Family, Rings
from .scenes import PLAIN, Style, box_fill, paint


@dataclass(frozen=True)
class MovingScene:
    """Frames (F x H x W x 3, uint8, RGB) and what is visible of each object (F x N x H x W, bool)."""

    frames: np.ndarray
    masks: np.ndarray


@dataclass
class _Body:
    """A shape in motion. Lengths are shares of the picture, angles in radians, changes per frame."""

    rings: Rings
    scale: np.ndarray
    place: np.ndarray
    velocity: np.ndarray
    angle: float
    spin: float
    growth: float

    def step(self) -> None:
        """Move on by a frame; bodies turn back before they leave the picture."""
        outside = np.abs(self.place + self.velocity - 0.5) > 0.34
        self.velocity = np.where(outside, -self.velocity, self.velocity)
        self.place = self.place + self.velocity
        self.angle += self.spin
        self.scale = self.scale * self.growth

    def mask(self, height: int, width: int) -> np.ndarray:
        """Draw the shape where it is now; H x W, bool."""
        turn = np.array([[np.cos(self.angle), -np.sin(self.angle)], [np.sin(self.angle), np.cos(self.angle)]])
        canvas = Image.new("1", (width, height))
        draw = ImageDraw.Draw(canvas)
        for number, ring in enumerate(self.rings):
            points = ((ring * self.scale @ turn.T) + self.place) * (width, height)
            draw.polygon([(float(x), float(y)) for x, y in points], fill=int(number == 0))
        return np.asarray(canvas)


def _body(rng: np.random.Generator, family: Family, span: tuple[float, float], speed: float) -> _Body:
    direction = rng.uniform(0, 2 * np.pi)
    return _Body(
        family(rng),
        float(np.exp(rng.uniform(*np.log(span)))) * np.exp(rng.uniform(-0.25, 0.25, 2)),
        rng.uniform(0.2, 0.8, 2),
        rng.uniform(0.1, 1.0) * speed * np.array([np.cos(direction), np.sin(direction)]),
        rng.uniform(0, 2 * np.pi),
        rng.uniform(-0.08, 0.08),
        float(np.exp(rng.uniform(-0.008, 0.008))),
    )


def draw_motion(
    seed: int | Sequence[int],
    count: int,
    height: int = 1024,
    width: int = 1024,
    objects: tuple[int, int] = (1, 4),
    families: dict[str, Family] = TRAINING,
    span: tuple[float, float] = (0.15, 0.45),
    speed: float = 0.02,
    max_fill: float = 1.0,
    style: Style = PLAIN,
) -> MovingScene:
    """Draw a video. The same arguments give the same one.

    Args:
        seed: anything ``numpy.random.default_rng`` takes.
        count: frames.
        height, width: size in pixels.
        objects: least and greatest number of objects; those that touch another at the start are left out.
        families: what to draw.
        span: least and greatest size of an object at the start, as a share of the picture.
        speed: greatest way of an object from frame to frame, as a share of the picture.
        max_fill: objects that fill more of their box than this at the start are drawn but not counted.
        style: how hard the frames are to read. Objects pass in front of each other in any style.
    """
    rng = np.random.default_rng(seed)
    background, colour = paint(rng, height, width, None, style)
    names = list(families)
    bodies: list[_Body] = []
    taken = np.zeros((height, width), bool)
    for _ in range(int(rng.integers(objects[0], objects[1] + 1))):
        body = _body(rng, families[names[int(rng.integers(len(names)))]], span, speed)
        mask = body.mask(height, width)
        if (mask & taken).any() or not mask.any():
            continue
        taken |= mask
        bodies.append(body)
    surfaces = [paint(rng, height, width, colour, style)[0] for _ in bodies]
    grain = rng.uniform(0, 10)
    frames, masks = [], []
    for _ in range(count):
        picture = np.broadcast_to(background, (height, width, 3)).copy()
        seen: list[np.ndarray] = []
        for body, surface in zip(bodies, surfaces, strict=True):
            mask = body.mask(height, width)
            picture = np.where(mask[..., None], surface, picture)
            seen = [*(other & ~mask for other in seen), mask]
            body.step()
        picture += rng.normal(0, grain, picture.shape).astype(np.float32)
        frames.append(np.clip(picture, 0, 255).astype(np.uint8))
        masks.append(np.array(seen, bool).reshape(-1, height, width))
    stacked = np.stack(masks)
    keep = [i for i in range(stacked.shape[1]) if box_fill(stacked[0, i]) <= max_fill]
    return MovingScene(np.stack(frames), stacked[:, keep])


def held_out_motion(
    count: int, frames: int = 30, height: int = 480, width: int = 640, seed: int = 20_261_125
) -> list[MovingScene]:
    """Return videos for evaluation: families and seeds that training never sees, as ``scenes.held_out_scenes``."""
    found: list[MovingScene] = []
    number = 0
    while len(found) < count:
        scene = draw_motion((seed, number), frames, height, width, (1, 3), HELD_OUT, max_fill=0.6)
        number += 1
        if scene.masks.shape[1]:
            found.append(scene)
    return found
