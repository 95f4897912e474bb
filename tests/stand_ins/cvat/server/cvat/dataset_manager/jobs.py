"""What the worker of queue export runs."""

import re
import zipfile
from pathlib import Path

from django.conf import settings

from ..engine.models import Task
from .dataset import load
from .formats import FORMATS


def export(task_id: int, format_name: str, save_images: bool) -> str:
    """Write a task's dataset into the export cache, unless it is there already; returns the file's path."""
    task = Task.objects.select_related("cloud_storage").get(pk=task_id)
    kind = "dataset" if save_images else "annotations"
    name = re.sub(r"\W+", "_", format_name.lower())
    path = Path(settings.EXPORT_CACHE_ROOT, f"task-{task_id}-{kind}-instance{task.updated_date.timestamp()}-{name}.zip")
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_suffix(".new")
        with zipfile.ZipFile(draft, "w") as archive:
            for file, content in FORMATS[format_name](load(task, save_images)).items():
                archive.writestr(file, content)
        draft.rename(path)
    return str(path)
