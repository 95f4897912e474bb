"""What an upgrade of CVAT to a named release means on a server: begin, go on, go back, nothing, or a refusal.

Pure functions: what runs and what an earlier run noted go in, a decision with a sentence comes out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

_RELEASE = re.compile(r"v(\d+)\.(\d+)\.(\d+)")
#: What a run notes before it changes anything, and before it goes back. `done` and `returned` need nothing any more.
CHANGING, RETURNING = "changing", "returning"
_UNCHANGED = "Nothing was changed."


@dataclass(frozen=True)
class Plan:
    """What is to be done, between which releases, and a sentence for the person who asked."""

    #: begin, continue, return, nothing or refuse.
    action: str
    words: str
    origin: str = ""
    to: str = ""
    #: May a failure lead back to the backup by itself? Not where people may have worked since it was made.
    automatic: bool = True


def order(release: str) -> tuple[int, ...]:
    """Return a release as numbers that can be compared; empty when it is no release tag."""
    found = _RELEASE.fullmatch(release)
    return tuple(int(part) for part in found.groups()) if found else ()


def decide(wanted: str, running: str, record: Mapping[str, Any], now: datetime, limit: timedelta) -> Plan:
    """Decide what a run does.

    Args:
        wanted: the release that was asked for.
        running: the release that the server's container was made from, running or not; empty when there is none.
        record: what the last run noted: ``from``, ``to``, ``phase``, ``snapshot`` (the backup) and ``made`` (when the
            backup was made); empty when there was none.
        now: the server's time, with its time zone.
        limit: how old a backup may be to which a run goes back unasked, if it is not that run's own.
    """
    if not order(wanted):
        asked = f"not '{wanted}'" if wanted else "for example -e upgrade_to=v2.81.0"
        return Plan("refuse", f"Name the release as CVAT does, {asked}. {_UNCHANGED}")
    origin, to = str(record.get("from", "")), str(record.get("to", ""))
    # Until the new release's server was made, nothing has touched the data.
    if record.get("phase") == RETURNING or (record.get("phase") == CHANGING and running != origin):
        return _unfinished(wanted, running, record, Plan("", "", origin, to), now - limit)
    if not running:
        words = "No release of CVAT runs here. Run playbooks/site.yml first, or restore a backup (docs/backup.md)."
        return Plan("refuse", f"{words} {_UNCHANGED}")
    if wanted == running:
        return Plan("nothing", f"CVAT {running} runs here already. {_UNCHANGED}", running, wanted)
    if order(wanted) < order(running):
        return Plan(
            "refuse",
            f"This server runs CVAT {running}, and {wanted} is older: it cannot read the newer database. The way to it "
            f"is a restore of a backup that was made with it (docs/backup.md). {_UNCHANGED}",
        )
    return Plan("begin", f"CVAT is upgraded from {running} to {wanted}.", running, wanted)


def _unfinished(wanted: str, running: str, record: Mapping[str, Any], ends: Plan, oldest: datetime) -> Plan:
    """Decide where an earlier run did not end: `ends` has its two releases."""
    origin, to = ends.origin, ends.to
    if wanted not in (origin, to):
        return Plan(
            "refuse",
            f"An upgrade from {origin} to {to} did not end. Run it again with -e upgrade_to={to} first, or go back "
            f"with -e upgrade_to={origin}. {_UNCHANGED}",
        )
    fresh = datetime.fromisoformat(record["made"]) >= oldest
    backup = f"backup {record['snapshot']} of {record['made']}"
    if wanted == to and record["phase"] == CHANGING:
        words = f"The upgrade from {origin} to {to} did not end, and goes on."
        if not fresh:
            words += f" It does not go back by itself, because people may have worked since {backup}."
        return Plan("continue", words, origin, to, automatic=fresh)
    if running != to:  # the backup's data are in their place already
        return Plan("return", f"The way back from {to} to {origin} did not end, and goes on.", origin, to)
    if wanted == to and not fresh:
        return Plan(
            "refuse",
            f"The way back from {to} to {origin} did not end, and people may have worked since {backup}. To give that "
            f"up, run again with -e upgrade_to={origin}. {_UNCHANGED}",
        )
    return Plan("return", f"The server goes back from {to} to {origin}, with {backup}.", origin, to)
