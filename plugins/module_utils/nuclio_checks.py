"""Whether CVAT can see and call the models: what leaves the Models page empty, or gives 503 and 404 on a click."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import nuclio_cli
from ansible_collections.annotation.server.plugins.module_utils.checklist import CheckFailed, CheckSkipped, CheckWarning
from ansible_collections.annotation.server.plugins.module_utils.docker_view import Container, by_service, models
from ansible_collections.annotation.server.plugins.module_utils.gpu_containers import RunCommand
from ansible_collections.annotation.server.plugins.module_utils.nuclio_trial import TRIAL_ANNOTATION

PROJECT = "cvat"
NAMESPACE = "nuclio"
CALLERS = ("cvat_server", "cvat_worker_annotation")


def records(docker: nuclio_cli.Docker) -> dict[str, dict[str, Any]]:
    """Return what Nuclio noted about every function, by name; read from its store, which changes nothing."""
    found = docker.stored("functions", NAMESPACE)
    return {str((record.get("metadata") or {}).get("name")): record for record in found}


def projects(noted: Mapping[str, Mapping[str, Any]]) -> str:
    """Every function is in Nuclio's project ``cvat``: CVAT sees no other."""
    ours = {
        name: record
        for name, record in noted.items()
        if TRIAL_ANNOTATION not in ((record.get("metadata") or {}).get("annotations") or {})
    }
    if not ours:
        raise CheckSkipped("Nuclio has no function")
    lost = {
        name: ((record.get("metadata") or {}).get("labels") or {}).get(nuclio_cli.PROJECT_LABEL) or "no project"
        for name, record in ours.items()
        if not nuclio_cli.in_project(record, PROJECT)
    }
    if lost:
        raise CheckFailed(
            ", ".join(f"{name} is in {project}" for name, project in sorted(lost.items())) + f", not in '{PROJECT}'",
            "CVAT does not list it: delete it there (nuctl delete function NAME) and run site.yml with --tags models.",
        )
    return f"{len(ours)} functions are in the project '{PROJECT}'"


def versions(run: RunCommand, nuctl: str, containers: list[Container]) -> str:
    """Nuctl and the dashboard are of one version: otherwise what one deploys the other may not serve."""
    dashboard = by_service(containers).get("nuclio")
    if dashboard is None:
        raise CheckFailed(
            "there is no dashboard: CVAT was started without its serverless file",
            "Run site.yml with --tags cvat, which always reads both files of the release.",
        )
    tag = re.search(r":(\d+(?:\.\d+)+)", dashboard.image)
    if not nuctl:
        raise CheckSkipped("no nuctl is named in verify_nuctl")
    status, out, err = run([nuctl, "version"])
    version = nuclio_cli.version(out + err)
    if status != 0 or not version:
        raise CheckFailed(
            f"{nuctl} does not say its version: {(err or out).strip()}", "Run site.yml with --tags models."
        )
    if not tag:
        raise CheckSkipped(f"the dashboard's image {dashboard.image} does not say its version")
    if version != tag[1]:
        raise CheckFailed(
            f"nuctl is {version}, the dashboard {tag[1]}",
            "Run site.yml with --tags models, which installs the dashboard's version of nuctl.",
        )
    return f"nuctl and the dashboard are both {version}"


def invocation(containers: list[Container]) -> str:
    """CVAT calls the models through the dashboard, in its own network: no port that a reboot could change."""
    services = by_service(containers)
    direct = [
        name
        for name in CALLERS
        if name in services and services[name].environment.get("CVAT_NUCLIO_INVOKE_METHOD", "direct") != "dashboard"
    ]
    if direct:
        raise CheckFailed(
            f"{', '.join(direct)} call models at host.docker.internal and the port that Docker published last",
            "After a reboot that is another one (503): run site.yml with --tags cvat, which sets "
            "CVAT_NUCLIO_INVOKE_METHOD to dashboard.",
        )
    published = [each.function for each in models(containers) if each.ports]
    if published:
        raise CheckWarning(
            f"{', '.join(published)} publish a port, although CVAT needs none",
            "Whoever reaches it can use the model: run site.yml with --tags models.",
        )
    return "CVAT calls the models through the dashboard, and they publish no port"
