"""Counts and latencies of the last requests, in a fixed amount of memory."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

import numpy as np

LAST = 512


class Figures:
    """Remembers how often something happened and how long the last 512 times took."""

    def __init__(self) -> None:
        self._started = time.time()
        self._counts: dict[str, int] = {}
        self._seconds: dict[str, deque[float]] = {}

    def count(self, name: str, seconds: float) -> None:
        """Count one occurrence."""
        self._counts[name] = self._counts.get(name, 0) + 1
        self._seconds.setdefault(name, deque(maxlen=LAST)).append(seconds)

    def summary(self) -> dict[str, Any]:
        """Return counts, and median and 95th percentile of latencies in milliseconds."""
        latency = {
            name: {
                "p50": round(float(np.median(values)) * 1e3, 1),
                "p95": round(float(np.quantile(values, 0.95)) * 1e3, 1),
            }
            for name, values in self._seconds.items()
        }
        return {"uptime_s": round(time.time() - self._started), "requests": dict(self._counts), "latency_ms": latency}
