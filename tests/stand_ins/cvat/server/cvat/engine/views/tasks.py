"""/api/tasks and /api/labels."""

import django_rq
from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .. import frames, jobs
from ..api import filtered, get_row, paginated, user_dict, visible
from ..models import AttributeSpec, CloudStorage, Job, Label, Task
from ..rq_id import RqId


class AttributeSerializer(serializers.Serializer):
    """An attribute in a label's specification."""

    name = serializers.CharField(max_length=64)
    mutable = serializers.BooleanField()
    input_type = serializers.ChoiceField(choices=["checkbox", "radio", "number", "text", "select"])
    default_value = serializers.CharField(max_length=128, allow_blank=True, default="")
    values = serializers.ListField(child=serializers.CharField(max_length=200, allow_blank=True), default=list)


class LabelSerializer(serializers.Serializer):
    """A label in a task's specification."""

    name = serializers.CharField(max_length=64)
    color = serializers.CharField(max_length=8, allow_blank=True, default="")
    type = serializers.CharField(max_length=32, default="any")
    attributes = AttributeSerializer(many=True, default=list)


class TaskSerializer(serializers.Serializer):
    """Fields of POST /api/tasks (cvat-sdk 2.80: TaskWriteRequest), as far as the stand-in keeps them."""

    name = serializers.CharField(max_length=256)
    bug_tracker = serializers.CharField(max_length=2000, allow_blank=True, default="")
    subset = serializers.CharField(max_length=64, allow_blank=True, default="")
    segment_size = serializers.IntegerField(min_value=0, default=0)
    overlap = serializers.IntegerField(min_value=0, allow_null=True, default=None)
    labels = LabelSerializer(many=True, default=list)

    def validate_labels(self, labels: list) -> list:
        """Names are unique inside a task."""
        if len({label["name"] for label in labels}) != len(labels):
            raise serializers.ValidationError("All label names must be unique for the task")
        return labels


def as_dict(request: Request, task: Task) -> dict:
    """A task as the API shows it."""
    url = request.build_absolute_uri
    count = Job.objects.filter(task=task).count()
    return {
        "url": url(f"/api/tasks/{task.id}"),
        "id": task.id,
        "name": task.name,
        "project_id": None,
        "project_name": None,
        "mode": "annotation" if task.frames else "",
        "media_type": "image",
        "owner": user_dict(request, task.owner),
        "assignee": None,
        "assignee_updated_date": None,
        "bug_tracker": task.bug_tracker,
        "created_date": task.created_date,
        "updated_date": task.updated_date,
        "overlap": task.overlap,
        "segment_size": task.segment_size,
        "status": "annotation",
        "data_chunk_size": 72 if task.frames else None,
        "data_compressed_chunk_type": "imageset",
        "data_original_chunk_type": "imageset",
        "data_cloud_storage_id": task.cloud_storage_id,
        "size": len(task.frames),
        "image_quality": task.image_quality,
        "data": task.id if task.has_data else None,
        "dimension": "2d",
        "subset": task.subset,
        "organization": None,
        "organization_id": None,
        "guide_id": None,
        "validation_mode": None,
        "target_storage": None,
        "source_storage": None,
        "jobs": {"count": count, "completed": 0, "validation": 0, "url": url(f"/api/jobs?task_id={task.id}")},
        "labels": {"url": url(f"/api/labels?task_id={task.id}")},
    }


class Tasks(APIView):
    """GET and POST /api/tasks."""

    def get(self, request: Request) -> Response:
        """List; ?name= and ?search= narrow it down."""
        names = {"name": "name", "id": "id", "subset": "subset", "owner": "owner__username"}
        rows = filtered(request, visible(request, Task.objects.all()), names, ("name", "subset"))
        return paginated(request, rows, lambda row: as_dict(request, row))

    @transaction.atomic
    def post(self, request: Request) -> Response:
        """Make a task without data."""
        form = TaskSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        labels = form.validated_data.pop("labels")
        task = Task.objects.create(owner=request.user, **form.validated_data)
        for spec in labels:
            attributes = spec.pop("attributes")
            label = Label.objects.create(task=task, **spec)
            for attribute in attributes:
                AttributeSpec.objects.create(label=label, **attribute)
        return Response(as_dict(request, task), status=status.HTTP_201_CREATED)


