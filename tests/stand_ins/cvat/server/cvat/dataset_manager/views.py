"""/api/tasks/{id}/dataset: exports, as a background request and then a download."""

from pathlib import Path
from urllib.parse import quote

import django_rq
from django.http import FileResponse, HttpResponse
from rest_framework import status
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ..engine.api import get_row
from ..engine.models import Task
from ..engine.rq_id import RqId
from . import jobs
from .formats import FORMATS


class DatasetExport(APIView):
    """POST /api/tasks/{id}/dataset/export?format=&save_images=."""

    def post(self, request: Request, pk: int) -> Response:
        """Start an export; 400 for a format that does not exist."""
        task = get_row(request, Task, pk)
        query = request.query_params
        if (name := query.get("format", "")) not in FORMATS:
            raise ValidationError(f"Unknown format specified for the request: {name!r}")
        if query.get("location", "local") != "local":
            raise ValidationError("The stand-in exports to itself only")
        save_images = query.get("save_images", "false").lower() in ("true", "1", "yes")
        more = {"subresource": "dataset" if save_images else "annotations", "format": name}
        rq_id = RqId("export", "task", task.id, **more)
        url = request.build_absolute_uri(f"/api/tasks/{task.id}/dataset/download?rq_id={quote(str(rq_id))}")
        arguments = [task.id, name, save_images]
        meta = {**more, "result_url": url}
        rq_id.enqueue(django_rq.get_queue("export"), request.user, jobs.export, *arguments, meta=meta)
        return Response({"rq_id": str(rq_id)}, status=status.HTTP_202_ACCEPTED)


class DatasetDownload(APIView):
    """GET /api/tasks/{id}/dataset/download?rq_id=."""

    def get(self, request: Request, pk: int) -> HttpResponse | FileResponse:
        """The file; 404 when it has expired."""
        task = get_row(request, Task, pk)
        job = django_rq.get_queue("export").fetch_job(request.query_params.get("rq_id", ""))
        if job is None or job.get_meta()["id"] != task.id:
            raise NotFound("Unknown export request id")
        path = Path(job.return_value() or "/nonexistent")
        if not path.is_file():
            raise NotFound("The exported file has expired, please retry exporting")
        return FileResponse(path.open("rb"), as_attachment=True, filename=f"{task.name}.zip")
