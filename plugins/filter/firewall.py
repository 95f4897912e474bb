"""Filters of the role firewall."""

from __future__ import annotations

from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import firewall_rules


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {
            "firewall_problems": firewall_rules.problems,
            "firewall_sources": firewall_rules.sources,
            "firewall_targets": firewall_rules.targets,
            "firewall_outside_bridges": firewall_rules.outside_bridges,
            "firewall_ssh_ports": firewall_rules.ssh_ports,
        }
