"""Filters of the role docker_engine."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.annotation.server.plugins.module_utils import (
    docker_daemon,
    docker_neighbours,
    docker_packages,
    docker_settings,
)


def docker_engine_plan(host: dict[str, Any], wish: dict[str, Any]) -> dict[str, Any]:
    """Decide what to install; see docker_packages.plan."""
    return docker_packages.plan(host["system"], host["docker"], host["packages"]["installed"], wish)


def docker_engine_settings(current: dict[str, Any], wish: dict[str, Any]) -> dict[str, Any]:
    """Return the settings to merge into daemon.json; see docker_settings.wanted."""
    try:
        return docker_settings.wanted(current, wish)
    except docker_daemon.DaemonConfigError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {
            "docker_engine_plan": docker_engine_plan,
            "docker_engine_settings": docker_engine_settings,
            "docker_engine_why_no_restart": docker_neighbours.why_no_restart,
        }
