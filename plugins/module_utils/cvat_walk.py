"""The last chapters of the guide, walked through CVAT's API: tasks, models of every kind, saving, exports read back.

Each method is one check. Paths and fields as in CVAT 2.80. What it makes is removed by :meth:`CvatWalk.clean_up`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from ansible_collections.annotation.server.plugins.module_utils import annotation_shapes as shapes
from ansible_collections.annotation.server.plugins.module_utils import dataset_exports as exports
from ansible_collections.annotation.server.plugins.module_utils import model_trials
from ansible_collections.annotation.server.plugins.module_utils.checklist import CheckFailed
from ansible_collections.annotation.server.plugins.module_utils.cvat_checks import TASK_NAME, remove_tasks
from ansible_collections.annotation.server.plugins.module_utils.figures import Figure
from ansible_collections.annotation.server.plugins.module_utils.known_picture import KnownPicture

#: Names of the tasks, the mark by which the next run finds what a killed one left behind.
TASKS = {where: f"{TASK_NAME}: {where}" for where in ("share", "bucket")}
LONGEST_EXPORT = 300.0


class Client(Protocol):
    """What the walk needs of the API client (see :mod:`cvat_api`)."""

    def get(self, path: str, query: dict[str, Any] | None = None) -> Any:
        """Return the parsed answer of a GET."""

    def post(self, path: str, body: dict[str, Any], query: dict[str, Any] | None = None) -> Any:
        """Return the parsed answer of a POST."""

    def patch(self, path: str, body: dict[str, Any], query: dict[str, Any] | None = None) -> Any:
        """Change an object."""

    def delete(self, path: str) -> Any:
        """Delete an object."""

    def download(self, path: str, query: dict[str, Any] | None = None) -> bytes:
        """Return a file."""

    def list_all(self, path: str, query: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return the objects of every page."""

    def wait_for_request(self, request_id: str, timeout: float, kind: str) -> dict[str, Any]:
        """Wait until a background request has ended."""


