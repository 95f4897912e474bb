"""What is known about deployed functions, from Nuclio's store and from Docker; nothing here changes anything."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import docker_times, nuclio_cli
from ansible_collections.annotation.server.plugins.module_utils.nuclio_deployment import State


def functions(docker: nuclio_cli.Docker, project: str, namespace: str, logs: str | None) -> list[dict[str, Any]]:
    """Describe the functions of a project, by name.

    Args:
        docker: the client.
        project: Nuclio's project.
        namespace: Nuclio's namespace.
        logs: folder in which :func:`remember_error` writes; None when there is none.
    """
    found = [
        _describe(record, docker, namespace, Path(logs) if logs else None)
        for record in docker.stored("functions", namespace)
        if nuclio_cli.in_project(record, project)
    ]
    return sorted(found, key=lambda function: str(function["name"]))


def _describe(
    record: Mapping[str, Any], docker: nuclio_cli.Docker, namespace: str, logs: Path | None
) -> dict[str, Any]:
    metadata, spec = record.get("metadata") or {}, record.get("spec") or {}
    name = str(metadata.get("name") or "")
    container_name = nuclio_cli.container_name(namespace, name)
    container = docker.container(container_name)
    state = State.of(record, container)
    limits = (spec.get("resources") or {}).get("limits") or {}
    return {
        "name": name,
        "title": state.annotations.get("name", ""),
        "state": state.state if state.running or state.state != "ready" else "not running",
        "version": state.hash[:8],
        "device": "gpu" if int(limits.get("nvidia.com/gpu") or 0) else "cpu",
        "image": ((container or {}).get("Config") or {}).get("Image", ""),
        "image_bytes": docker.image_size((container or {}).get("Image") or ""),
        "age_seconds": docker_times.age(str((container or {}).get("Created") or "")),
        "restarts": int((container or {}).get("RestartCount") or 0),
        "error": _last_error(name, state, container_name, docker, logs),
    }


def _last_error(name: str, state: State, container_name: str, docker: nuclio_cli.Docker, logs: Path | None) -> str:
    """Return the error of the last deploy if it failed, or what the function itself said last if it does not serve."""
    remembered = (error_file(logs / f"{name}.log") if logs else Path("/nonexistent")).expanduser()
    if remembered.is_file():
        return remembered.read_text().strip()
    if state.ready:
        return ""
    said = state.message or (docker.logs(container_name) if state.container else "")
    return nuclio_cli.last_lines(said, 3)


def error_file(log: Path) -> Path:
    """Return where the error of a failed deploy is kept: beside its log."""
    return log.with_suffix(".error")


def remember_error(log: str | None, text: str) -> None:
    """Keep the error of a deploy that failed, or, when the text is empty, forget the last one."""
    if log and text:
        error_file(Path(log)).parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        error_file(Path(log)).write_text(f"{text}\n")
    elif log:
        error_file(Path(log)).unlink(missing_ok=True)
