"""A picture with a known shape in it, and what one needs to judge a mask of it.

Standard library only, so that it runs on any target. Masks are ``bytearray`` of ``width * height`` values 0 or 1,
row by row from the top; points are (x, y) in pixels from the upper left corner.
"""

from __future__ import annotations

import base64
import math
import random
import struct
import zlib
from dataclasses import dataclass
from typing import Any

SHAPE_COLOUR = (236, 190, 70)
BACKGROUND = (52, 72, 96)
HIGHLIGHT = (214, 40, 140)
WHITE = (255, 255, 255)


@dataclass(frozen=True)
class KnownPicture:
    """An RGB picture (``3 * width * height`` bytes) and the mask of the one shape that it shows."""

    width: int
    height: int
    rgb: bytes
    mask: bytearray
    centre: tuple[int, int]
    box: tuple[int, int, int, int]

    @property
    def extremes(self) -> list[tuple[int, int]]:
        """Four points of the shape's edge: the uppermost, the leftmost, the lowest and the rightmost one."""
        left, top, right, bottom = self.box
        inside = [i for i, value in enumerate(self.mask) if value]

        def middle(found: list[int]) -> tuple[int, int]:
            y, x = divmod(found[len(found) // 2], self.width)
            return x, y

        return [
            middle([i for i in inside if i // self.width == top]),
            middle([i for i in inside if i % self.width == left]),
            middle([i for i in inside if i // self.width == bottom]),
            middle([i for i in inside if i % self.width == right]),
        ]


def inside_polygon(x: float, y: float, corners: list[tuple[float, float]]) -> bool:
    """Tell whether a point lies inside a polygon (even-odd rule)."""
    inside = False
    for (x1, y1), (x2, y2) in zip(corners, corners[1:] + corners[:1], strict=True):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside


def draw(width: int = 640, height: int = 480, seed: int = 7, shift: tuple[int, int] = (0, 0)) -> KnownPicture:
    """Draw a star with five points on a grainy background.

    A star fills less than half of its bounding box, so a mask that merely repeats the box is found out.
    The same arguments always give the same bytes.

    Args:
        width: of the picture.
        height: of the picture.
        seed: of the grain.
        shift: how far the star is moved, in pixels to the right and down.
    """
    grain = random.Random(seed)  # noqa: S311 - texture, not a secret
    centre = (width * 0.54 + shift[0], height * 0.47 + shift[1])
    outer, inner = height * 0.38, height * 0.17
    corners = [
        (
            centre[0] + (outer, inner)[i % 2] * math.sin(i * math.pi / 5),
            centre[1] - (outer, inner)[i % 2] * math.cos(i * math.pi / 5),
        )
        for i in range(10)
    ]
    shades = [
        [bytes(min(255, max(0, c + noise)) for c in colour) for noise in range(-14, 15)]
        for colour in (BACKGROUND, SHAPE_COLOUR)
    ]
    pixels, mask = [], bytearray(width * height)
    columns, rows = [width, 0], [height, 0]
    for y in range(height):
        for x in range(width):
            is_near = abs(x + 0.5 - centre[0]) <= outer and abs(y + 0.5 - centre[1]) <= outer
            is_shape = is_near and inside_polygon(x + 0.5, y + 0.5, corners)
            if is_shape:
                mask[y * width + x] = 1
                columns = [min(columns[0], x), max(columns[1], x)]
                rows = [min(rows[0], y), max(rows[1], y)]
            pixels.append(shades[is_shape][grain.randrange(29)])
    return KnownPicture(
        width,
        height,
        b"".join(pixels),
        mask,
        (round(centre[0]), round(centre[1])),
        (columns[0], rows[0], columns[1], rows[1]),
    )


def encode_png(width: int, height: int, pixels: bytes, channels: int = 3) -> bytes:
    """Encode 8-bit RGB (3 channels) or RGBA (4 channels) pixels as PNG (ISO/IEC 15948), without filters."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    stride = width * channels
    rows = b"".join(b"\0" + pixels[y * stride : (y + 1) * stride] for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, {3: 2, 4: 6}[channels], 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 6)) + chunk(b"IEND", b"")


def decode_answer(answer: dict[str, Any], width: int, height: int) -> bytearray:
    """Read an interactor's answer: ``mask`` (rows of 0 and 1) or ``shapes`` (run lengths of a crop), united.

    Source: CVAT's serverless contract. Run lengths start with a run of zeros and end with left, top, right, bottom,
    all inclusive.

    Raises:
        ValueError: the answer has neither form, or its size is not that of the picture.
    """
    if answer.get("mask") is not None:
        rows = answer["mask"]
        if len(rows) != height or any(len(row) != width for row in rows):
            size = f"{len(rows[0]) if rows else 0}x{len(rows)}"
            raise ValueError(f"the mask is {size} pixels, the picture {width}x{height}")
        return bytearray(1 if value else 0 for row in rows for value in row)
    shapes = [shape for shape in answer.get("shapes") or [] if shape.get("type") == "mask"]
    if not shapes:
        raise ValueError(f"the answer holds neither 'mask' nor a mask in 'shapes' (its keys: {sorted(answer)})")
    mask = bytearray(width * height)
    for shape in shapes:
        *runs, left, top, right, bottom = (int(value) for value in shape["points"])
        if not (0 <= left <= right < width and 0 <= top <= bottom < height):
            raise ValueError(f"a mask's box {left},{top},{right},{bottom} lies outside the picture {width}x{height}")
        crop_width, position, value = right - left + 1, 0, 0
        if sum(runs) != crop_width * (bottom - top + 1):
            raise ValueError("a mask's run lengths do not fill its box")
        for run in runs:
            if value:
                for i in range(position, position + run):
                    mask[(top + i // crop_width) * width + left + i % crop_width] = 1
            position, value = position + run, 1 - value
    return mask


def intersection_over_union(a: bytearray, b: bytearray) -> float:
    """Return the IoU of two masks of the same size; 0 when both are empty."""
    both = sum(1 for x, y in zip(a, b, strict=True) if x and y)
    either = sum(1 for x, y in zip(a, b, strict=True) if x or y)
    return both / either if either else 0.0


def encode_overlay(width: int, height: int, mask: bytearray, box: tuple[int, int, int, int]) -> bytes:
    """Encode an answer as a PNG to lay over its picture: the mask translucent, its border and the asked box drawn."""
    pixels = bytearray(4 * width * height)

    def paint(index: int, color: tuple[int, int, int], alpha: int) -> None:
        pixels[4 * index : 4 * index + 4] = bytes((*color, alpha))

    left, top, right, bottom = box
    for y in range(max(top, 0), min(bottom + 1, height)):
        for x in range(max(left, 0), min(right + 1, width)):
            if min(x - left, right - x, y - top, bottom - y) < 2 and (x + y) // 8 % 2:
                paint(y * width + x, WHITE, 255)
    for i, value in enumerate(mask):
        if value:
            x = i % width
            around = (
                mask[j] if 0 <= j < len(mask) else 0 for j in (i - 2 * width, i - width, i + width, i + 2 * width)
            )
            beside = (mask[i + d] if 0 <= x + d < width else 0 for d in (-2, -1, 1, 2))
            paint(i, HIGHLIGHT, 130 if all(around) and all(beside) else 255)
    return encode_png(width, height, bytes(pixels), channels=4)


def data_uri(content: bytes, media_type: str = "image/png") -> str:
    """Return a file as a ``data:`` address, for a web page in one file."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"
