"""The last chapters of the guide, walked through CVAT's API: tasks, models of every kind, saving, exports read back.

Each method is one check. Paths and fields as in CVAT 2.80. What it makes is removed by :meth:`CvatWalk.clean_up`.
"""

from __future__ import annotations

import base64
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from ansible_collections.annotation.server.plugins.module_utils import annotation_shapes as shapes
from ansible_collections.annotation.server.plugins.module_utils import dataset_exports as exports
from ansible_collections.annotation.server.plugins.module_utils.checklist import CheckFailed
from ansible_collections.annotation.server.plugins.module_utils.cvat_checks import TASK_NAME, remove_tasks
from ansible_collections.annotation.server.plugins.module_utils.figures import Figure
from ansible_collections.annotation.server.plugins.module_utils.known_picture import (
    KnownPicture,
    decode_answer,
    intersection_over_union,
)

#: Names of the tasks, the mark by which the next run finds what a killed one left behind.
TASKS = {where: f"{TASK_NAME}: {where}" for where in ("share", "bucket")}
FUNCTIONS = "/api/lambda/functions"
REQUESTS = "/api/lambda/requests"
LONGEST_EXPORT = 300.0
LONGEST_DETECTION = 600.0


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
        self.functions = self.client.get(FUNCTIONS)
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
        if len(frames) != len(self.names) or exports.png_or_jpeg_size(content) not in (size, (0, 0)) or not content:
            raise CheckFailed(
                f"the task has {len(frames)} pictures, and the first one cannot be opened ({len(content)} bytes)",
                "See 'docker logs cvat_worker_chunks' on the server.",
            )
        labels = self.client.list_all("/api/labels", {"task_id": task})
        self.task, self.frames, self.labels = task, frames, {label["name"]: label["id"] for label in labels}
        return f"{len(frames)} pictures of {size[0]}x{size[1]} pixels from the {where}, and they open"

    def detect(self, function: Mapping[str, Any]) -> str:
        """Annotate the task automatically by one detector."""
        name = function["id"]
        mapping = {
            label["name"]: {"name": name, "attributes": {}}
            for label in function.get("labels_v2") or []
            if label.get("type") != "skeleton"
        }
        if not mapping:
            raise CheckFailed(
                f"{name} says of no label that it finds it",
                "Its function.yaml must list labels in the annotation spec.",
            )
        before = self._annotations()
        started = time.monotonic()
        body = {"function": name, "task": self.task, "cleanup": False, "mapping": mapping}
        request = self.client.post(REQUESTS, body)
        state = self.client.wait_for_request(request["id"], LONGEST_DETECTION, REQUESTS)
        seconds = time.monotonic() - started
        if state["status"] != "finished":
            reason = (state.get("exc_info") or state["status"]).strip().splitlines()[-1]
            raise CheckFailed(f"automatic annotation by {name} failed: {reason}", _log_of(name))
        known = {shape["id"] for shape in before["shapes"]}
        found = [shape for shape in self._annotations()["shapes"] if shape["id"] not in known]
        if wrong := [shape for shape in found if shape["label_id"] != self.labels.get(name)]:
            raise CheckFailed(f"{len(wrong)} shapes of {name} have a label that was not asked for", _log_of(name))
        self.latencies.append({"name": f"{name}: a picture", "seconds": round(seconds / len(self.frames), 3)})
        self.figures.append(Figure.of_shapes(function, 0, [shape for shape in found if shape["frame"] == 0]))
        text = f"{len(found)} shapes in {len(self.frames)} pictures"
        if not found:
            text += "; the drawn star is nothing that it knows (verify_picture takes a photo)"
        self.figures[-1].text = text
        return text

    def prompt(self, function: Mapping[str, Any]) -> str:
        """Ask an interactor for a mask, with as many points and boxes as it wants, and keep the answer."""
        name, size = function["id"], (self.frames[0]["width"], self.frames[0]["height"])
        asked = prompt_for(function, self.pictures[0], size)
        started = time.monotonic()
        answer = self.client.post(f"{FUNCTIONS}/{name}", {"task": self.task, "frame": 0, **asked})
        seconds = round(time.monotonic() - started, 3)
        self.latencies.append({"name": f"{name}: a prompt", "seconds": seconds})
        figure = Figure(str(function.get("name") or name), str(function["kind"]), 0, size, seconds=seconds)
        figure.points, figure.box = [*asked["pos_points"]], [end for corner in asked["obj_bbox"] for end in corner]
        self.figures.append(figure)
        if blob := answer.get("blob") if isinstance(answer, dict) else None:
            # SAM 1: the browser makes the mask of it.
            try:
                length = len(base64.b64decode(blob, validate=True))
            except ValueError as problem:
                raise CheckFailed(f"the embedding that {name} sent is damaged: {problem}", _log_of(name)) from problem
            figure.text = f"an embedding of {length} bytes, which the browser makes masks of"
            return figure.text
        try:
            mask = decode_answer(answer, *size)
        except (ValueError, AttributeError) as problem:
            raise CheckFailed(f"the answer of {name} is no mask of the picture: {problem}", _log_of(name)) from problem
        if not any(mask):
            raise CheckFailed(f"the mask of {name} is empty", _log_of(name))
        figure.mask = mask
        figure.text = f"a mask of {sum(mask)} pixels"
        if known := self.pictures[0]:
            figure.text += f", IoU with the known star {intersection_over_union(mask, known.mask):.3f}"
        points = shapes.cvat_mask(mask, size[0])
        self.drawn.append(self._shape(name, 0, "mask", points))
        return figure.text

    def track(self, function: Mapping[str, Any]) -> str:
        """Give a tracker a box in the first picture and let it find that in the next one."""
        name, size = function["id"], (self.frames[0]["width"], self.frames[0]["height"])
        if "rectangle" not in (function.get("supported_shape_types") or ["rectangle"]):
            raise CheckFailed(f"{name} follows no rectangles, which CVAT's sidebar gives it", _log_of(name))
        known, after = self.pictures[0], self.pictures[-1]
        box = list(known.box if known else (size[0] // 4, size[1] // 4, 3 * size[0] // 4, 3 * size[1] // 4))
        place = f"{FUNCTIONS}/{name}"
        started = time.monotonic()
        first = {"task": self.task, "frame": 0, "shapes": [{"type": "rectangle", "points": box}]}
        answer = self.client.post(place, first)
        middle = time.monotonic()
        answer = self.client.post(place, {"task": self.task, "frame": 1, "states": answer["states"]})
        seconds = time.monotonic() - middle
        self.latencies.append({"name": f"{name}: first picture", "seconds": round(middle - started, 3)})
        self.latencies.append({"name": f"{name}: next picture", "seconds": round(seconds, 3)})
        found = answer.get("shapes") or [None]
        if not found[0]:
            raise CheckFailed(f"{name} lost the box in the next picture", _log_of(name))
        points = [float(value) for value in (found[0]["points"] if isinstance(found[0], dict) else found[0])]
        if len(points) != 4 or not (0 <= points[0] < points[2] <= size[0] and 0 <= points[1] < points[3] <= size[1]):
            raise CheckFailed(f"{name} answers {points}, which is no box in the picture", _log_of(name))
        text = "found again in the next picture"
        if after:
            agreement = box_iou(points, after.box)
            text = f"the star's box found again in the next picture, IoU {agreement:.3f}"
            if agreement < 0.3:
                raise CheckFailed(f"{name} follows something else: IoU {agreement:.3f} with the star", _log_of(name))
        figure = Figure(str(function.get("name") or name), "tracker", len(self.names) - 1, size, round(seconds, 3))
        figure.box, figure.text = box, text
        figure.shapes = [{"type": "rectangle", "points": points}]
        self.figures.append(figure)
        self.drawn += [self._shape(name, 0, "rectangle", box), self._shape(name, 1, "rectangle", points)]
        return text

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


def prompt_for(function: Mapping[str, Any], known: KnownPicture | None, size: tuple[int, int]) -> dict[str, list[Any]]:
    """Return the prompt that a person would give this interactor: its points, and its box where it begins with one."""
    width, height = size
    box = known.box if known else (width // 4, height // 4, 3 * width // 4, 3 * height // 4)
    centre = known.centre if known else (width // 2, height // 2)
    starts_with_box = bool(function.get("startswith_box")) and not function.get("startswith_box_optional")
    count = max(int(function.get("min_pos_points") or 0), 0 if starts_with_box else 1)
    # One point lies inside; several lie on the edge, as those of DEXTR.
    middle_x, middle_y = (box[0] + box[2]) // 2, (box[1] + box[3]) // 2
    sides = [(middle_x, box[1]), (box[0], middle_y), (middle_x, box[3]), (box[2], middle_y)]
    edge = known.extremes if known else sides
    positive = [centre] if count == 1 else [*edge, *[centre] * max(count - 4, 0)][:count]
    corners = [(width // 32, height // 32), (width - width // 32 - 1, height // 32)]
    negative = corners[: max(int(function.get("min_neg_points") or 0), 0)]
    return {
        "pos_points": [list(point) for point in positive],
        "neg_points": [list(point) for point in negative],
        "obj_bbox": [[box[0], box[1]], [box[2], box[3]]] if starts_with_box else [],
    }


def box_iou(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the IoU of two boxes: left, top, right, bottom."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(width, 0) * max(height, 0)
    either = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both
    return both / either if either else 0.0


def _geometry(shape: Mapping[str, Any]) -> tuple[Any, ...]:
    points = tuple(round(float(value), 2) for value in shape["points"])
    return shape["frame"], shape["label_id"], shape["type"], points


def _log_of(function: str) -> str:
    return f"See 'docker logs nuclio-nuclio-{function}' on the server, then run site.yml with --tags models."
