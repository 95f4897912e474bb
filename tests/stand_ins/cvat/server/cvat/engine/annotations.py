"""Tags, shapes and tracks in the database."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework.exceptions import ValidationError

from .models import Annotation, Job, Label, Task

KINDS = ("tags", "shapes", "tracks")
SHAPE_TYPES = ("rectangle", "polygon", "polyline", "points", "ellipse", "cuboid", "mask", "skeleton")
COMMON = {"group": 0, "source": "manual", "attributes": []}
SHAPE = {"occluded": False, "outside": False, "z_order": 0, "rotation": 0.0, "score": 1.0, "elements": []}


def read(jobs: QuerySet) -> dict:
    """All annotations of some jobs, in the form of LabeledData."""
    result: dict[str, Any] = {"version": 0, **{kind: [] for kind in KINDS}, "intervals": []}
    for row in Annotation.objects.filter(job__in=jobs).order_by("frame", "id"):
        result[row.kind].append({**row.body, "id": row.id})
    return result


def delete(jobs: QuerySet, ids: list[int] | None = None) -> None:
    """Delete all annotations of some jobs, or those with these ids."""
    rows = Annotation.objects.filter(job__in=jobs)
    (rows if ids is None else rows.filter(id__in=ids)).delete()
    _touch(jobs)


def write(jobs: QuerySet, data: dict, keep_ids: bool = False) -> dict:
    """Save annotations, each in the job that has its frame; 400 for unknown labels, frames and shape types."""
    rows = list(jobs)
    labels = set(Label.objects.filter(task__job__in=rows).values_list("id", flat=True))
    result: dict[str, Any] = {"version": 0, **{kind: [] for kind in KINDS}, "intervals": []}
    for kind in KINDS:
        for item in data.get(kind) or []:
            job = _job(rows, item)
            body = _checked(kind, item, labels)
            row = Annotation.objects.create(
                id=item.get("id") if keep_ids else None, job=job, kind=kind, frame=item["frame"], body=body
            )
            result[kind].append({**body, "id": row.id})
    _touch(jobs)
    return result


def _touch(jobs: QuerySet) -> None:
    """Changed annotations change their task, too: an export that was made before is out of date."""
    Task.objects.filter(job__in=jobs).update(updated_date=timezone.now())


def _job(jobs: list[Job], item: dict) -> Job:
    for job in jobs:
        if job.start_frame <= item.get("frame", -1) <= job.stop_frame:
            return job
    raise ValidationError({"frame": [f"Frame {item.get('frame')} is outside the job"]})


def _checked(kind: str, item: dict, labels: set[int]) -> dict:
    if item.get("label_id") not in labels:
        raise ValidationError(f"Label with id {item.get('label_id')} does not belong to the task")
    body = {**COMMON, **(SHAPE if kind == "shapes" else {}), **{k: v for k, v in item.items() if k != "id"}}
    if kind == "shapes":
        if body.get("type") not in SHAPE_TYPES:
            raise ValidationError({"type": [f'"{body.get("type")}" is not a valid choice.']})
        if body["type"] == "mask":
            check_mask(body.get("points", []))
    return body


def check_mask(points: list[float]) -> None:
    """Run lengths that start with a zero-run, then left, top, right, bottom (inclusive): they must fill the box."""
    if len(points) < 5:
        raise ValidationError({"points": ["a mask needs run lengths and a box"]})
    *runs, left, top, right, bottom = points
    if sum(runs) != (right - left + 1) * (bottom - top + 1):
        raise ValidationError({"points": ["the run lengths of the mask do not fill its box"]})
