"""How far a host's clock can be trusted. Reads only."""

from __future__ import annotations

import ctypes
import struct
import time
from typing import Any

# systemd's limit too: the kernel calls a clock synchronised while its largest possible error is below 16 s.
LARGEST_ERROR_US = 16_000_000


def is_synchronised() -> bool | None:
    """Ask the kernel whether somebody keeps the clock right (source: adjtimex(2)); None where it cannot be asked."""
    # struct timex is at most 208 bytes; with `modes` 0 nothing is set. maxerror (microseconds) is its fourth word.
    buffer = ctypes.create_string_buffer(256)
    try:
        if ctypes.CDLL(None, use_errno=True).adjtimex(buffer) < 0:
            return None
    except (OSError, AttributeError):
        return None
    return struct.unpack_from("l", buffer, 3 * struct.calcsize("l"))[0] < LARGEST_ERROR_US


def describe(control_time: float) -> dict[str, Any]:
    """Compare with the control node's clock (seconds since 1970; 0 for no comparison)."""
    offset = round(time.time() - control_time, 1) if control_time else 0.0
    return {"offset": offset, "synchronised": is_synchronised()}
