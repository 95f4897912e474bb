"""The walk from pictures to exports passes on a good CVAT, and names what a bad one does."""

from __future__ import annotations

import base64
import time
from typing import Any
from urllib.parse import quote

import pytest
from ansible_collections.annotation.server.plugins.module_utils import annotation_shapes as shapes
from ansible_collections.annotation.server.plugins.module_utils import cvat_walk, model_trials
from ansible_collections.annotation.server.plugins.module_utils import dataset_exports as exports
from ansible_collections.annotation.server.plugins.module_utils import known_picture as kp
from ansible_collections.annotation.server.plugins.module_utils.checklist import CheckFailed
from stand_in_formats import archive

SIZE = (64, 48)
STARS = [kp.draw(*SIZE), kp.draw(*SIZE, shift=(4, 2))]
PICTURES = [kp.encode_png(*SIZE, star.rgb) for star in STARS]
NAMES = ["verify-1.png", "verify-2.png"]
SAM = {"id": "sam2", "kind": "interactor", "name": "SAM 2", "min_pos_points": 1}
DEXTR = {"id": "dextr", "kind": "interactor", "min_pos_points": 4}
YOLO = {"id": "yolo", "kind": "detector", "labels_v2": [{"name": "car", "type": "rectangle"}]}
TRACKER = {"id": "follow", "kind": "tracker", "supported_shape_types": ["rectangle", "mask"]}
FUNCTIONS = [SAM, DEXTR, YOLO, TRACKER]


