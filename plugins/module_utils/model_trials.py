"""One model asked through CVAT's API as the interface asks it: a detector, an interactor, a tracker."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ansible_collections.annotation.server.plugins.module_utils.annotation_shapes import cvat_mask
from ansible_collections.annotation.server.plugins.module_utils.checklist import CheckFailed
from ansible_collections.annotation.server.plugins.module_utils.figures import Figure
from ansible_collections.annotation.server.plugins.module_utils.known_picture import (
    KnownPicture,
    decode_answer,
    intersection_over_union,
)

FUNCTIONS = "/api/lambda/functions"
REQUESTS = "/api/lambda/requests"
LONGEST_DETECTION = 600.0
#: IoU with the star below which a tracker follows something else.
LEAST_AGREEMENT = 0.3


class Client(Protocol):
    """What a trial needs of the API client (see :mod:`cvat_api`)."""

    def get(self, path: str, query: dict[str, Any] | None = None) -> Any:
        """Return the parsed answer of a GET."""

    def post(self, path: str, body: dict[str, Any], query: dict[str, Any] | None = None) -> Any:
        """Return the parsed answer of a POST."""

    def wait_for_request(self, request_id: str, timeout: float, kind: str) -> dict[str, Any]:
        """Wait until a background request has ended."""


@dataclass(frozen=True)
class Trial:
    """One model, and the task on which it is tried: its frames, what is known of them, and the label for answers."""

    client: Client
    function: Mapping[str, Any]
    task: int
    frames: Sequence[Mapping[str, Any]]
    pictures: Sequence[KnownPicture | None]
    label: int

    @property
    def name(self) -> str:
        """The model's id."""
        return str(self.function["id"])

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the pictures."""
        return int(self.frames[0]["width"]), int(self.frames[0]["height"])

    def ask(self, **body: Any) -> tuple[Any, float]:
        """Send one request and return the answer and the seconds that it took."""
        started = time.monotonic()
        answer = self.client.post(f"{FUNCTIONS}/{self.name}", {"task": self.task, **body})
        return answer, round(time.monotonic() - started, 3)

    def figure(self, frame: int, seconds: float | None, text: str) -> Figure:
        """Return a figure with the model's name."""
        title = str(self.function.get("name") or self.name)
        return Figure(title, str(self.function["kind"]), frame, self.size, seconds, text)

    def failed(self, problem: str) -> CheckFailed:
        """Return the failure, with where to look."""
        log = f"See 'docker logs nuclio-nuclio-{self.name}' on the server, then run site.yml with --tags models."
        return CheckFailed(problem, log)


@dataclass
class Found:
    """What a model answered, and what of it is to be saved: frame, type, points."""

    figure: Figure
    latencies: list[dict[str, Any]]
    drawn: Sequence[tuple[int, str, Sequence[float]]] = ()


def detect(trial: Trial) -> Found:
    """Annotate the task automatically; CVAT saves what is found itself."""
    name, annotations = trial.name, f"/api/tasks/{trial.task}/annotations"
    mapping = {
        label["name"]: {"name": name, "attributes": {}}
        for label in trial.function.get("labels_v2") or []
        if label.get("type") != "skeleton"
    }
    if not mapping:
        cure = "Its function.yaml must list labels in the annotation spec."
        raise CheckFailed(f"{name} says of no label that it finds it", cure)
    known = {shape["id"] for shape in trial.client.get(annotations)["shapes"]}
    started = time.monotonic()
    body = {"function": name, "task": trial.task, "cleanup": False, "mapping": mapping}
    request = trial.client.post(REQUESTS, body)
    state = trial.client.wait_for_request(request["id"], LONGEST_DETECTION, REQUESTS)
    seconds = time.monotonic() - started
    if state["status"] != "finished":
        reason = (state.get("exc_info") or state["status"]).strip().splitlines()[-1]
        raise trial.failed(f"automatic annotation by {name} failed: {reason}")
    found = [shape for shape in trial.client.get(annotations)["shapes"] if shape["id"] not in known]
    if wrong := [shape for shape in found if shape["label_id"] != trial.label]:
        raise trial.failed(f"{len(wrong)} shapes of {name} have a label that was not asked for")
    text = f"{len(found)} shapes in {len(trial.frames)} pictures"
    if not found:
        text += "; the drawn star is nothing that it knows (verify_picture takes a photo)"
    each = round(seconds / len(trial.frames), 3)
    figure = trial.figure(0, each, text)
    figure.shapes = [shape for shape in found if shape["frame"] == 0]
    return Found(figure, [{"name": f"{name}: a picture", "seconds": each}])


