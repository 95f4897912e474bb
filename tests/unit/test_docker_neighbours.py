"""When Docker may be restarted although others use it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.annotation.server.plugins.module_utils import docker_neighbours

OURS = {"name": "cvat_server", "project": "cvat"}
SHOP = {"name": "web", "project": "shop"}
ALONE = {"name": "a", "project": ""}
HOST = {"reachable": True, "live_restore": False, "containers": [OURS, SHOP, ALONE]}


def why(restart_ok: str = "auto", **different: Any) -> str:
    return docker_neighbours.why_no_restart({**HOST, **different}, restart_ok, ["cvat"], "docker_engine_restart_ok")


def test_whose_containers_are_named() -> None:
    assert docker_neighbours.foreign(HOST, ["cvat"]) == ["a", "web"]


def test_others_are_named_with_both_ways_out() -> None:
    assert why().startswith("that would stop other containers for a moment: a, web. ")
    assert "docker_engine_restart_ok: always" in why() and "live-restore" in why()


@pytest.mark.parametrize(
    ("restart_ok", "different"),
    [
        ("auto", {"containers": [OURS]}),
        ("auto", {"containers": []}),
        ("auto", {"live_restore": True}),
        ("auto", {"reachable": False}),
        ("never", {"reachable": False}),
        ("always", {}),
    ],
)
def test_it_may_be_restarted(restart_ok: str, different: dict[str, Any]) -> None:
    assert why(restart_ok, **different) == ""


@pytest.mark.parametrize("different", [{}, {"containers": []}, {"live_restore": True}])
def test_never_is_never(different: dict[str, Any]) -> None:
    assert why("never", **different).startswith("docker_engine_restart_ok is never.")
