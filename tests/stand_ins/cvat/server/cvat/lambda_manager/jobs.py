"""Automatic annotation: what the worker of queue annotation runs."""

from itertools import groupby
from typing import Any

from django.db import transaction
from rq import get_current_job

from ..engine import annotations
from ..engine.models import Job, Label, Task
from .gateway import Gateway
from .invoke import invoke


def annotate(
    function_id: str,
    task_id: int,
    job_id: int | None,
    threshold: float | None,
    mapping: dict | None,
    cleanup: bool,
    conv_mask_to_poly: bool,
) -> None:
    """Run a detector over every frame and save what it finds."""
    function = Gateway().get(function_id)
    task = Task.objects.get(pk=task_id)
    jobs = Job.objects.filter(task=task, **({"pk": job_id} if job_id else {}))
    labels = dict(Label.objects.filter(task=task).values_list("name", "id"))
    rq_job = get_current_job()
    found: dict[str, list] = {"tags": [], "shapes": []}
    numbers = [number for job in jobs for number in range(job.start_frame, job.stop_frame + 1)]
    for done, number in enumerate(numbers, 1):
        for item in invoke(function, task, {"frame": number, "mapping": mapping, "threshold": threshold}):
            shape = as_shape(item, number, labels[item["label"]], conv_mask_to_poly)
            found["tags" if item["type"] == "tag" else "shapes"].append(shape)
        if rq_job:
            rq_job.meta["progress"] = 100 * done // len(numbers)
            rq_job.save_meta()
    with transaction.atomic():
        if cleanup:
            annotations.delete(jobs)
        annotations.write(jobs, found)


def as_shape(item: dict, frame: int, label: int, conv_mask_to_poly: bool) -> dict[str, Any]:
    """A detection as CVAT saves it; a mask becomes run lengths, or the polygon that came with it."""
    shape = {"frame": frame, "label_id": label, "source": "auto", "attributes": []}
    if item["type"] == "tag":
        return shape
    shape |= {"type": item["type"], "points": item.get("points", [])}
    if item["type"] == "mask":
        if conv_mask_to_poly and "points" in item:
            shape["type"] = "polygon"
        else:
            *pixels, left, top, right, bottom = item["mask"]
            shape["points"] = [*run_lengths(pixels), left, top, right, bottom]
    return shape


def run_lengths(pixels: list[int]) -> list[int]:
    """Lengths of the runs of zeros and ones, zeros first (0 when the first pixel is one)."""
    runs = [(bool(value), len(list(group))) for value, group in groupby(pixels, key=bool)]
    return ([0] if runs and runs[0][0] else []) + [length for _, length in runs]
