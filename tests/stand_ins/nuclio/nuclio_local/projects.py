"""Projects: groups of functions. CVAT lists only the functions of project cvat."""

from __future__ import annotations

import datetime
import re

from nuclio_local import DEFAULT_PROJECT, store
from nuclio_local.errors import StatusError, precondition_failed


def ensure_default(namespace: str) -> None:
    """Create project "default" if it is missing: each command of nuctl does so before anything else."""
    if not store.read_all("projects", namespace, DEFAULT_PROJECT):
        save(namespace, DEFAULT_PROJECT)


def save(namespace: str, name: str, description: str = "", owner: str = "") -> None:
    """Create a project or replace it: an existing one is no error."""
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", name):
        raise StatusError(f"Project name must adhere to Kubernetes naming conventions. Errors: {name!r}", 400)
    spec = {key: value for key, value in (("description", description), ("owner", owner)) if value}
    updated = datetime.datetime.now(datetime.timezone.utc).isoformat()
    record = {"meta": {"name": name, "namespace": namespace}, "spec": spec, "status": {"updatedAt": updated}}
    store.write("projects", namespace, name, record)


def remove(namespace: str, name: str) -> None:
    """Delete a project that holds no functions."""
    if name == DEFAULT_PROJECT:
        raise precondition_failed("Cannot delete the default project")
    if any(function_project(record) == name for record in store.read_all("functions", namespace)):
        raise precondition_failed("Project contains functions")
    store.delete("projects", namespace, name)


def function_project(record: store.Record) -> str:
    """Return the project that a function's record belongs to."""
    return (record["metadata"].get("labels") or {}).get("nuclio.io/project-name", "")