class TaskView(APIView):
    """GET, PATCH and DELETE /api/tasks/{id}."""

    def get(self, request: Request, pk: int) -> Response:
        """Answer one task."""
        return Response(as_dict(request, get_row(request, Task, pk)))

    def patch(self, request: Request, pk: int) -> Response:
        """Change name, bug tracker or subset."""
        task = get_row(request, Task, pk)
        form = TaskSerializer(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        for field in {"name", "bug_tracker", "subset"} & set(request.data):
            setattr(task, field, form.validated_data[field])
        task.save()
        return Response(as_dict(request, task))

    def delete(self, request: Request, pk: int) -> Response:
        """Delete a task with its jobs and annotations."""
        get_row(request, Task, pk).delete()
        return Response(status=status.HTTP_204_NO_CONTENT)


class TaskData(APIView):
    """GET and POST /api/tasks/{id}/data."""

    def get(self, request: Request, pk: int) -> HttpResponse:
        """One frame; type=chunk is beyond the stand-in."""
        return frame_response(request, get_row(request, Task, pk))

    def post(self, request: Request, pk: int) -> Response:
        """Start the making of a task; files of the client arrive between Upload-Start and Upload-Finish."""
        task = get_row(request, Task, pk)
        if task.has_data:
            raise ValidationError("Adding more data is not supported")
        folder = settings.DATA_ROOT / "data" / str(task.id)
        if "Upload-Start" in request.headers:
            folder.mkdir(parents=True, exist_ok=True)
            return Response(status=status.HTTP_202_ACCEPTED)
        for file in request.FILES.values():
            (folder / file.name.rsplit("/", 1)[-1]).write_bytes(file.read())
        if "Upload-Multiple" in request.headers:
            return Response(status=status.HTTP_200_OK)
        data = {key: request.data[key] for key in request.data if not key.startswith("client_files")}
        if data.get("cloud_storage_id"):
            task.cloud_storage = get_row(request, CloudStorage, data["cloud_storage_id"])
            task.storage = "cloud_storage"
        elif data.get("server_files"):
            task.storage = "share"
        elif folder.is_dir():
            data["uploaded"] = [item.name for item in folder.iterdir()]
        else:
            raise ValidationError("No media data found")
        task.image_quality = int(data.get("image_quality", 70))
        task.has_data = True
        task.save()
        rq_id = RqId("create", "task", task.id)
        rq_id.enqueue(django_rq.get_queue("import"), request.user, jobs.create_task, task.id, data)
        return Response({"rq_id": str(rq_id)}, status=status.HTTP_202_ACCEPTED)


def frame_response(request: Request, task: Task, first: int = 0, last: int | None = None) -> HttpResponse:
    """The image of ?number=, checked as upstream does."""
    query = request.query_params
    if query.get("type") != "frame":
        raise ValidationError("Possible value for data type is 'frame' (the stand-in has no chunks)")
    if (quality := query.get("quality", "compressed")) not in ("original", "compressed"):
        raise ValidationError("Specified data quality is not supported")
    if not query.get("number", "").isdigit():
        raise ValidationError("Frame number is required")
    number = int(query["number"])
    if last is not None and not first <= number <= last:
        raise ValidationError("The frame number does not belong to the job")
    data = frames.get(task, number, quality)
    return HttpResponse(data, content_type="image/png" if data.startswith(b"\x89PNG") else "image/jpeg")


class TaskMeta(APIView):
    """GET /api/tasks/{id}/data/meta."""

    def get(self, request: Request, pk: int) -> Response:
        """Names and sizes of the frames."""
        return Response(meta_dict(get_row(request, Task, pk)))


def meta_dict(task: Task, first: int = 0, last: int | None = None) -> dict:
    """The data of a task, or of the frames first..last of it."""
    last = len(task.frames) - 1 if last is None else last
    return {
        "chunks_updated_date": task.updated_date,
        "chunk_size": 72,
        "size": last - first + 1,
        "image_quality": task.image_quality,
        "start_frame": first,
        "stop_frame": max(last, 0),
        "frame_filter": "",
        "frames": [
            {**frame, "has_related_context": False, "related_files": 0} for frame in task.frames[first : last + 1]
        ],
        "deleted_frames": [],
        "included_frames": None,
        "chapters": None,
        "storage": task.storage,
        "storage_method": "cache",
        "cloud_storage_id": task.cloud_storage_id,
    }


class Labels(APIView):
    """GET /api/labels?task_id= or ?job_id=."""

    def get(self, request: Request) -> Response:
        """A page of labels with their attributes."""
        rows = visible(request, Label.objects.all(), "task__owner")
        names = {"task_id": "task_id", "job_id": "task__job", "name": "name", "id": "id"}
        rows = filtered(request, rows, names, ("name",))
        return paginated(request, rows, label_dict)


def label_dict(label: Label) -> dict:
    """A label as the API shows it."""
    return {
        "id": label.id,
        "name": label.name,
        "color": label.color or "#33ddff",
        "type": label.type,
        "attributes": list(
            label.attributes.order_by("id").values("id", "name", "mutable", "input_type", "default_value", "values")
        ),
        "sublabels": [],
        "has_parent": False,
        "parent_id": None,
        "task_id": label.task_id,
    }
