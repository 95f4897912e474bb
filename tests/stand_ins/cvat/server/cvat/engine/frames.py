"""Frames of a task: made by the worker of queue chunks, kept in the on-disk cache, handed out by the server."""

import time
from io import BytesIO

import django_rq
from django.conf import settings
from django.core.cache import caches
from PIL import Image
from rest_framework.exceptions import APIException, ValidationError

from .cloud import S3
from .models import Task

WAIT_S = 60.0


class NotReadyYet(APIException):
    """The worker took too long; upstream answers 429 and the client asks again."""

    status_code = 429


def source(task: Task, name: str) -> bytes:
    """The original file of a frame, from where the task has its data."""
    if task.cloud_storage_id:
        return S3(task.cloud_storage).read(name)
    folder = settings.SHARE_ROOT if task.storage == "share" else settings.DATA_ROOT / "data" / str(task.id)
    return (folder / name).read_bytes()


def prepare(task_id: int, number: int, quality: str) -> None:
    """Job of queue chunks: put one frame into the cache."""
    task = Task.objects.select_related("cloud_storage").get(pk=task_id)
    data = source(task, task.frames[number]["name"])
    if quality == "compressed":
        out = BytesIO()
        Image.open(BytesIO(data)).convert("RGB").save(out, "JPEG", quality=task.image_quality)
        data = out.getvalue()
    caches["media"].set(_key(task_id, number, quality), data)


def _key(task_id: int, number: int, quality: str) -> str:
    return f"task_{task_id}_frame_{number}_{quality}"


def get(task: Task, number: int, quality: str = "original") -> bytes:
    """A frame's bytes. 400 for a number outside the task, the worker's own error when it failed."""
    if not 0 <= number < len(task.frames):
        raise ValidationError(f"The frame number should be in the [0, {len(task.frames) - 1}] range")
    key = _key(task.id, number, quality)
    if (data := caches["media"].get(key)) is not None:
        return data
    job = django_rq.get_queue("chunks").enqueue(prepare, task.id, number, quality, result_ttl=60, failure_ttl=60)
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        status = job.get_status()
        if status == "finished":
            return caches["media"].get(key)
        if status == "failed":
            raise ValidationError(last_line(job))
        time.sleep(0.02)
    raise NotReadyYet("The chunk is being prepared, try again later")


def last_line(job) -> str:
    """The message of the exception that ended a job."""
    job.refresh()
    result = job.latest_result()
    text = (result.exc_string if result else None) or job.exc_info or "unknown error"
    return text.strip().splitlines()[-1].split(": ", 1)[-1]
