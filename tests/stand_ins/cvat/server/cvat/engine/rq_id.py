"""Ids of background requests ("action=create&target=task&id=5") and what /api/requests says about them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import django_rq
from rq.job import Job

from .frames import last_line

RESULT_TTL = timedelta(days=1)
QUEUES = ("import", "export", "annotation")
STATES = {"queued": "queued", "deferred": "queued", "scheduled": "queued", "started": "started", "finished": "finished"}


@dataclass(frozen=True)
class RqId:
    """What is done to which object."""

    action: str
    target: str
    id: int
    subresource: str = ""
    format: str = ""

    def __str__(self) -> str:
        """The id as it stands in URLs; a format's blanks and dots are written otherwise, as upstream."""
        more = {"subresource": self.subresource, "format": self.format.replace(" ", "_").replace(".", "@")}
        told = "".join(f"&{key}={value}" for key, value in more.items() if value)
        return f"action={self.action}&target={self.target}&id={self.id}{told}"

    def enqueue(self, queue: Any, user: Any, function: Any, *arguments: Any, meta: dict | None = None) -> Job:
        """Hand work to a worker under this id; an older result of the same id is forgotten."""
        if old := queue.fetch_job(str(self)):
            old.delete()
        about = {"action": self.action, "target": self.target, "id": self.id}
        return queue.enqueue(
            function,
            *arguments,
            job_id=str(self),
            result_ttl=int(RESULT_TTL.total_seconds()),
            failure_ttl=int(RESULT_TTL.total_seconds()),
            meta={**about, "owner": {"id": user.id, "username": user.username}, **(meta or {})},
        )


def find(rq_id: str) -> Job | None:
    """The job with this id, wherever it is."""
    return next((job for name in QUEUES if (job := django_rq.get_queue(name).fetch_job(rq_id))), None)


def as_dict(job: Job) -> dict:
    """A background request as the API shows it."""
    meta = job.get_meta()
    state = STATES.get(job.get_status(), "failed")
    ended = job.ended_at
    return {
        "id": job.id,
        "status": state,
        "message": last_line(job) if state == "failed" else "",
        "progress": meta.get("progress", 0) / 100,
        "operation": {
            "type": f"{meta['action']}:{meta.get('subresource') or meta['target']}",
            "target": meta["target"],
            "project_id": None,
            "task_id": meta["id"] if meta["target"] == "task" else None,
            "job_id": None,
            "org_id": None,
            "format": meta.get("format"),
            "function_id": meta.get("function_id"),
        },
        "created_date": job.created_at,
        "started_date": job.started_at,
        "finished_date": ended,
        "expiry_date": ended + RESULT_TTL if ended else None,
        "owner": meta["owner"],
        "result_url": meta.get("result_url") if state == "finished" else None,
        "result_id": meta["id"] if meta["action"] == "create" and state == "finished" else None,
    }
