"""What may be done to a Docker on which other people's containers run: pure functions, asked by whoever restarts it.

docs/shared-docker.md tells people the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any


def foreign(docker: Mapping[str, Any], own_projects: Collection[str]) -> list[str]:
    """Return the names of running containers that are not ours.

    Args:
        docker: what host_probe found.
        own_projects: Compose and Nuclio projects that are ours.
    """
    return sorted(entry["name"] for entry in docker["containers"] if entry["project"] not in own_projects)


def why_no_restart(docker: Mapping[str, Any], restart_ok: str, own_projects: Collection[str], option: str) -> str:
    """Return why Docker must not be restarted now, and what to do about it; empty when it may be.

    Args:
        docker: what host_probe found.
        restart_ok: ``always``, ``never``, or ``auto``: unless that would stop other people's containers.
        own_projects: Compose and Nuclio projects that are ours.
        option: the name under which people set restart_ok.
    """
    if not docker["reachable"] or restart_ok == "always":
        return ""  # where Docker does not answer, a restart stops nothing
    if restart_ok == "never":
        return f"{option} is never. Run again with {option}: always when a restart is acceptable."
    others = foreign(docker, own_projects)
    if not others or docker["live_restore"]:
        return ""
    return (
        f"that would stop other containers for a moment: {', '.join(others)}. Run again with {option}: always when "
        'that is acceptable; or have them go on meanwhile ("live-restore": true in /etc/docker/daemon.json, then '
        "systemctl reload docker), and run again."
    )
