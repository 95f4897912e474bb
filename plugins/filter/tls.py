"""Filters of the role tls."""

from __future__ import annotations

from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import tls_checks


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {
            "tls_problems": tls_checks.problems,
            "tls_alternative_names": tls_checks.alternative_names,
            "tls_names": tls_checks.names,
        }
