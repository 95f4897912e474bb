"""/api/lambda: functions and automatic annotation; errors of Nuclio keep the status codes they have upstream."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import django_rq
import requests
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from rest_framework import serializers
from rest_framework import status as http
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ..engine.api import visible
from ..engine.models import Job, Task
from ..engine.rq_id import RqId
from ..engine.views.requests import may_see
from . import jobs
from .gateway import Gateway
from .invoke import invoke


def answered(code: int = http.HTTP_200_OK) -> Callable:
    """503 when Nuclio cannot be reached, 504 when it is too slow, otherwise the code that it answered."""

    def wrap(function: Callable) -> Callable:
        @wraps(function)
        def inner(*args: Any, **kwargs: Any) -> Response:
            try:
                return Response(function(*args, **kwargs), status=code)
            except requests.ConnectionError as error:
                return Response(str(error), status=http.HTTP_503_SERVICE_UNAVAILABLE)
            except requests.HTTPError as error:
                code_of_nuclio = error.response.status_code if error.response is not None else 502
                return Response(str(error), status=code_of_nuclio)
            except requests.Timeout as error:
                return Response(str(error), status=http.HTTP_504_GATEWAY_TIMEOUT)
            except requests.RequestException as error:
                return Response(str(error), status=http.HTTP_500_INTERNAL_SERVER_ERROR)
            except ValidationError as error:
                return Response(error.message, status=int(error.code or 400))
            except ObjectDoesNotExist as error:
                return Response(str(error), status=http.HTTP_400_BAD_REQUEST)

        return inner

    return wrap


class Functions(APIView):
    """GET /api/lambda/functions."""

    @answered()
    def get(self, request: Request) -> list:
        """All functions of project cvat."""
        return [function.to_dict() for function in Gateway().list()]


class FunctionView(APIView):
    """GET and POST /api/lambda/functions/{id}."""

    @answered()
    def get(self, request: Request, func_id: str) -> dict:
        """One function."""
        return Gateway().get(func_id).to_dict()

    @answered()
    def post(self, request: Request, func_id: str) -> Any:
        """Call the function for one frame of a task (or job), now."""
        data = request.data
        try:
            job = Job.objects.get(pk=data["job"]) if data.get("job") is not None else None
            task = Task.objects.get(pk=job.task_id if job else data["task"])
        except (KeyError, ObjectDoesNotExist) as error:
            text = f"`{func_id}` lambda function was run with wrong arguments ({error})"
            raise ValidationError(text, code="400") from error
        if not visible(request, Task.objects.filter(pk=task.pk)).exists():
            raise PermissionDenied
        function = Gateway().get(func_id)
        if job and not job.start_frame <= int(data.get("frame", job.start_frame)) <= job.stop_frame:
            raise ValidationError("The frame is outside the job range", code="400")
        return invoke(function, task, {key: value for key, value in data.items() if value is not None})


class CallSerializer(serializers.Serializer):
    """Fields of POST /api/lambda/requests (cvat-sdk 2.80: FunctionCallRequest)."""

    function = serializers.CharField()
    task = serializers.IntegerField()
    job = serializers.IntegerField(required=False, allow_null=True)
    threshold = serializers.FloatField(required=False, allow_null=True, min_value=0, max_value=1)
    cleanup = serializers.BooleanField(default=False)
    conv_mask_to_poly = serializers.BooleanField(default=False)
    mapping = serializers.DictField(required=False, allow_null=True)
    max_distance = serializers.IntegerField(required=False, allow_null=True)


def _as_dict(job: Any) -> dict:
    return {
        "id": job.id,
        "function": job.get_meta()["function"],
        "status": {"deferred": "queued"}.get(job.get_status(), job.get_status()),
        "progress": job.get_meta().get("progress", 0),
        "enqueued": job.enqueued_at,
        "started": job.started_at,
        "ended": job.ended_at,
        "exc_info": job.exc_info,
    }


class Requests(APIView):
    """GET and POST /api/lambda/requests."""

    @answered()
    def get(self, request: Request) -> list:
        """Automatic annotations that wait, run or have ended well."""
        queue = django_rq.get_queue("annotation")
        ids = {*queue.get_job_ids(), *queue.started_job_registry.get_job_ids()}
        ids.update(queue.finished_job_registry.get_job_ids())
        found = [job for job in queue.job_class.fetch_many(list(ids), queue.connection) if job]
        return [_as_dict(job) for job in found if may_see(request, job)]

    @answered()
    def post(self, request: Request) -> dict:
        """Start a detector over a task or a job; one at a time for each task."""
        form = CallSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        call = form.validated_data
        if not visible(request, Task.objects.filter(pk=call["task"])).exists():
            raise PermissionDenied
        function = Gateway().get(call["function"])
        queue, rq_id = django_rq.get_queue("annotation"), RqId("autoannotate", "task", call["task"])
        old = queue.fetch_job(str(rq_id))
        if old and old.get_status() not in ("finished", "failed"):
            raise ValidationError(f"Only one running request is allowed for the same task #{call['task']}", code="409")
        arguments = [call["task"], call.get("job"), call.get("threshold"), call.get("mapping")]
        arguments += [call["cleanup"], call["conv_mask_to_poly"]]
        about = {"id": function.id, "threshold": call.get("threshold"), "task": call["task"]}
        meta = {"function_id": function.id, "function": about | ({"job": call["job"]} if call.get("job") else {})}
        job = rq_id.enqueue(queue, request.user, jobs.annotate, function.id, *arguments, meta=meta)
        return _as_dict(job)


class RequestView(APIView):
    """GET and DELETE /api/lambda/requests/{id}."""

    def _job(self, request: Request, rq_id: str) -> Any:
        job = django_rq.get_queue("annotation").fetch_job(rq_id)
        if job is None or not may_see(request, job):
            raise ValidationError(f"{rq_id} lambda job is not found", code="404")
        return job

    @answered()
    def get(self, request: Request, rq_id: str) -> dict:
        """One automatic annotation."""
        return _as_dict(self._job(request, rq_id))

    @answered(http.HTTP_204_NO_CONTENT)
    def delete(self, request: Request, rq_id: str) -> None:
        """Cancel it."""
        self._job(request, rq_id).delete()
