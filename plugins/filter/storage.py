"""Filters of the role storage."""

from __future__ import annotations

from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import storage_checks


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {"storage_problems": storage_checks.problems}
