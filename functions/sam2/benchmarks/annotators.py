"""Several annotators at one worker, each on a picture of their own."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from training.scenes import held_out_scenes

from .ways import OurWay, request


def annotators(worker: OurWay, count: int, clicks: int, height: int, width: int) -> dict[str, Any]:
    """Let ``count`` annotators click at once; returns clicks per second and latencies in milliseconds."""
    scenes = held_out_scenes(count, height, width, seed=11)
    bodies = [request(scene.picture, scene.boxes()[0]) for scene in scenes]
    for body in bodies:
        worker(body)

    def one(body: bytes) -> list[float]:
        seconds = []
        for _ in range(clicks):
            started = time.perf_counter()
            worker(body)
            seconds.append(time.perf_counter() - started)
        return seconds

    started = time.perf_counter()
    with ThreadPoolExecutor(count) as pool:
        seconds = np.concatenate(list(pool.map(one, bodies)))
    elapsed = time.perf_counter() - started
    return {
        "count": count,
        "clicks per second": round(len(seconds) / elapsed, 1),
        "p50": round(float(np.median(seconds)) * 1e3, 1),
        "p95": round(float(np.quantile(seconds, 0.95)) * 1e3, 1),
    }
