"""Outlines of synthetic shapes, as closed polygons in a unit square centred on zero (x right, y down).

A shape is a list of rings: the first is filled, the others are holes. ``HELD_OUT`` families are never drawn in
training; evaluation and tests use them to ask for what the model has not seen.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Rings = list[np.ndarray]
Family = Callable[[np.random.Generator], Rings]


def _polar(angles: np.ndarray, radii: np.ndarray | float) -> np.ndarray:
    return np.stack([np.cos(angles) * radii, np.sin(angles) * radii], axis=1)


def _turn(count: int) -> np.ndarray:
    return np.linspace(0.0, 2 * np.pi, count, endpoint=False)


def _band(centre_line: np.ndarray, half_width: np.ndarray | float) -> np.ndarray:
    """Give a line a width: the outline of a stroke along ``centre_line`` (N x 2)."""
    along = np.gradient(centre_line, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-9
    across = np.stack([-along[:, 1], along[:, 0]], axis=1) * np.reshape(half_width, (-1, 1))
    return np.concatenate([centre_line + across, (centre_line - across)[::-1]])


def ellipse(rng: np.random.Generator) -> Rings:
    """Circle; stretching makes it an ellipse."""
    return [_polar(_turn(48), 0.5)]


def rectangle(rng: np.random.Generator) -> Rings:
    """Rectangle with sides of any ratio."""
    w, h = 0.5, rng.uniform(0.12, 0.5)
    return [np.array([[-w, -h], [w, -h], [w, h], [-w, h]])]


def polygon(rng: np.random.Generator) -> Rings:
    """Convex or nearly convex polygon with three to eight corners."""
    n = int(rng.integers(3, 9))
    return [_polar(_turn(n) + rng.uniform(-0.3, 0.3, n) * 2 / n, rng.uniform(0.38, 0.5, n))]


def star(rng: np.random.Generator) -> Rings:
    """Star with four to nine points."""
    n = int(rng.integers(4, 10))
    radii = np.where(np.arange(2 * n) % 2 == 0, 0.5, rng.uniform(0.14, 0.32))
    return [_polar(_turn(2 * n), radii)]


def ring(rng: np.random.Generator) -> Rings:
    """Ring or frame: a shape with a hole."""
    n = int(rng.choice([4, 6, 40]))
    return [_polar(_turn(n), 0.5), _polar(_turn(n), rng.uniform(0.2, 0.38))]


def crescent(rng: np.random.Generator) -> Rings:
    """Moon: part of a circle, bounded by a second arc."""
    half, bite = rng.uniform(0.8, 1.5), rng.uniform(0.1, 0.75)
    outer = np.linspace(half - np.pi, np.pi - half, 40)
    arc = _polar(outer, 0.5)
    inner = arc[::-1].copy()
    inner[:, 0] = arc[0, 0] + (inner[:, 0] - arc[0, 0]) * bite
    return [np.concatenate([arc, inner])]


def blob(rng: np.random.Generator) -> Rings:
    """Smooth blob with bays and bulges."""
    angles = _turn(72)
    radii = np.ones_like(angles)
    for k in range(2, 7):
        radii += rng.normal(0, 0.55 / k) * np.cos(k * angles + rng.uniform(0, 2 * np.pi))
    radii = np.clip(radii, 0.25, None)
    return [_polar(angles, 0.5 * radii / radii.max())]


def corner(rng: np.random.Generator) -> Rings:
    """The letter L."""
    t = rng.uniform(0.18, 0.45)
    return [np.array([[0, 0], [t, 0], [t, 1 - t], [1, 1 - t], [1, 1], [0, 1]]) - 0.5]


def tee(rng: np.random.Generator) -> Rings:
    """The letter T."""
    t, s = rng.uniform(0.16, 0.4), rng.uniform(0.08, 0.2)
    return [np.array([[0, 0], [1, 0], [1, t], [0.5 + s, t], [0.5 + s, 1], [0.5 - s, 1], [0.5 - s, t], [0, t]]) - 0.5]


def cross(rng: np.random.Generator) -> Rings:
    """Plus sign."""
    a = rng.uniform(0.1, 0.22)
    quarter = [[a, 0.5], [a, a], [0.5, a], [0.5, -a], [a, -a], [a, -0.5]]
    return [np.array(quarter + [[-x, -y] for x, y in quarter])]


def wave(rng: np.random.Generator) -> Rings:
    """Thick wavy stroke."""
    x = np.linspace(-0.45, 0.45, 40)
    y = rng.uniform(0.08, 0.3) * np.sin(x * rng.uniform(4, 14) + rng.uniform(0, 6))
    return [_band(np.stack([x, y], axis=1), rng.uniform(0.05, 0.14))]


def bay(rng: np.random.Generator) -> Rings:
    """The letter U, or C when turned."""
    t = rng.uniform(0.15, 0.3)
    return [np.array([[0, 0], [t, 0], [t, 1 - t], [1 - t, 1 - t], [1 - t, 0], [1, 0], [1, 1], [0, 1]]) - 0.5]


def heart(rng: np.random.Generator) -> Rings:
    """Heart."""
    t = _turn(60)
    x = 16 * np.sin(t) ** 3
    y = -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t))
    return [np.stack([x, y], axis=1) / 34]


def arrow(rng: np.random.Generator) -> Rings:
    """Arrow with a head wider than its shaft."""
    s, neck = rng.uniform(0.06, 0.12), rng.uniform(-0.05, 0.2)
    half = [[-0.5, -s], [neck, -s], [neck, -0.34], [0.5, 0.0]]
    return [np.array(half + [[x, -y] for x, y in half[2::-1]])]


def bolt(rng: np.random.Generator) -> Rings:
    """Lightning bolt."""
    points = [[0.1, -0.5], [-0.25, 0.08], [-0.02, 0.08], [-0.12, 0.5], [0.27, -0.1], [0.04, -0.1], [0.3, -0.5]]
    return [np.array(points)]


def spiral(rng: np.random.Generator) -> Rings:
    """One and a half turns of a spiral stroke."""
    t = np.linspace(0.8, 0.8 + rng.uniform(2.4, 3.2) * np.pi, 90)
    return [_band(_polar(t, 0.42 * t / t[-1]), np.linspace(0.04, 0.075, t.size))]


def propeller(rng: np.random.Generator) -> Rings:
    """Rose with three to five petals."""
    angles = _turn(120)
    petals = int(rng.integers(3, 6))
    return [_polar(angles, 0.5 * (0.22 + 0.78 * np.abs(np.cos(petals * angles / 2)) ** rng.uniform(1.2, 2.5)))]


TRAINING: dict[str, Family] = {
    f.__name__: f for f in (ellipse, rectangle, polygon, star, ring, crescent, blob, corner, tee, cross, wave, bay)
}
HELD_OUT: dict[str, Family] = {f.__name__: f for f in (heart, arrow, bolt, spiral, propeller)}
