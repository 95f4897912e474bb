"""What the workers run."""

import mimetypes
from io import BytesIO
from pathlib import Path

from django.conf import settings
from django.db import transaction
from PIL import Image

from .cloud import S3
from .frames import source
from .models import Job, Task


def create_task(task_id: int, data: dict) -> None:
    """Job of queue import: find the media, read their sizes, cut the task into jobs.

    data is the body of POST /api/tasks/{id}/data. Raises ValueError with CVAT's own sentences.
    """
    task = Task.objects.select_related("cloud_storage").get(pk=task_id)
    names = [name for name in _names(task, data) if (mimetypes.guess_type(name)[0] or "").startswith("image/")]
    if not names:
        raise ValueError("No media data found")
    if data.get("sorting_method") != "predefined":
        names.sort()
    names = names[data.get("start_frame") or 0 : (data["stop_frame"] + 1) if data.get("stop_frame") else None]
    task.frames = [_frame(task, name) for name in names]
    size = len(names)
    step = task.segment_size or size
    with transaction.atomic():
        task.segment_size = step
        task.save()
        for start in range(0, size, step):
            Job.objects.create(task=task, start_frame=start, stop_frame=min(start + step, size) - 1)


def _names(task: Task, data: dict) -> list[str]:
    wanted = data.get("server_files") or data.get("uploaded") or []
    found: list[str] = []
    for name in wanted:
        if task.cloud_storage_id:
            found += S3(task.cloud_storage).keys(name) if name.endswith("/") else [name]
        else:
            found += _files(_root(task), name)
    excluded = set(data.get("server_files_exclude") or [])
    return [name for name in dict.fromkeys(found) if name not in excluded]


def _root(task: Task) -> Path:
    return settings.SHARE_ROOT if task.storage == "share" else settings.DATA_ROOT / "data" / str(task.id)


def _files(root: Path, name: str) -> list[str]:
    path = (root / name).resolve()
    if not path.is_relative_to(root.resolve()):
        raise ValueError(f"Bad file path: {name}")
    if path.is_dir():
        return [str(item.relative_to(root)) for item in path.rglob("*") if item.is_file()]
    if not path.is_file():
        raise FileNotFoundError(f"[Errno 2] No such file or directory: '{path}'")
    return [name]


def _frame(task: Task, name: str) -> dict:
    with Image.open(BytesIO(source(task, name))) as image:
        width, height = image.size
    return {"name": name, "width": width, "height": height}
