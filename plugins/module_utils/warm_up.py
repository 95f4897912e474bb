"""Embedding all pictures of a CVAT task before the first click: what it needs, in which steps, and doing it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ansible_collections.annotation.server.plugins.module_utils.cvat_api import CvatError

# In memory an embedding is kept with what the mask decoder made of it already.
MEMORY_FACTOR = 22 / 16


class Client(Protocol):
    """What is needed of the API client (see :mod:`cvat_api`)."""

    def get(self, path: str, query: dict[str, Any] | None = None) -> Any:
        """Return the parsed answer of a GET."""

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Return the parsed answer of a POST."""


class WarmUpError(Exception):
    """It cannot be done; the message says what to do."""


@dataclass(frozen=True)
class Frame:
    """One picture of the task: its number and its size in pixels."""

    number: int
    width: int
    height: int


def frames_of(client: Client, task: int, wanted: str = "") -> list[Frame]:
    """Return the frames of a task that are not deleted, or of them those in a range ("0-99" or "7").

    Raises:
        WarmUpError: the task has no frames there, or there is no such task.
    """
    try:
        meta = client.get(f"/api/tasks/{task}/data/meta")
    except CvatError as error:
        if error.status == 404:
            raise WarmUpError(f"CVAT has no task {task}, or this user must not see it.") from error
        raise
    count = int(meta["size"])
    first, last = _range(wanted, count)
    deleted = set(meta.get("deleted_frames") or [])
    sizes = meta["frames"]
    found = []
    for number in range(first, last + 1):
        if number not in deleted:
            # A video has one entry for all of its frames.
            size = sizes[number] if len(sizes) == count else sizes[0]
            found.append(Frame(number, size["width"], size["height"]))
    if not found:
        raise WarmUpError(f"Task {task} has {count} frames, and none of them from {first} to {last} to embed.")
    return found


def _range(wanted: str, count: int) -> tuple[int, int]:
    if not wanted:
        return 0, count - 1
    match = re.fullmatch(r"(\d+)(?:-(\d+))?", wanted.strip())
    if not match:
        raise WarmUpError(f"{wanted!r} is no range of frames; write 0-99, or one number.")
    first, last = int(match[1]), int(match[2] or match[1])
    return first, min(last, count - 1)


def batches(frames: list[Frame], size: int) -> list[dict[str, Any]]:
    """Cut frames into batches: their range as text, and how many frames come before."""
    return [
        {"frames": f"{frames[start].number}-{frames[min(start + size, len(frames)) - 1].number}", "done": start}
        for start in range(0, len(frames), size)
    ]


@dataclass(frozen=True)
class Room:
    """How much the embeddings need, and whether the function keeps them all.

    Args:
        summary: both in one sentence.
        fits: false only if it is known that not all are kept.
        cure: what to do then; empty otherwise.
    """

    summary: str
    fits: bool
    cure: str


def room_for(count: int, mib_per_frame: int, environment: Mapping[str, str]) -> Room:
    """Compare what ``count`` embeddings need with what a function keeps.

    Args:
        count: frames.
        mib_per_frame: size of an embedding.
        environment: the function's settings; empty if they are not known.
    """
    on_disk = bool(str(environment.get("CACHE_DIR") or "").strip())
    name, each = ("CACHE_DIR_MIB", float(mib_per_frame)) if on_disk else ("CACHE_MIB", mib_per_frame * MEMORY_FACTOR)
    needed = round(count * each)
    place = "on disk" if on_disk else "in memory"
    summary = f"{count} frames need {needed} MiB {place} ({each:g} MiB each)."
    given = str(environment.get(name) or "")
    if not given.isdecimal():
        return Room(f"{summary} How much the function keeps is not known here.", True, "")
    if int(given) >= needed:
        return Room(f"{summary} The function keeps {given} MiB.", True, "")
    kept = int(int(given) / each)
    cure = (
        f"{summary} The function keeps {given} MiB, which is the last {kept} frames. Set {name} to {needed} in the "
        f"function's env (nuclio_functions) and deploy it with --tags models, or warm up fewer frames: "
        f"-e warm_up_frames=0-{max(kept - 1, 0)}."
    )
    return Room(f"{summary} The function keeps only {given} MiB.", False, cure)


def embed(client: Client, function: str, task: int, frames: list[Frame]) -> Iterator[float]:
    """Click once in the middle of every frame; yields the seconds that each took.

    Raises:
        WarmUpError: a frame was refused; names it.
    """
    for frame in frames:
        middle = [frame.width // 2, frame.height // 2]
        body = {"task": task, "frame": frame.number, "pos_points": [middle], "neg_points": [], "obj_bbox": []}
        started = time.monotonic()
        try:
            client.post(f"/api/lambda/functions/{function}", body)
        except CvatError as error:
            raise WarmUpError(
                f"Frame {frame.number} of task {task}: {error} See 'docker logs nuclio-nuclio-{function}'."
            ) from error
        yield time.monotonic() - started
