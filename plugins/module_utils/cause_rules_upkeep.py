"""What harms later: backups that are not made, secrets that others can read.

Each rule is a pure function from facts (see ``cause_facts``) to causes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from ansible_collections.annotation.server.plugins.module_utils.causes import Cause, Facts, Rule, line

#: A backup is late when two were left out (seconds); how often they are made is the timer's business.
USUAL_INTERVAL = 86400
SLACK = 7200
#: As systemctl writes it, between the day of the week and the zone.
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


def backup_failed(facts: Facts) -> Iterator[Cause]:
    """A backup that ended with an error, or none for too long."""
    units = facts.get("units") or {}
    service, timer = (units.get(f"annotation-server-backup.{kind}") or {} for kind in ("service", "timer"))
    if not (facts["backup"] or {}).get("configured"):
        return
    if service.get("Result", "success") != "success" or service.get("ActiveState") == "failed":
        words = facts.get("backup_journal") or []
        yield Cause(
            key="backup.failed",
            problem="The last backup failed.",
            evidence=(
                f"systemctl: annotation-server-backup.service ended with {service.get('Result')}",
                *([f"journalctl -u annotation-server-backup: {line(words[-1])}"] if words else []),
            ),
            cure="Run playbooks/backup.yml, which says why.",
            explains=("backup.old",),
            risk=True,
        )
    age = facts["backup"].get("age")
    if age is None:
        age = facts["backup"].get("configured_age", 0)
    limit = 2 * _interval(timer) + SLACK
    if timer.get("ActiveState") == "active" and age > limit:
        yield Cause(
            key="backup.old",
            problem=f"The last backup is {age // 3600} hours old."
            if facts["backup"].get("age")
            else "No backup was ever made.",
            evidence=(f"/var/lib/annotation-server/backup.json: one is due every {_interval(timer) // 3600} hours",),
            cure="See 'journalctl -u annotation-server-backup' and run playbooks/backup.yml.",
            risk=True,
        )


def _interval(timer: dict[str, str]) -> int:
    """Return the seconds between two runs of the timer; a day when that is not known."""
    found = [_TIME.search(timer.get(name, "")) for name in ("LastTriggerUSec", "NextElapseUSecRealtime")]
    last, following = (datetime.strptime(match[0], "%Y-%m-%d %H:%M:%S") if match else None for match in found)
    return max(3600, int((following - last).total_seconds())) if last and following else USUAL_INTERVAL


def secrets(facts: Facts) -> Iterator[Cause]:
    """Secrets that are gone, or that others can read."""
    found = facts["secrets"] or {"error": "", "open": [], "names": [], "folder": ""}
    if found["error"]:
        yield Cause(
            key="secrets.missing",
            problem=f"The folder of the secrets {found['folder']} cannot be read ({found['error']}).",
            evidence=(f"stat {found['folder']}: {found['error']}",),
            effect="The object storage does not start again, and nobody knows the first user's password.",
            cure="Bring it back from a backup (playbooks/restore.yml); site.yml would make other secrets.",
            explains=("sign:no_mount_source",),
        )
    if found["open"]:
        yield Cause(
            key="secrets.open",
            problem="Secrets can be read or changed by others than their owners.",
            evidence=tuple(found["open"][:5]),
            cure=f"chmod 700 {found['folder']} && chmod 600 {found['folder']}/*. Whoever may have read one: change it.",
            risk=True,
        )


RULES: tuple[Rule, ...] = (secrets, backup_failed)
