"""Exports: what cvat-sdk downloads is what verify's own reader finds in it. With CVAT_URL this asks a real CVAT."""

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.annotation.server.plugins.module_utils import annotation_shapes as shapes
from ansible_collections.annotation.server.plugins.module_utils import dataset_exports as exports
from cvat_sdk import Client
from cvat_sdk.api_client import exceptions
from cvat_sdk.core.proxies.tasks import Task
from cvat_stand_in import Server


@pytest.fixture
def drawn(task: Task) -> dict[str, shapes.Picture]:
    """A box, a polygon and a mask on the first picture (60x40), a box on the second; what CVAT says of them."""
    (label,) = task.get_labels()
    common = {"label_id": label.id, "attributes": []}
    ring = [1.0, 3.0, 1.0, 4.0, 10.0, 12.0, 12.0, 14.0]  # 3x3 pixels without a corner and the middle
    drawn: list[dict[str, Any]] = [
        {"type": "rectangle", "frame": 0, "points": [1.25, 2.5, 30.125, 20.0], **common},
        {"type": "polygon", "frame": 0, "points": [5.0, 5.0, 25.5, 6.25, 15.0, 30.0], **common},
        {"type": "mask", "frame": 0, "points": ring, **common},
        {"type": "rectangle", "frame": 1, "points": [0.0, 0.0, 30.0, 20.0], **common},
    ]
    task.set_annotations({"shapes": drawn, "tags": [], "tracks": []})
    frames = [{"name": frame.name, "width": frame.width, "height": frame.height} for frame in task.get_frames_info()]
    found = [
        {"frame": shape.frame, "label_id": shape.label_id, "type": shape.type.value, "points": shape.points}
        for shape in task.get_annotations().shapes
    ]
    return shapes.of_cvat({"shapes": found}, frames, {label.id: label.name})


@pytest.mark.parametrize("kind", exports.FORMATS, ids=lambda kind: kind.name)
def test_an_export_holds_what_was_drawn(
    task: Task, drawn: dict[str, shapes.Picture], kind: exports.Format, tmp_path: Path
) -> None:
    path = tmp_path / "export.zip"
    task.export_dataset(kind.name, path, include_images=True)
    found = kind.read(exports.unpack(path.read_bytes()))
    assert exports.differences(kind, found, drawn, ["car"]) == []


def test_an_export_is_of_today(task: Task, drawn: dict[str, shapes.Picture], tmp_path: Path) -> None:
    for name in ("before.zip", "after.zip"):
        task.export_dataset("COCO 1.0", tmp_path / name, include_images=False)
        task.remove_annotations()
    before, after = (
        exports.read_coco(exports.unpack((tmp_path / name).read_bytes())) for name in ("before.zip", "after.zip")
    )
    assert not before.images and before.pictures["a"].boxes and not after.pictures["a"].boxes


def test_a_format_that_does_not_exist(task: Task, tmp_path: Path) -> None:
    with pytest.raises(exceptions.ApiException) as error:
        task.export_dataset("CROISSANT 9", tmp_path / "x.zip")
    assert error.value.status == 400


def test_the_file_is_named_after_its_task(task: Task, stand_in: Server, client: Client, tmp_path: Path) -> None:
    task.export_dataset("YOLO 1.1", tmp_path / "x.zip")
    names = stand_in.container.exec_run("ls /home/django/data/cache/export").output.decode().split()
    assert any(name.startswith(f"task-{task.id}-dataset-instance") for name in names)