@dataclass
class CvatWalk:
    """One walk. ``names`` are the pictures' names in share and bucket, ``pictures`` what is known of them."""

    client: Client
    names: Sequence[str]
    pictures: Sequence[KnownPicture | None]
    functions: Sequence[Mapping[str, Any]] = ()
    made: list[int] = field(default_factory=list)  # tasks
    task: int = 0  # the one that is annotated, of those
    frames: list[dict[str, Any]] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)
    drawn: list[dict[str, Any]] = field(default_factory=list)  # what prompts gave, to be saved
    saved: dict[str, shapes.Picture] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)
    latencies: list[dict[str, Any]] = field(default_factory=list)
    exported: list[dict[str, Any]] = field(default_factory=list)

    def list_functions(self) -> str:
        """Ask CVAT for all models, to try each."""
        self.functions = self.client.get(model_trials.FUNCTIONS)
        counts = Counter(str(function["kind"]) for function in self.functions)
        return ", ".join(f"{kind}: {count}" for kind, count in sorted(counts.items())) or "CVAT lists none"

    def create_task(self, where: str, storage: int | None = None) -> str:
        """Make a task from the pictures in the share or in the bucket, and open its first picture."""
        wanted = [{"name": str(item["id"]), "attributes": []} for item in self.functions] or [{"name": "object"}]
        task = self.client.post("/api/tasks", {"name": TASKS[where], "labels": wanted})["id"]
        self.made.append(task)
        data: dict[str, Any] = {"server_files": list(self.names), "image_quality": 100, "use_cache": True}
        data |= {"cloud_storage_id": storage} if storage is not None else {}
        request = self.client.post(f"/api/tasks/{task}/data", data)
        state = self.client.wait_for_request(request["rq_id"], 120, "/api/requests")
        if state["status"] != "finished":
            raise CheckFailed(
                f"CVAT could not make a task from the {where}: {state.get('message') or state['status']}",
                "See 'docker logs cvat_worker_import' on the server.",
            )
        frames = self.client.get(f"/api/tasks/{task}/data/meta")["frames"]
        content = self.client.download(f"/api/tasks/{task}/data", {"type": "frame", "number": 0, "quality": "original"})
        size = (frames[0]["width"], frames[0]["height"])
        if [frame["name"] for frame in frames] != list(self.names):
            raise CheckFailed(
                f"the task has {', '.join(frame['name'] for frame in frames)} instead of {', '.join(self.names)}",
                "See 'docker logs cvat_worker_import' on the server.",
            )
        if exports.png_or_jpeg_size(content) not in (size, (0, 0)) or not content:
            raise CheckFailed(
                f"the first picture of the task from the {where} cannot be opened ({len(content)} bytes)",
                "See 'docker logs cvat_worker_chunks' on the server.",
            )
        labels = self.client.list_all("/api/labels", {"task_id": task})
        self.task, self.frames, self.labels = task, frames, {label["name"]: label["id"] for label in labels}
        return f"{len(frames)} pictures of {size[0]}x{size[1]} pixels from the {where}, and they open"

    def try_model(self, function: Mapping[str, Any]) -> str:
        """Ask one model as its kind wants it; keep what it drew, its pictures and its times."""
        found = model_trials.WAYS[function["kind"]](self._trial(function))
        self.figures.append(found.figure)
        self.latencies += found.latencies
        self.drawn += [self._shape(function["id"], frame, kind, points) for frame, kind, points in found.drawn]
        return found.figure.text

    def _trial(self, function: Mapping[str, Any]) -> model_trials.Trial:
        label = self.labels.get(function["id"], 0)
        return model_trials.Trial(self.client, function, self.task, self.frames, self.pictures, label)

    def save(self) -> str:
        """Save what the prompts gave beside what the detectors found, and read all of it back."""
        if not self.drawn:  # no model draws anything: a box of our own
            frame = self.frames[0]
            label = next(iter(self.labels))
            self.drawn.append(self._shape(label, 0, "rectangle", [1.5, 2.25, frame["width"] / 2, frame["height"] / 2]))
        before = self._annotations()["shapes"]
        body = {"version": 0, "tags": [], "shapes": self.drawn, "tracks": []}
        self.client.patch(f"/api/tasks/{self.task}/annotations", body, {"action": "create"})
        after = self._annotations()
        known = {shape["id"] for shape in before}
        new = [shape for shape in after["shapes"] if shape["id"] not in known]
        key = _geometry
        if sorted(map(key, new)) != sorted(map(key, self.drawn)) or len(after["shapes"]) != len(before) + len(new):
            raise CheckFailed(
                f"{len(self.drawn)} shapes were saved, and {len(new)} came back, or other ones",
                "See 'docker logs cvat_server' on the server.",
            )
        names = {number: name for name, number in self.labels.items()}
        self.saved = shapes.of_cvat(after, self.frames, names)
        return f"{len(new)} drawn and {len(before)} detected shapes came back as they were saved"

    def export(self, kind: exports.Format) -> str:
        """Export with pictures, download, read back, and compare with what CVAT has."""
        started = time.monotonic()
        cure = "See 'docker logs cvat_worker_export' on the server."
        query = {"format": kind.name, "save_images": "true"}
        request = self.client.post(f"/api/tasks/{self.task}/dataset/export", {}, query)
        state = self.client.wait_for_request(request["rq_id"], LONGEST_EXPORT, "/api/requests")
        if state["status"] != "finished" or not state.get("result_url"):
            reason = (state.get("message") or state["status"]).strip().splitlines()[-1]
            raise CheckFailed(f"CVAT could not export as {kind.name}: {reason}", cure)
        # The address names the host as people see it, which need not be reachable from here.
        url = urlsplit(state["result_url"])
        content = self.client.download(url.path, dict(parse_qsl(url.query)))
        try:
            found = kind.read(exports.unpack(content))
            wrong = exports.differences(kind, found, self.saved, self.labels)
        except (ValueError, KeyError, IndexError, SyntaxError) as problem:
            raise CheckFailed(f"the export as {kind.name} cannot be read: {problem!r}", cure) from problem
        figures = {
            "format": kind.name,
            "bytes": len(content),
            "images": len(found.images),
            "boxes": sum(len(picture.boxes) for picture in found.pictures.values()),
            "masks": sum(len(picture.masks) or bool(picture.covered) for picture in found.pictures.values()),
            "polygons": sum(len(picture.polygons) for picture in found.pictures.values()),
            "labels": len(found.labels),
            "seconds": round(time.monotonic() - started, 3),
            "state": "failed" if wrong else "ok",
        }
        self.exported.append(figures)
        if wrong:
            more = f" (and {len(wrong) - 3} more)" if len(wrong) > 3 else ""
            raise CheckFailed(f"the export as {kind.name} differs from the task: {'; '.join(wrong[:3])}{more}", cure)
        return (
            f"{figures['images']} pictures, {figures['boxes']} boxes, {figures['masks']} masks, "
            f"{figures['polygons']} polygons: as in the task"
        )

    def clean_up(self) -> list[int]:
        """Remove the walk's tasks, also those that an earlier run left behind; return their numbers."""
        gone = remove_tasks(self.client, TASKS.values(), self.made)
        self.made.clear()
        return gone

    def _annotations(self) -> Any:
        return self.client.get(f"/api/tasks/{self.task}/annotations")

    def _shape(self, label: str, frame: int, kind: str, points: Sequence[float]) -> dict[str, Any]:
        return {
            "type": kind,
            "frame": frame,
            "label_id": self.labels[label],
            "points": [float(value) for value in points],
            "occluded": False,
            "outside": False,
            "z_order": 0,
            "rotation": 0.0,
            "group": 0,
            "source": "semi-auto",
            "attributes": [],
        }


def _geometry(shape: Mapping[str, Any]) -> tuple[Any, ...]:
    points = tuple(round(float(value), 2) for value in shape["points"])
    return shape["frame"], shape["label_id"], shape["type"], points
