"""Times as Docker tells them: how old something is, how long a container took to become healthy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any


def moment(text: str) -> datetime:
    """Read a time as Docker writes it: with nanoseconds, in UTC (Z) or with an offset.

    Raises:
        ValueError: it is no such time.
    """
    match = re.fullmatch(r"([-\dT:]+)(?:\.(\d+))?(Z|[-+]\d\d:\d\d)", text)
    if not match:
        raise ValueError(f"not a time as Docker writes it: {text}")
    whole, fraction, zone = match.groups()
    return datetime.fromisoformat(whole + ("+00:00" if zone == "Z" else zone)).replace(
        microsecond=int((fraction or "0")[:6].ljust(6, "0"))
    )


def age(created: str) -> int:
    """Return the seconds since a time as Docker writes it; 0 when it is not known."""
    try:
        return max(0, int((datetime.now(timezone.utc) - moment(created)).total_seconds()))
    except ValueError:
        return 0


def seconds_to_health(container: Mapping[str, Any]) -> float:
    """Return the seconds from a container's start until its health check first agreed; 0 when that is not known."""
    state = container.get("State") or {}
    checks = (state.get("Health") or {}).get("Log") or []
    good = [check["End"] for check in checks if check.get("ExitCode") == 0]
    if not good or not state.get("StartedAt"):
        return 0.0
    return round((moment(good[0]) - moment(state["StartedAt"])).total_seconds(), 1)
