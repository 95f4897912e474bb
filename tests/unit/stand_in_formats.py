"""The stand-in's exporters, without its server: what writes in tests is not what reads."""

from __future__ import annotations

import importlib.util
import sys
import zipfile
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

FOLDER = Path(__file__).parents[1] / "stand_ins/cvat/server/cvat/dataset_manager"


def _load(name: str) -> ModuleType:
    """Load a module of the package, with nothing of Django around it."""
    for package in ("stand_in", "stand_in.engine", "stand_in.dataset_manager"):
        sys.modules.setdefault(package, ModuleType(package)).__path__ = []  # type: ignore[attr-defined]
    sys.modules["stand_in.engine"].frames = None  # type: ignore[attr-defined]
    models = sys.modules.setdefault("stand_in.engine.models", ModuleType("stand_in.engine.models"))
    models.Annotation = models.Label = models.Task = None  # type: ignore[attr-defined]
    full = f"stand_in.dataset_manager.{name}"
    spec = importlib.util.spec_from_file_location(full, FOLDER / f"{name}.py")
    assert spec and spec.loader
    sys.modules[full] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


dataset = _load("dataset")
formats = _load("formats")


def archive(kind: str, frames: list[dict[str, Any]], labels: list[str], shapes: list[dict[str, Any]], **files: bytes):
    """Return the export of a task as CVAT would send it, and the files in it.

    Args:
        kind: CVAT's name of the format.
        frames: name, width, height and content of each picture.
        labels: names; a shape's ``label_id`` counts in them.
        shapes: as CVAT keeps them.
        files: files that stand there instead of those that belong there.
    """
    items = [dataset.Item(f["name"], number, f["width"], f["height"], f["content"]) for number, f in enumerate(frames)]
    for shape in shapes:
        common = {"occluded": False, "source": "manual", "z_order": 0}
        items[shape["frame"]].shapes.append({**common, **shape, "label": shape["label_id"]})
    written = {**formats.FORMATS[kind](dataset.Dataset(1, "task", labels, items)), **files}
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, content in written.items():
            packed.writestr(name, content)
    return out.getvalue()