class Cvat:
    """A CVAT with tasks, annotations and exports in memory; tests change what it does."""

    def __init__(self) -> None:
        self.tasks: dict[int, dict[str, Any]] = {}
        self.labels: list[dict[str, Any]] = []
        self.saved: list[dict[str, Any]] = []
        self.bodies: list[tuple[str, Any]] = []
        self.deleted: list[str] = []
        self.states: dict[str, dict[str, Any]] = {}
        self.found = [{"type": "rectangle", "frame": 0, "points": [1.0, 2.0, 30.0, 40.0]}]
        self.detected_as = "yolo"
        self.mask: Any = None
        self.answers: dict[str, Any] = {}
        self.tracked: Any = {"type": "rectangle", "points": [float(end) for end in STARS[1].box]}
        self.frame = PICTURES[0]
        self.loses = 0  # shapes that are not saved
        self.spoils: dict[str, bytes] = {}

    def number(self, label: str) -> int:
        return next(item["id"] for item in self.labels if item["name"] == label)

    def list_all(self, path: str, query: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        return self.labels if path == "/api/labels" else list(self.tasks.values())

    def get(self, path: str, query: dict[str, Any] | None = None) -> Any:
        if path.endswith("/annotations"):
            return {"shapes": [dict(shape) for shape in self.saved]}
        return {"frames": [{"name": name, "width": SIZE[0], "height": SIZE[1]} for name in NAMES]}

    def post(self, path: str, body: dict[str, Any], query: dict[str, Any] | None = None) -> Any:
        self.bodies.append((path, body))
        if path == "/api/tasks":
            number = 7 + len(self.tasks)
            self.tasks[number] = {"id": number, "name": body["name"]}
            self.labels = [{"id": 100 + i, "name": label["name"]} for i, label in enumerate(body["labels"])]
            return {"id": number}
        if path == "/api/lambda/requests":
            number = self.number(self.detected_as)
            for shape in self.found:
                self.saved.append({"id": len(self.saved) + 1, "label_id": number, **shape})
            return {"id": "detection"}
        if path.endswith("/dataset/export"):
            return {"rq_id": f"export&{query and query['format']}"}
        if path.endswith("/data"):
            return {"rq_id": "data"}
        function = path.rpartition("/")[2]
        if function in self.answers:
            return self.answers[function]
        if function == "follow":
            return {"shapes": [self.tracked], "states": ["signed"]}
        star = STARS[0].mask if self.mask is None else self.mask
        return {"mask": [list(star[row * SIZE[0] : (row + 1) * SIZE[0]]) for row in range(SIZE[1])]}

    def patch(self, path: str, body: dict[str, Any], query: dict[str, Any] | None = None) -> Any:
        assert query == {"action": "create"}
        for shape in body["shapes"][self.loses :]:
            self.saved.append({"id": len(self.saved) + 1, **shape})

    def delete(self, path: str) -> None:
        self.deleted.append(path)
        del self.tasks[int(path.rpartition("/")[2])]

    def download(self, path: str, query: dict[str, Any] | None = None) -> bytes:
        if path.endswith("/data"):
            return self.frame
        assert path == "/api/tasks/7/dataset/download" and query
        frames = [
            {"name": name, "width": SIZE[0], "height": SIZE[1], "content": content}
            for name, content in zip(NAMES, PICTURES, strict=True)
        ]
        names = [item["name"] for item in self.labels]
        shown = [{**shape, "label_id": shape["label_id"] - 100} for shape in self.saved]
        return archive(query["rq_id"].partition("&")[2], frames, names, shown, **self.spoils)

    def wait_for_request(self, request_id: str, timeout: float, kind: str) -> dict[str, Any]:
        url = f"http://cvat.lan:8080/api/tasks/7/dataset/download?rq_id={quote(request_id)}"
        return self.states.get(request_id, {"status": "finished", "result_url": url})


def walk(cvat: Cvat, task: bool = True) -> cvat_walk.CvatWalk:
    made = cvat_walk.CvatWalk(cvat, NAMES, STARS, FUNCTIONS)
    if task:
        made.create_task("share")
    return made


def test_a_good_server() -> None:
    cvat = Cvat()
    made = walk(cvat, task=False)
    assert made.create_task("share") == "2 pictures of 64x48 pixels from the share, and they open"
    assert made.try_model(YOLO) == "1 shapes in 2 pictures"
    assert made.try_model(SAM).endswith("IoU with the known star 1.000")
    assert "a mask of" in made.try_model(DEXTR)
    assert made.try_model(TRACKER).endswith("IoU 1.000")
    assert made.save() == "4 drawn and 1 detected shapes came back as they were saved"
    for kind in exports.FORMATS:
        assert "as in the task" in made.export(kind)
    assert [item["state"] for item in made.exported] == ["ok"] * 4
    assert [item["boxes"] for item in made.exported] == [3, 3, 3, 3]
    assert len(made.figures) == 4 and len(made.latencies) == 5
    assert made.clean_up() == [7] and not cvat.tasks


def test_the_task_of_the_bucket_names_its_storage() -> None:
    cvat = Cvat()
    walk(cvat, task=False).create_task("bucket", 3)
    data = dict(cvat.bodies)["/api/tasks/7/data"]
    assert data["cloud_storage_id"] == 3 and data["server_files"] == NAMES


def test_what_a_killed_run_left_is_removed_and_nothing_else() -> None:
    cvat = Cvat()
    names = [*cvat_walk.TASKS.values(), "annotation.server verify: share of mine", "cats"]
    cvat.tasks = {number: {"id": number, "name": name} for number, name in enumerate(names)}
    assert walk(cvat, task=False).clean_up() == [0, 1]
    assert cvat.deleted == ["/api/tasks/0", "/api/tasks/1"]


def test_prompts_as_each_interactor_wants_them() -> None:
    assert model_trials.prompt_for(SAM, STARS[0], SIZE)["pos_points"] == [list(STARS[0].centre)]
    four = model_trials.prompt_for(DEXTR, STARS[0], SIZE)["pos_points"]
    assert [STARS[0].mask[y * SIZE[0] + x] for x, y in four] == [1] * 4
    left, top, right, bottom = STARS[0].box
    assert (four[0][1], four[1][0], four[2][1], four[3][0]) == (top, left, bottom, right)
    boxed = model_trials.prompt_for({"startswith_box": True, "min_pos_points": 0, "min_neg_points": 1}, None, SIZE)
    assert boxed == {"pos_points": [], "neg_points": [[2, 1]], "obj_bbox": [[16, 12], [48, 36]]}
    optional = {"startswith_box": True, "startswith_box_optional": True}
    assert model_trials.prompt_for(optional, None, SIZE) == {"pos_points": [[32, 24]], "neg_points": [], "obj_bbox": []}


def test_an_embedding_for_the_browser() -> None:
    cvat = Cvat()
    cvat.answers["sam2"] = {"blob": base64.b64encode(bytes(1024)).decode()}
    assert "an embedding of 1024 bytes" in walk(cvat).try_model(SAM)
    cvat.answers["sam2"] = {"blob": "no base64!"}
    with pytest.raises(CheckFailed, match="embedding that sam2 sent is damaged"):
        walk(cvat).try_model(SAM)


def test_a_tracker_gets_typed_shapes_then_states() -> None:
    cvat = Cvat()
    walk(cvat).try_model(TRACKER)
    (_, first), (_, second) = [item for item in cvat.bodies if item[0].endswith("/follow")]
    assert first == {"task": 7, "frame": 0, "shapes": [{"type": "rectangle", "points": [*STARS[0].box]}]}
    assert second == {"task": 7, "frame": 1, "states": ["signed"]}


def test_a_detector_that_finds_nothing_is_said() -> None:
    cvat = Cvat()
    cvat.found = []
    assert "nothing that it knows" in walk(cvat).try_model(YOLO)


def failing(**changes: Any) -> Cvat:
    cvat = Cvat()
    for name, value in changes.items():
        setattr(cvat, name, value)
    return cvat


@pytest.mark.parametrize(
    ("cvat", "step", "words"),
    [
        (
            failing(states={"detection": {"status": "failed", "exc_info": "Traceback\nHTTPError: 500 Server Error"}}),
            lambda w: w.try_model(YOLO),
            "automatic annotation by yolo failed: HTTPError: 500 Server Error",
        ),
        (
            failing(detected_as="sam2"),
            lambda w: w.try_model(YOLO),
            "1 shapes of yolo have a label that was not asked for",
        ),
        (Cvat(), lambda w: w.try_model({**YOLO, "labels_v2": []}), "yolo says of no label that it finds it"),
        (failing(mask=bytearray(64 * 48)), lambda w: w.try_model(SAM), "the mask of sam2 is empty"),
        (failing(answers={"sam2": {"mask": [[1]]}}), lambda w: w.try_model(SAM), "is no mask of the picture: .*1x1"),
        (failing(answers={"sam2": "oops"}), lambda w: w.try_model(SAM), "is no mask of the picture"),
        (failing(tracked=None), lambda w: w.try_model(TRACKER), "follow lost the box"),
        (
            failing(tracked={"points": [0, 0, 5, 5]}),
            lambda w: w.try_model(TRACKER),
            "follows something else: IoU 0.000",
        ),
        (failing(tracked={"points": [9, 9, 5, 500]}), lambda w: w.try_model(TRACKER), "which is no box in the picture"),
        (Cvat(), lambda w: w.try_model({**TRACKER, "supported_shape_types": ["mask"]}), "follows no rectangles"),
        (failing(loses=1), lambda w: [w.try_model(SAM), w.save()], "1 shapes were saved, and 0 came back"),
    ],
)
def test_models_and_saving_that_fail(cvat: Cvat, step: Any, words: str) -> None:
    with pytest.raises(CheckFailed, match=words) as caught:
        step(walk(cvat))
    assert caught.value.cure


@pytest.mark.parametrize(
    ("cvat", "words"),
    [
        (failing(states={"data": {"status": "failed", "message": "No media data found"}}), "No media data found"),
        (failing(frame=b""), "cannot be opened .0 bytes"),
        (failing(frame=kp.encode_png(2, 2, bytes(12))), "cannot be opened"),
    ],
)
def test_tasks_that_fail(cvat: Cvat, words: str) -> None:
    with pytest.raises(CheckFailed, match=words):
        walk(cvat)


def exported(cvat: Cvat, kind: str = "COCO 1.0") -> str:
    made = walk(cvat)
    made.try_model(SAM)
    made.save()
    return made.export(next(each for each in exports.FORMATS if each.name == kind))


def test_an_export_that_fails() -> None:
    state = {"status": "failed", "message": "Traceback\nKeyError: 'x'"}
    with pytest.raises(CheckFailed, match=r"could not export as COCO 1.0: KeyError: 'x'") as caught:
        exported(failing(states={"export&COCO 1.0": state}))
    assert "cvat_worker_export" in caught.value.cure


def test_an_export_that_is_wrong() -> None:
    with pytest.raises(
        CheckFailed,
        match=r"differs from the task: the label .* is missing; it is about x instead of verify-1, verify-2",
    ):
        exported(
            failing(
                spoils={
                    "annotations.xml": b"<annotations><image id='0' name='x.png' width='1' height='1'/>"
                    b"<meta><labels/></meta></annotations>"
                }
            ),
            "CVAT for images 1.1",
        )


def test_an_export_that_cannot_be_read() -> None:
    with pytest.raises(CheckFailed, match=r"the export as CVAT for images 1.1 cannot be read"):
        exported(failing(spoils={"annotations.xml": b"<annotations>"}), "CVAT for images 1.1")


def test_figures_for_the_report() -> None:
    cvat = Cvat()
    cvat.found.append({"type": "mask", "frame": 0, "points": shapes.cvat_mask(STARS[0].mask, SIZE[0])})
    made = walk(cvat)
    made.try_model(YOLO)
    made.try_model(SAM)
    detected, prompted = (figure.as_dict() for figure in made.figures)
    assert detected["overlay"].startswith("data:image/png;base64,")
    assert [shape["type"] for shape in detected["shapes"]] == ["rectangle"]
    assert prompted["points"] == [list(STARS[0].centre)] and prompted["title"] == "SAM 2"


def test_drawing_is_quick() -> None:
    started = time.process_time()
    kp.draw()
    assert time.process_time() - started < 3
