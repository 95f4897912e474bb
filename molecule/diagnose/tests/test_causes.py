"""Each fault's cause is named first, both of two are named, and a healthy server has none."""

from __future__ import annotations

import json

import pytest
from test_diagnose import read

FIRST = {
    "dashboard": ("container.stopped.nuclio", "docker start nuclio"),
    "share": ("share.unmounted.share", "mount /mnt/share"),
    "function": ("model.error.broken", "site.yml with --tags broken"),
    "key": ("storage.key", "site.yml with --tags object_storage"),
    "disk": ("disk.full.", "larger"),
    "without-docker": ("docker.down", "systemctl enable --now docker"),
}


def causes(name: str) -> list[dict]:
    return json.loads(read(f"{name}.tar.gz")["causes.json"])


def test_a_healthy_server_has_none() -> None:
    assert causes("diagnosis") == []
    assert read("diagnosis.tar.gz")["causes.txt"] == "Nothing found wrong.\n"


@pytest.mark.parametrize("fault", FIRST)
def test_the_cause_is_named_first_and_alone(fault: str) -> None:
    key, cure = FIRST[fault]
    found = causes(fault)
    assert found[0]["key"].startswith(key) and cure in found[0]["cure"], found
    assert len(found) == 1, [each["key"] for each in found]


def test_both_of_two_are_named() -> None:
    keys = [each["key"] for each in causes("two")]
    assert keys[0].startswith("disk.full.") and keys[1:] == ["container.stopped.nuclio"]


def test_what_follows_is_said_under_its_cause() -> None:
    assert any("list its models" in each for each in causes("dashboard")[0]["consequences"])
    assert any("cvat-storage" in each for each in causes("key")[0]["consequences"])


def test_evidence_names_its_source_and_no_secret() -> None:
    evidence = " ".join(causes("function")[0]["evidence"])
    assert "docker logs nuclio-nuclio-broken:" in evidence and "<redacted>" in evidence
    for name in (*FIRST, "two"):
        assert "Planted" not in json.dumps(read(f"{name}.tar.gz")), name


@pytest.mark.parametrize("name", [*FIRST, "two", "diagnosis"])
def test_a_minute_is_enough(name: str) -> None:
    assert json.loads(read(f"{name}.tar.gz")["facts.json"])["seconds"] < 60
