"""Filters of the role object_storage."""

from __future__ import annotations

from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import bucket_names


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {"bucket_name_problem": bucket_names.problem}
