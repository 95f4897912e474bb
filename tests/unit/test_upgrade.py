"""What playbooks/upgrade.yml decides to do, for every state in which an earlier run may have left the server."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from ansible_collections.annotation.server.plugins.filter.upgrade import upgrade_plan
from ansible_collections.annotation.server.plugins.module_utils import upgrade

OLD, NEW, OTHER = "v2.80.0", "v2.81.0", "v2.82.0"
NOW = datetime(2026, 11, 25, 12, tzinfo=timezone.utc)


def noted(phase: str, hours_ago: float = 1) -> dict[str, Any]:
    """Return what an earlier run from OLD to NEW left."""
    made = (NOW - timedelta(hours=hours_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"from": OLD, "to": NEW, "phase": phase, "snapshot": "0badcafe", "made": made}


def decide(wanted: str, running: str, record: dict[str, Any]) -> upgrade.Plan:
    return upgrade.decide(wanted, running, record, NOW, timedelta(hours=4))


def test_releases_have_an_order() -> None:
    releases = ["v2.9.0", "v2.80.0", "v2.80.1", "v2.100.0", "v10.0.0"]
    assert sorted(releases, key=upgrade.order) == releases
    assert [upgrade.order(each) for each in ("2.80.0", "v2.80", "develop", "v2.80.0-rc1", "")] == [()] * 5


@pytest.mark.parametrize(
    ("wanted", "running", "record", "action"),
    [
        (NEW, OLD, {}, "begin"),
        (OTHER, OLD, {}, "begin"),
        (OLD, OLD, {}, "nothing"),
        # Upgrades that ended leave nothing to do.
        (NEW, NEW, noted("done"), "nothing"),
        (OTHER, NEW, noted("done", 900), "begin"),
        (NEW, OLD, noted("returned"), "begin"),
        # Cut off before the new release touched the data: a new beginning, with a new backup.
        (NEW, OLD, noted("changing", 900), "begin"),
        (OTHER, OLD, noted("changing"), "begin"),
        (OLD, OLD, noted("changing"), "nothing"),
        # Cut off after that, also between two containers.
        (NEW, NEW, noted("changing"), "continue"),
        (NEW, "", noted("changing"), "continue"),
        (OLD, NEW, noted("changing"), "return"),
        (OTHER, NEW, noted("changing"), "refuse"),
        # Cut off on the way back, before and after the old data were in their place.
        (NEW, NEW, noted("returning"), "return"),
        (OLD, NEW, noted("returning", 900), "return"),
        (NEW, OLD, noted("returning", 900), "return"),
        (NEW, "", noted("returning", 900), "return"),
        (OTHER, OLD, noted("returning"), "refuse"),
        (NEW, NEW, noted("returning", 5), "refuse"),
    ],
)
def test_what_is_done(wanted: str, running: str, record: dict[str, Any], action: str) -> None:
    plan = decide(wanted, running, record)
    assert plan.action == action, plan.words
    if action in ("continue", "return"):
        assert (plan.origin, plan.to) == (OLD, NEW)


@pytest.mark.parametrize(("hours", "automatic"), [(3.9, True), (4.1, False)])
def test_a_run_that_goes_on_does_not_throw_away_a_days_work_unasked(hours: float, automatic: bool) -> None:
    plan = decide(NEW, NEW, noted("changing", hours))
    assert plan.automatic is automatic
    assert ("people may have worked since backup 0badcafe of 2026-11-25T" in plan.words) is not automatic


@pytest.mark.parametrize(
    ("wanted", "running", "record", "sentence"),
    [
        ("", OLD, {}, "Name the release as CVAT does, for example -e upgrade_to=v2.81.0. Nothing was changed."),
        ("2.81", OLD, {}, "Name the release as CVAT does, not '2.81'. Nothing was changed."),
        (NEW, "", {}, "No release of CVAT runs here. Run playbooks/site.yml first"),
        (
            OLD,
            NEW,
            {},
            "runs CVAT v2.81.0, and v2.80.0 is older: it cannot read the newer database. The way to it is a restore",
        ),
        (
            OTHER,
            NEW,
            noted("changing"),
            "Run it again with -e upgrade_to=v2.81.0 first, or go back with -e upgrade_to=v2.80.0.",
        ),
        (
            NEW,
            NEW,
            noted("returning", 30),
            "To give that up, run again with -e upgrade_to=v2.80.0. Nothing was changed.",
        ),
    ],
)
def test_refusals_say_what_to_do(wanted: str, running: str, record: dict[str, Any], sentence: str) -> None:
    plan = decide(wanted, running, record)
    assert plan.action == "refuse" and sentence in plan.words


def test_the_playbook_gets_plain_values() -> None:
    plan = upgrade_plan(NEW, OLD, {}, "2026-11-25T12:00:00Z", 4)
    assert plan == {
        "action": "begin",
        "words": "CVAT is upgraded from v2.80.0 to v2.81.0.",
        "from": OLD,
        "to": NEW,
        "automatic": True,
    }
