"""The checks of the verify stage that go through CVAT's REST API, as a person's clicks do.

Whatever they make in CVAT (one task) is removed by :meth:`CvatChecks.clean_up`, also after a failure.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.annotation.server.plugins.module_utils.checklist import CheckFailed, CheckSkipped
from ansible_collections.annotation.server.plugins.module_utils.figures import Figure
from ansible_collections.annotation.server.plugins.module_utils.known_picture import (
    KnownPicture,
    decode_answer,
    intersection_over_union,
)

TASK_NAME = "annotation.server verify"
BOX = "first prompt: a box"


class Client(Protocol):
    """What the checks need of the API client (see :mod:`cvat_api`)."""

    def get(self, path: str, query: dict[str, Any] | None = None) -> Any:
        """Return the parsed answer of a GET."""

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Return the parsed answer of a POST."""

    def delete(self, path: str) -> Any:
        """Delete an object."""

    def list_all(self, path: str, query: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return the objects of every page."""

    def wait_for_request(self, request_id: str, timeout: float) -> dict[str, Any]:
        """Wait until a background request has finished."""


@dataclass
class CvatChecks:
    """One walk through CVAT. Each method is one check and may use what an earlier one found."""

    client: Client
    picture_name: str
    picture: KnownPicture | None = None
    storage_id: int | None = None
    task_id: int | None = None
    size: tuple[int, int] = (0, 0)
    mask: bytearray | None = None
    box: tuple[int, int, int, int] = (0, 0, 0, 0)  # the prompt that gave it
    prompt: str = ""
    figures: list[Figure] = field(default_factory=list)
    latencies: list[dict[str, Any]] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)

    def health(self) -> str:
        """Every part of CVAT says that it works."""
        cure = "See 'docker logs cvat_server' on the server; after an upgrade migrations can take minutes."
        parts = self.client.get("/api/server/health/", {"format": "json"})
        broken = {name: state for name, state in parts.items() if state != "working"}
        if broken:
            details = "; ".join(f"{name}: {state}" for name, state in broken.items())
            if any("disk" in name.lower() for name in broken):
                cure = "CVAT refuses to log in when a disk is 90 % full: free space, or docker image prune."
            raise CheckFailed(details, cure)
        self.versions["CVAT"] = self.client.get("/api/server/about")["version"]
        return f"CVAT {self.versions['CVAT']}: {len(parts)} parts work"

    def serverless(self) -> str:
        """CVAT was started with the serverless file: the menu shows Models, and the API knows functions."""
        if not self.client.get("/api/server/plugins").get("MODELS"):
            raise CheckFailed(
                "CVAT runs without models: its serverless file was left out, so the Models page is missing",
                "Run site.yml with --tags cvat, which always reads both files of the release.",
            )
        return "CVAT knows that there is Nuclio"

    def cloud_storage(self, bucket: str) -> str:
        """CVAT knows the bucket and reaches it with its key."""
        cure = "Run site.yml with --tags object_storage."
        storages = [item for item in self.client.list_all("/api/cloudstorages") if item["resource"] == bucket]
        if not storages:
            raise CheckFailed(f"no cloud storage in CVAT for the bucket '{bucket}'", cure)
        status = self.client.get(f"/api/cloudstorages/{storages[0]['id']}/status")
        if status != "AVAILABLE":
            raise CheckFailed(f"CVAT says that the bucket '{bucket}' is {status}", cure)
        self.storage_id = storages[0]["id"]
        return f"'{storages[0]['display_name']}' is available in CVAT"

    def functions(self, asked: list[str], deployed: dict[str, str]) -> str:
        """CVAT lists the models that were asked for and those that were deployed (id and container's state)."""
        cure = "Run site.yml with --tags models; 'docker logs nuclio-nuclio-NAME' tells why a model does not start."
        wanted = [*asked, *sorted(deployed.keys() - set(asked))]
        if stopped := [f"{name} is {state}" for name, state in sorted(deployed.items()) if state != "running"]:
            raise CheckFailed(", ".join(stopped), cure)
        listed = {item["id"]: item for item in self.client.get("/api/lambda/functions")}
        missing = [name for name in wanted if name not in listed]
        if missing:
            have = ", ".join(sorted(listed)) or "none"
            raise CheckFailed(f"CVAT does not list {', '.join(missing)} (it lists: {have})", cure)
        if not wanted:
            raise CheckSkipped("no model is asked for in verify_functions")
        return ", ".join(f"{name} ({listed[name]['kind']})" for name in wanted)

    def create_task(self) -> str:
        """A task is made from a picture in the bucket (or in the share, without object storage)."""
        cure = "See 'docker logs cvat_worker_import' on the server."
        task = self.client.post("/api/tasks", {"name": TASK_NAME, "labels": [{"name": "object", "attributes": []}]})
        self.task_id = task["id"]
        data: dict[str, Any] = {"server_files": [self.picture_name], "image_quality": 100, "use_cache": True}
        if self.storage_id is not None:
            data["cloud_storage_id"] = self.storage_id
        request = self.client.post(f"/api/tasks/{self.task_id}/data", data)
        state = self.client.wait_for_request(request["rq_id"], timeout=120)
        if state["status"] != "finished":
            raise CheckFailed(f"CVAT could not make a task: {state.get('message') or state['status']}", cure)
        frame = self.client.get(f"/api/tasks/{self.task_id}/data/meta")["frames"][0]
        self.size = (frame["width"], frame["height"])
        source = "the bucket" if self.storage_id is not None else "the share"
        return f"a task with one picture of {self.size[0]}x{self.size[1]} pixels from {source}"

    def ask(self, function: str, name: str, **prompt: Any) -> bytearray:
        """Send one prompt and return the mask; notes how long it took."""
        body = {"task": self.task_id, "frame": 0, "pos_points": [], "neg_points": [], "obj_bbox": [], **prompt}
        started = time.monotonic()
        answer = self.client.post(f"/api/lambda/functions/{function}", body)
        self.latencies.append({"name": name, "seconds": round(time.monotonic() - started, 3)})
        try:
            return decode_answer(answer, *self.size)
        except ValueError as problem:
            raise CheckFailed(
                f"the answer to {name} is no mask of the picture: {problem}",
                f"See 'docker logs nuclio-nuclio-{function}' on the server.",
            ) from problem

    def masks(self, function: str, minimum_iou: float) -> str:
        """Prompts come back as masks of the picture's size, around what was clicked, and not always the same."""
        width, height = self.size
        if self.picture:
            inside, other, box = self.picture.centre, (width // 16, height // 16), self.picture.box
        else:
            inside, other = (width // 2, height // 2), (width // 8, height // 8)
            box = (width // 4, height // 4, 3 * width // 4, 3 * height // 4)
        corners = [[box[0], box[1]], [box[2], box[3]]]
        from_box = self.ask(function, BOX, obj_bbox=corners)
        from_point = self.ask(function, "second prompt: a point", pos_points=[list(inside)])
        elsewhere = self.ask(function, "third prompt: another point", pos_points=[list(other)])
        self.mask, self.box = from_box, box
        self.prompt = f"Box {box[0]},{box[1]} to {box[2]},{box[3]}, answered by {function}."
        seconds = next(item["seconds"] for item in self.latencies if item["name"] == BOX)
        figure = Figure(function, "interactor", 0, self.size, seconds, f"a box gives {sum(from_box)} pixels")
        figure.mask, figure.box = from_box, [float(end) for end in box]
        self.figures.append(figure)
        cure = f"The model answers, but not with sensible masks: check MODEL and MODEL_CFG of '{function}'."
        if not any(from_box):
            raise CheckFailed("the mask of the box is empty", cure)
        if not from_point[inside[1] * width + inside[0]]:
            raise CheckFailed(f"the mask does not hold the point {inside} that was clicked", cure)
        if from_point == elsewhere:
            raise CheckFailed(f"the points {inside} and {other} give the same mask", cure)
        summary = f"a box gives {sum(from_box)} pixels, a point {sum(from_point)}"
        if self.picture:
            iou = intersection_over_union(from_box, self.picture.mask)
            summary += f", IoU of the box's mask with the known star {iou:.3f}"
            if iou < minimum_iou:
                raise CheckFailed(f"{summary}; at least {minimum_iou} is asked for (verify_minimum_iou)", cure)
        return summary

    def clean_up(self) -> list[int]:
        """Remove what the checks made in CVAT, also what an earlier run left behind; return the tasks' numbers."""
        gone = remove_tasks(self.client, [TASK_NAME], [self.task_id] if self.task_id is not None else [])
        self.task_id = None
        return gone


def remove_tasks(client: Any, names: Collection[str], known: Iterable[int]) -> list[int]:
    """Remove tasks that are known, and every other of one of these names; return their numbers."""
    found = client.list_all("/api/tasks", {"search": TASK_NAME})
    tasks = sorted({*known, *(item["id"] for item in found if item["name"] in names)})
    for task in tasks:
        client.delete(f"/api/tasks/{task}")
    return tasks
