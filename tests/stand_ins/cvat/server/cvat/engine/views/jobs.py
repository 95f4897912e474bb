"""/api/jobs, and the annotations of jobs and tasks."""

from django.db import transaction
from django.http import HttpResponse
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ..annotations import KINDS, delete, read, write
from ..api import filtered, get_row, paginated, visible
from ..models import Job, Task
from .tasks import frame_response, meta_dict


class JobSerializer(serializers.Serializer):
    """Fields of PATCH /api/jobs/{id}."""

    stage = serializers.ChoiceField(choices=["annotation", "validation", "acceptance"], required=False)
    state = serializers.ChoiceField(choices=["new", "in progress", "completed", "rejected"], required=False)


def as_dict(request: Request, job: Job) -> dict:
    """A job as the API shows it."""
    url = request.build_absolute_uri
    return {
        "url": url(f"/api/jobs/{job.id}"),
        "id": job.id,
        "task_id": job.task_id,
        "task_name": job.task.name,
        "project_id": None,
        "project_name": None,
        "assignee": None,
        "assignee_updated_date": None,
        "guide_id": None,
        "dimension": "2d",
        "bug_tracker": job.task.bug_tracker,
        "status": "annotation",
        "stage": job.stage,
        "state": job.state,
        "mode": "annotation",
        "media_type": "image",
        "frame_count": job.stop_frame - job.start_frame + 1,
        "start_frame": job.start_frame,
        "stop_frame": job.stop_frame,
        "data_chunk_size": 72,
        "data_compressed_chunk_type": "imageset",
        "data_original_chunk_type": "imageset",
        "created_date": job.created_date,
        "updated_date": job.updated_date,
        "type": "annotation",
        "organization": None,
        "target_storage": None,
        "source_storage": None,
        "parent_job_id": None,
        "replicas_count": 0,
        "issues": {"url": url(f"/api/issues?job_id={job.id}"), "count": 0},
        "labels": {"url": url(f"/api/labels?job_id={job.id}")},
    }


class Jobs(APIView):
    """GET /api/jobs?task_id=."""

    def get(self, request: Request) -> Response:
        """A page of jobs."""
        rows = visible(request, Job.objects.select_related("task"), "task__owner")
        rows = filtered(request, rows, {"task_id": "task_id", "id": "id", "stage": "stage", "state": "state"})
        return paginated(request, rows, lambda row: as_dict(request, row))


class JobView(APIView):
    """GET and PATCH /api/jobs/{id}."""

    def get(self, request: Request, pk: int) -> Response:
        """Answer one job."""
        return Response(as_dict(request, get_row(request, Job, pk, "task__owner")))

    def patch(self, request: Request, pk: int) -> Response:
        """Change stage or state."""
        job = get_row(request, Job, pk, "task__owner")
        form = JobSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        for field, value in form.validated_data.items():
            setattr(job, field, value)
        job.save()
        return Response(as_dict(request, job))


class JobData(APIView):
    """GET /api/jobs/{id}/data and /data/meta."""

    def get(self, request: Request, pk: int, meta: bool = False) -> HttpResponse:
        """One frame of the job, or the list of its frames."""
        job = get_row(request, Job, pk, "task__owner")
        if meta:
            return Response(meta_dict(job.task, job.start_frame, job.stop_frame))
        return frame_response(request, job.task, job.start_frame, job.stop_frame)


class Annotations(APIView):
    """GET, PUT, PATCH and DELETE /api/{tasks,jobs}/{id}/annotations."""

    model: type = Task

    def _jobs(self, request: Request, pk: int):
        if self.model is Job:
            return Job.objects.filter(pk=get_row(request, Job, pk, "task__owner").pk).select_related("task")
        return Job.objects.filter(task=get_row(request, Task, pk)).select_related("task")

    def get(self, request: Request, pk: int) -> Response:
        """All tags, shapes and tracks."""
        return Response(read(self._jobs(request, pk)))

    @transaction.atomic
    def put(self, request: Request, pk: int) -> Response:
        """Replace everything."""
        jobs = self._jobs(request, pk)
        delete(jobs)
        write(jobs, _data(request))
        return Response(read(jobs))

    @transaction.atomic
    def patch(self, request: Request, pk: int) -> Response:
        """Create, update or delete single objects, as ?action= says; answers the objects concerned."""
        jobs, data = self._jobs(request, pk), _data(request)
        action = request.query_params.get("action")
        if action not in ("create", "update", "delete"):
            raise ValidationError(f'"action" must be create, update or delete, not {action!r}')
        if action != "create":
            ids = [item["id"] for kind in KINDS for item in data.get(kind, [])]
            delete(jobs, ids)
        return Response(data if action == "delete" else write(jobs, data, keep_ids=action == "update"))

    def delete(self, request: Request, pk: int) -> Response:
        """Remove everything."""
        delete(self._jobs(request, pk))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _data(request: Request) -> dict:
    if not isinstance(request.data, dict):
        raise ValidationError({"non_field_errors": ["Invalid data. Expected a dictionary."]})
    return request.data
