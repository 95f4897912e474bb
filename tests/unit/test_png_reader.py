"""PNG files of exports are read as Pillow reads them."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import pytest
from ansible_collections.annotation.server.plugins.module_utils import png_reader
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image


def png(image: Image.Image) -> bytes:
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def expected(image: Image.Image) -> list[int]:
    data = image.convert("RGB").tobytes()
    return [int(any(data[i : i + 3])) for i in range(0, len(data), 3)]


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "LA", "RGBA"])
def test_every_kind_of_pixels(mode: str) -> None:
    image = Image.new("RGB", (40, 30))
    for x in range(8, 31):
        for y in range(5, 22):
            image.putpixel((x, y), (x * 5, 128 if y % 3 else 0, 40))
    image = image.convert(mode, colors=8) if mode == "P" else image.convert(mode)
    assert list(png_reader.not_black(png(image))) == expected(image)


def filtered(rows: list[bytes], kind: int, channels: int) -> bytes:
    """Encode rows with one filter, straight from the specification."""
    data, above = b"", bytes(len(rows[0]))
    for row in rows:
        line = bytearray()
        for i, value in enumerate(row):
            left = row[i - channels] if i >= channels else 0
            corner = above[i - channels] if i >= channels else 0
            guess = left + above[i] - corner
            distances = [(abs(guess - left), left), (abs(guess - above[i]), above[i]), (abs(guess - corner), corner)]
            nearest = min(distances, key=lambda pair: pair[0])[1]
            line.append((value - [0, left, above[i], (left + above[i]) // 2, nearest][kind]) & 255)
        data += bytes([kind]) + line
        above = row

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", len(rows[0]) // channels, len(rows), 8, {1: 0, 3: 2}[channels], 0, 0, 0)
    return png_reader.SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


@given(st.integers(0, 4), st.sampled_from([1, 3]), st.binary(min_size=48, max_size=48))
def test_every_filter(kind: int, channels: int, pixels: bytes) -> None:
    rows = [pixels[i : i + 12] for i in range(0, 48, 12)]
    content = filtered(rows, kind, channels)
    assert list(png_reader.not_black(content)) == expected(Image.open(BytesIO(content)))


def test_size() -> None:
    assert png_reader.size(png(Image.new("L", (7, 3)))) == (7, 3)


@pytest.mark.parametrize("content", [b"", b"GIF89a", png(Image.new("1", (8, 8)))])
def test_what_cannot_be_read_is_said(content: bytes) -> None:
    with pytest.raises(ValueError, match="PNG"):
        png_reader.not_black(content)
