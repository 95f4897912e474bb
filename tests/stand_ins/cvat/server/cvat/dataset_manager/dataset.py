"""A task as exporters see it: pictures by name, and on each its boxes, masks and polygons, by label."""

from dataclasses import dataclass, field
from typing import Any

from ..engine import frames
from ..engine.models import Annotation, Label, Task


@dataclass
class Item:
    """One picture. ``shapes`` are as CVAT keeps them, with ``label`` as a number from 0 on."""

    name: str
    number: int
    width: int
    height: int
    content: bytes = b""
    shapes: list[dict[str, Any]] = field(default_factory=list)

    @property
    def stem(self) -> str:
        """The name without its ending."""
        return self.name.rpartition(".")[0]

    def of_type(self, *types: str) -> list[dict[str, Any]]:
        """Shapes of some types."""
        return [shape for shape in self.shapes if shape["type"] in types]


@dataclass
class Dataset:
    """A task: its labels in the order in which they were made, and its pictures."""

    task_id: int
    name: str
    labels: list[str]
    items: list[Item]


def load(task: Task, save_images: bool) -> Dataset:
    """Read a task; with ``save_images`` the pictures, too."""
    labels = list(Label.objects.filter(task=task).order_by("id"))
    numbers = {label.id: number for number, label in enumerate(labels)}
    items = [Item(frame["name"], number, frame["width"], frame["height"]) for number, frame in enumerate(task.frames)]
    for item in items if save_images else []:
        item.content = frames.source(task, item.name)
    for row in Annotation.objects.filter(job__task=task, kind="shapes").order_by("frame", "id"):
        items[row.frame].shapes.append({**row.body, "label": numbers[row.body["label_id"]]})
    return Dataset(task.id, task.name, [label.name for label in labels], items)


def bitmap(shape: dict[str, Any], width: int, height: int) -> list[list[int]]:
    """A mask's pixels, row by row of the whole picture."""
    *runs, left, top, right, _bottom = (int(value) for value in shape["points"])
    rows = [[0] * width for _ in range(height)]
    position = 0
    for number, run in enumerate(runs):
        for pixel in range(position, position + run) if number % 2 else ():
            rows[top + pixel // (right - left + 1)][left + pixel % (right - left + 1)] = 1
        position += run
    return rows
