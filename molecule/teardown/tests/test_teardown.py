"""After the last teardown every host is as it was: the first like a bare one, the shared one like itself before."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

BARE = "annotation-teardown-bare"
# Docker brought it, and apt, which was content with base-passwd before, would take either: so apt keeps it.
ALTERNATIVE = re.compile(r"^(package ii  ?adduser|file /etc/(adduser|deluser)\.conf )")


def report(name: str) -> dict:
    return json.loads(Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], f"{name}.json").read_text())


def state(name: str) -> set[str]:
    return set(Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], name, "state").read_text().splitlines())


def test_the_first_is_like_a_bare_host() -> None:
    first, bare = state("annotation-teardown"), state(BARE)
    assert [line for line in sorted(first - bare) if not ALTERNATIVE.match(line)] == []
    assert sorted(bare - first) == []


def test_the_shared_one_is_as_it_was(host) -> None:
    name = "annotation-teardown-shared"
    if host.check_output("hostname") != name:
        pytest.skip("it is about the shared host")
    before = set(host.check_output("cat /root/host-state-before").splitlines())
    # A folder that held something before the first run keeps everything.
    assert [line.split()[1] for line in state(name) - before] == ["/mnt/share/ours.txt"]
    assert sorted(before - state(name)) == []


def test_what_others_run_was_never_stopped(host) -> None:
    if host.check_output("hostname") != "annotation-teardown-shared":
        pytest.skip("it is about the shared host")
    host.check_output("/root/wiki undisturbed")
    assert host.check_output("curl -fsS http://127.0.0.1:9300/page") == "page"


def test_acceptance_says_what_passed_and_why_the_rest_was_not_tried() -> None:
    steps = {step["step"]: step for step in report("acceptance")["steps"]}
    states = {name: step["state"] for name, step in steps.items()}
    tried = ["images", "server", "private", "backup"]
    assert states == dict.fromkeys(steps, "skipped") | dict.fromkeys(tried, "passed")
    assert "acceptance_yes does not name it" in steps["reboot"]["detail"]
    assert steps["server"]["figures"]["first prompt: a box"] > 0 and steps["backup"]["figures"]["frozen_seconds"] > 0
    assert report("acceptance")["versions"]["cvat_server"].endswith("cvat/server:v2.80.0")


def test_acceptance_says_what_failed_and_goes_on() -> None:
    states = {step["step"]: step["state"] for step in report("failed")["steps"]}
    assert states == {"server": "failed", "private": "passed"}
    assert "failed" in Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "failed.html").read_text()
