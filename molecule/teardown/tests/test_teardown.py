"""After the last teardown every host is as it was: the first like a bare one, the shared one like itself before."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

BARE = "annotation-teardown-bare"


def state(name: str) -> set[str]:
    return set(Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], f"{name}.state").read_text().splitlines())


def test_the_first_is_like_a_bare_host() -> None:
    first, bare = state("annotation-teardown"), state(BARE)
    assert sorted(first - bare) == []
    assert sorted(bare - first) == []


def test_the_shared_one_is_as_it_was(host) -> None:
    name = "annotation-teardown-shared"
    if host.check_output("hostname") != name:
        pytest.skip("it is about the shared host")
    before = set(host.check_output("cat /root/host-state-before").splitlines())
    assert sorted(state(name) - before) == []
    assert sorted(before - state(name)) == []


def test_what_others_run_was_never_stopped(host) -> None:
    if host.check_output("hostname") != "annotation-teardown-shared":
        pytest.skip("it is about the shared host")
    assert host.check_output("docker inspect --format '{{.State.Status}}' wiki") == "running"
    assert host.check_output("docker exec wiki cat /data/page") == "page"
