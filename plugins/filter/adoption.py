"""Filters of the role adopt."""

from __future__ import annotations

from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import adoption


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {"exposures_compared": adoption.compare}
