"""/api/requests: background work."""

import django_rq
from django.http import Http404
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ..rq_id import QUEUES, as_dict, find


class Requests(APIView):
    """GET /api/requests: what runs, waits or has ended."""

    def get(self, request: Request) -> Response:
        """All requests that this user may see, newest first."""
        found = []
        for name in QUEUES:
            queue = django_rq.get_queue(name)
            ids = set(queue.get_job_ids())
            for registry in (queue.started_job_registry, queue.finished_job_registry, queue.failed_job_registry):
                ids.update(registry.get_job_ids())
            found += [job for job in queue.job_class.fetch_many(list(ids), queue.connection) if job]
        mine = [job for job in found if may_see(request, job)]
        results = [as_dict(job) for job in sorted(mine, key=lambda job: job.created_at, reverse=True)]
        return Response({"count": len(results), "next": None, "previous": None, "results": results})


class RequestView(APIView):
    """GET /api/requests/{id}."""

    def get(self, request: Request, rq_id: str) -> Response:
        """One request; 404 when it is unknown or expired."""
        job = find(rq_id)
        if job is None:
            raise Http404("There is no request with specified id")
        if not may_see(request, job):
            raise PermissionDenied
        return Response(as_dict(job))


def may_see(request: Request, job) -> bool:
    owner = job.get_meta().get("owner")
    return owner is not None and (request.user.is_superuser or owner["id"] == request.user.id)
