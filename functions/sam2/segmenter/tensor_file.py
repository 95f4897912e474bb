"""Tensors as bytes: a line of JSON (what they are, shapes, types, checksum), then the numbers as they lie in memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import torch


def pack(tensors: Sequence[torch.Tensor], about: dict[str, Any]) -> bytes:
    """Write tensors and a few facts about them (JSON values) as bytes."""
    parts = [tensor.detach().cpu().contiguous().reshape(-1) for tensor in tensors]
    body = b"".join(part.view(torch.uint8).numpy().tobytes() for part in parts)
    header = {
        "about": about,
        "types": [str(part.dtype).removeprefix("torch.") for part in parts],
        "shapes": [list(tensor.shape) for tensor in tensors],
        "checksum": hashlib.blake2b(body).hexdigest(),
    }
    return json.dumps(header).encode() + b"\n" + body


def unpack(content: bytes) -> tuple[list[torch.Tensor], dict[str, Any]]:
    """Read what ``pack`` wrote; the tensors are on the CPU and share memory.

    Raises:
        ValueError, KeyError, TypeError, AttributeError, RuntimeError: the bytes are damaged.
    """
    end = content.index(b"\n")
    header = json.loads(content[:end])
    body = memoryview(content)[end + 1 :]
    if hashlib.blake2b(body).hexdigest() != header["checksum"]:
        raise ValueError("the checksum does not match")
    tensors, start = [], 0
    raw = bytearray(body)
    for name, shape in zip(header["types"], header["shapes"], strict=True):
        dtype = getattr(torch, name)
        size = torch.Size(shape).numel()
        tensors.append(torch.frombuffer(raw, dtype=dtype, count=size, offset=start).view(shape))
        start += size * dtype.itemsize
    return tensors, header["about"]


DAMAGE = (ValueError, KeyError, TypeError, AttributeError, RuntimeError)