def prompt(trial: Trial) -> Found:
    """Ask for a mask, with as many points and boxes as the interactor wants."""
    name, known = trial.name, trial.pictures[0]
    asked = prompt_for(trial.function, known, trial.size)
    answer, seconds = trial.ask(frame=0, **asked)
    figure = trial.figure(0, seconds, "")
    figure.points, figure.box = asked["pos_points"], [end for corner in asked["obj_bbox"] for end in corner]
    found = Found(figure, [{"name": f"{name}: a prompt", "seconds": seconds}])
    if blob := answer.get("blob") if isinstance(answer, dict) else None:
        # SAM 1: the browser makes the mask of it.
        try:
            length = len(base64.b64decode(blob, validate=True))
        except ValueError as problem:
            raise trial.failed(f"the embedding that {name} sent is damaged: {problem}") from problem
        figure.text = f"an embedding of {length} bytes, which the browser makes masks of"
        return found
    try:
        mask = decode_answer(answer, *trial.size)
    except (ValueError, AttributeError) as problem:
        raise trial.failed(f"the answer of {name} is no mask of the picture: {problem}") from problem
    if not any(mask):
        raise trial.failed(f"the mask of {name} is empty")
    figure.mask, figure.text = mask, f"a mask of {sum(mask)} pixels"
    if known:
        figure.text += f", IoU with the known star {intersection_over_union(mask, known.mask):.3f}"
    found.drawn = [(0, "mask", cvat_mask(mask, trial.size[0]))]
    return found


def track(trial: Trial) -> Found:
    """Give a tracker a box in the first picture and let it find that in the next one."""
    name, (width, height) = trial.name, trial.size
    if "rectangle" not in (trial.function.get("supported_shape_types") or ["rectangle"]):
        raise trial.failed(f"{name} follows no rectangles, which CVAT's sidebar gives it")
    known, after = trial.pictures[0], trial.pictures[-1]
    box = list(known.box if known else (width // 4, height // 4, 3 * width // 4, 3 * height // 4))
    answer, first = trial.ask(frame=0, shapes=[{"type": "rectangle", "points": box}])
    answer, second = trial.ask(frame=1, states=answer["states"])
    found = (answer.get("shapes") or [None])[0]
    if not found:
        raise trial.failed(f"{name} lost the box in the next picture")
    points = [float(value) for value in (found["points"] if isinstance(found, dict) else found)]
    if len(points) != 4 or not (0 <= points[0] < points[2] <= width and 0 <= points[1] < points[3] <= height):
        raise trial.failed(f"{name} answers {points}, which is no box in the picture")
    text = "found again in the next picture"
    if after:
        agreement = box_iou(points, after.box)
        text = f"the star's box found again in the next picture, IoU {agreement:.3f}"
        if agreement < LEAST_AGREEMENT:
            raise trial.failed(f"{name} follows something else: IoU {agreement:.3f} with the star")
    figure = trial.figure(1, second, text)
    figure.box, figure.shapes = box, [{"type": "rectangle", "points": points}]
    times = [(f"{name}: first picture", first), (f"{name}: next picture", second)]
    latencies = [{"name": what, "seconds": seconds} for what, seconds in times]
    return Found(figure, latencies, [(0, "rectangle", box), (1, "rectangle", points)])


WAYS: dict[str, Callable[[Trial], Found]] = {"detector": detect, "interactor": prompt, "tracker": track}


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
