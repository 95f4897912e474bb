"""Reads PNG files as exports hold them: size, and which pixels are not black. Standard library only."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Channels by colour type (ISO/IEC 15948, 11.2.2).
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def size(content: bytes) -> tuple[int, int]:
    """Return width and height in pixels.

    Raises:
        ValueError: it is no PNG.
    """
    if not content.startswith(SIGNATURE) or content[12:16] != b"IHDR":
        raise ValueError("it is no PNG")
    width, height = struct.unpack(">II", content[16:24])
    return int(width), int(height)


def not_black(content: bytes) -> bytearray:
    """Return one byte per pixel, row by row: 1 where the colour is not black, or the palette's colour is not.

    Raises:
        ValueError: it is no PNG of 8 bits per channel without interlacing.
    """
    width, height = size(content)
    depth, kind, _compression, _filter, interlace = content[24:29]
    if depth != 8 or interlace or kind not in CHANNELS:
        raise ValueError(f"PNG with {depth} bits, colour type {kind}, interlacing {interlace} cannot be read here")
    palette, data = b"", b""
    for name, chunk in _chunks(content):
        if name == b"PLTE":
            palette = chunk
        elif name == b"IDAT":
            data += chunk
    channels = CHANNELS[kind]
    pixels = _unfiltered(zlib.decompress(data), width, height, channels)
    if kind == 3:
        shown = [any(palette[3 * i : 3 * i + 3]) for i in range(256)]
        return bytearray(shown[value] for value in pixels)
    colours = channels - (kind in (4, 6))  # without transparency
    planes = [pixels[i::channels] for i in range(colours)]
    return bytearray(1 if any(values) else 0 for values in zip(*planes, strict=True))


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = len(SIGNATURE)
    while position + 8 <= len(content):
        length, name = struct.unpack(">I4s", content[position : position + 8])
        yield name, content[position + 8 : position + 8 + length]
        position += length + 12


def _unfiltered(data: bytes, width: int, height: int, channels: int) -> bytearray:
    """Undo the filters of the rows (ISO/IEC 15948, 9.2)."""
    stride = width * channels
    if len(data) != height * (stride + 1):
        raise ValueError("the PNG's rows are not complete")
    rows, above = bytearray(), bytearray(stride)
    for y in range(height):
        start = y * (stride + 1)
        kind, row = data[start], bytearray(data[start + 1 : start + 1 + stride])
        if kind == 1:
            for i in range(channels, stride):
                row[i] = (row[i] + row[i - channels]) & 255
        elif kind == 2:
            row = bytearray((a + b) & 255 for a, b in zip(row, above, strict=True))
        elif kind in (3, 4):
            for i in range(stride):
                left = row[i - channels] if i >= channels else 0
                corner = above[i - channels] if i >= channels else 0
                guess = (left + above[i]) // 2 if kind == 3 else _paeth(left, above[i], corner)
                row[i] = (row[i] + guess) & 255
        elif kind != 0:
            raise ValueError(f"the PNG has a row of filter {kind}, which does not exist")
        rows += row
        above = row
    return rows


def _paeth(left: int, up: int, corner: int) -> int:
    """Return whichever neighbour is nearest to left + up - corner."""
    guess = left + up - corner
    far_left, far_up, far_corner = abs(guess - left), abs(guess - up), abs(guess - corner)
    if far_left <= far_up and far_left <= far_corner:
        return left
    return up if far_up <= far_corner else corner
