"""Whether the share is mounted where CVAT needs it, and nowhere else."""

from __future__ import annotations

from ansible_collections.annotation.server.plugins.module_utils.checklist import CheckFailed
from ansible_collections.annotation.server.plugins.module_utils.docker_view import Container, by_service

#: Where CVAT looks for it, and the services into which CVAT's documentation mounts it.
SHARE_TARGET = "/home/django/share"
SHARE_SERVICES = (
    "cvat_server",
    "cvat_worker_import",
    "cvat_worker_export",
    "cvat_worker_annotation",
    "cvat_worker_chunks",
)


def mounted_where_needed(containers: list[Container], folder: str) -> str:
    """The share is mounted read-only in exactly those services that CVAT's documentation names."""
    services = by_service(containers)
    mounts = {
        name: mount
        for name, container in services.items()
        for mount in container.mounts
        if mount.get("Destination") == SHARE_TARGET
    }
    cure = "Run site.yml with --tags cvat."
    if missing := sorted(set(SHARE_SERVICES) & set(services) - set(mounts)):
        raise CheckFailed(f"{', '.join(missing)} do not have the share: tasks from it would fail half-way", cure)
    if other := sorted(name for name, mount in mounts.items() if mount.get("Source") != folder):
        raise CheckFailed(f"{', '.join(other)} have {mounts[other[0]].get('Source')} as the share, not {folder}", cure)
    if writing := sorted(name for name, mount in mounts.items() if mount.get("RW")):
        raise CheckFailed(f"{', '.join(writing)} may write to the share", cure)
    if needless := sorted(set(mounts) - set(SHARE_SERVICES)):
        raise CheckFailed(f"{', '.join(needless)} have the share and do not need it", cure)
    return f"{folder} is in {', '.join(sorted(mounts))}, read-only"
