"""Filters of playbooks/upgrade.yml."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import upgrade


def upgrade_plan(wanted: str, running: str, record: Mapping[str, Any], now: str, hours: int) -> dict[str, Any]:
    """Return what a run does: ``action``, ``words``, ``from``, ``to``, ``automatic``. ``now`` as in ISO 8601."""
    plan = upgrade.decide(wanted, running, record, datetime.fromisoformat(now), timedelta(hours=hours))
    return {
        "action": plan.action,
        "words": plan.words,
        "from": plan.origin,
        "to": plan.to,
        "automatic": plan.automatic,
    }


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {"upgrade_plan": upgrade_plan}
