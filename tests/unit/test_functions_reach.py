"""Whom a model reaches: what is tried, and what is said about what answers."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.annotation.server.plugins.module_utils import functions_reach as reach
from ansible_collections.annotation.server.plugins.module_utils.checklist import CheckFailed, CheckSkipped, CheckWarning
from docker_containers import container

NUCLIO = container("nuclio", networks={"cvat_cvat": "172.20.0.5", "cvat_functions": "172.20.1.5"})
DATABASE = container("cvat_db", address="172.20.0.3")
PROXY = container("traefik", address="172.20.0.6")


def model(name: str, network: str = "cvat_functions", **more: Any) -> Any:
    """A model that runs."""
    networks = {network: "172.20.1.128"}
    return container(f"nuclio-nuclio-{name}", function=name, networks=networks, pid=42, **more)


def server(answers: Callable[[str, int], bool]) -> reach.RunCommand:
    """A server on which a model is answered by whom ``answers`` names."""

    def run(command: list[str]) -> tuple[int, str, str]:
        if command[:3] == ["docker", "network", "inspect"]:
            return 0, "172.20.0.1 \n172.20.1.1 \n", ""
        assert command[:4] == ["nsenter", "--target", "42", "--net"]
        return 0, json.dumps([answers(*target) for target in json.loads(command[-1])]), ""

    return run


def check(*models: Any, answers: Callable[[str, int], bool] = lambda *_: False, guarded: bool = True) -> str:
    return reach.reach_nobody(server(answers), [NUCLIO, DATABASE, PROXY, *models], [8080], guarded)


def test_dashboard_databases_other_models_and_the_server_are_tried() -> None:
    tried = reach.targets(
        model("sam2"), [NUCLIO, DATABASE, PROXY, model("sam2"), model("dextr")], ["172.20.1.1"], [8080]
    )
    assert {("172.20.1.5", 8070), ("172.20.0.5", 8070), ("172.20.0.3", 5432), ("172.20.1.128", 8080)} <= set(tried)
    assert {(host, port) for host, port in tried if host == "172.20.1.1"} == {
        ("172.20.1.1", p) for p in (22, 8070, 8080)
    }


def test_nobody_answers() -> None:
    assert "none answers sam2" in check(model("sam2"), model("dextr"))


def test_a_dashboard_that_answers_fails_and_says_what_follows() -> None:
    with pytest.raises(CheckFailed, match=r"sam2 reaches nuclio \(172.20.1.5:8070\).*root") as problem:
        check(model("sam2"), answers=lambda host, port: (host, port) == ("172.20.1.5", 8070))
    assert not isinstance(problem.value, CheckWarning) and "site.yml" in problem.value.cure


def test_what_was_chosen_is_a_warning() -> None:
    with pytest.raises(CheckWarning, match="functions_guard is false"):
        check(model("sam2"), answers=lambda *_: True, guarded=False)


def test_a_model_in_cvats_network_fails() -> None:
    with pytest.raises(CheckFailed, match="dextr in the network cvat_cvat") as problem:
        check(model("sam2"), model("dextr", "cvat_cvat"))
    assert not isinstance(problem.value, CheckWarning)


def test_a_model_by_hand_in_cvats_network_is_a_warning_and_hides_nothing() -> None:
    by_hand = model("own", "cvat_cvat", by_hand=True)
    with pytest.raises(CheckWarning, match="own in the network cvat_cvat"):
        check(by_hand, model("sam2"))
    with pytest.raises(CheckFailed, match="sam2 reaches"):
        check(by_hand, model("sam2"), answers=lambda *_: True)
    with pytest.raises(CheckWarning, match="own in the network"):
        check(by_hand)


def test_it_is_skipped_where_nothing_can_be_tried() -> None:
    with pytest.raises(CheckSkipped, match="no model runs"):
        check()
    with pytest.raises(CheckSkipped, match="No such file"):
        reach.reached(lambda _: (1, "", "nsenter: No such file"), model("sam2"), {("a", 1): "a"})


def test_what_runs_in_the_model_tells_who_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        targets = json.dumps([["127.0.0.1", port], ["127.0.0.1", 1]])
        done = subprocess.run([sys.executable, "-c", reach._TRY, targets], capture_output=True, check=True, text=True)
    assert json.loads(done.stdout) == [True, False]
