"""The models' network: what it is, how it may not be, and when an existing one is another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.annotation.server.plugins.module_utils import cause_probes_host, compose_networks

ROLES = Path(__file__).resolve().parents[2] / "roles"

FUNCTIONS = compose_networks.functions("172.20.1.0/24")
CVAT = {"name": "cvat_cvat", "subnet": "172.20.0.0/24", "ip_range": "172.20.0.128/25"}


def inspected(name: str, subnet: str, ip_range: str, **more: Any) -> dict[str, Any]:
    """A network as ``docker network inspect`` has it."""
    return {"Name": name, "IPAM": {"Config": [{"Subnet": subnet, "IPRange": ip_range}]}, **more}


MODELS = inspected(
    "cvat_functions",
    "172.20.1.0/24",
    "172.20.1.128/25",
    Internal=True,
    Options={"com.docker.network.bridge.name": "cvat-functions"},
    Containers={"a": {"Name": "nuclio-nuclio-sam2"}, "b": {"Name": "nuclio"}},
)


def test_the_dashboard_has_an_address_and_a_card_that_no_model_gets() -> None:
    assert FUNCTIONS["dashboard"] == "172.20.1.5" and FUNCTIONS["dashboard_mac"] == "02:42:ac:14:01:05"
    assert FUNCTIONS["ip_range"] == "172.20.1.128/25"
    assert FUNCTIONS["internal"] is True and compose_networks.functions("10.0.0.0/28", True)["internal"] is False


def test_the_name_of_the_interface_is_short_enough() -> None:
    assert len(compose_networks.BRIDGE) <= 15  # IFNAMSIZ


def test_roles_and_checks_mean_the_same_network_and_service() -> None:
    firewall = yaml.safe_load((ROLES / "firewall/vars/main.yml").read_text())
    functions = yaml.safe_load((ROLES / "nuclio_functions/defaults/main.yml").read_text())
    cvat = yaml.safe_load((ROLES / "cvat/vars/main.yml").read_text())
    assert firewall["__firewall_models_bridge"] == compose_networks.BRIDGE
    assert functions["nuclio_functions_network"] == compose_networks.NAME
    assert cvat["__cvat_guard"] + ".service" == cause_probes_host.GUARD


@pytest.mark.parametrize(
    ("subnet", "words"),
    [
        ("172.20.1.0/24", ""),
        ("172.20.1.0/28", ""),
        ("172.20.1.0/29", "too small"),
        ("172.20.0.0/16", "overlaps with CVAT's"),
        ("172.20.0.128/25", "overlaps with CVAT's"),
        ("172.20.1.1/24", "not an IPv4 network"),
        ("fd00::/64", "not an IPv4 network"),
    ],
)
def test_subnets(subnet: str, words: str) -> None:
    problem = compose_networks.problem(subnet, "172.20.0.0/24")
    assert (words in problem) if words else not problem


def test_networks_as_they_should_be() -> None:
    there = [inspected("cvat_cvat", "172.20.0.0/24", "172.20.0.128/25"), MODELS]
    assert compose_networks.differences(there, [CVAT, FUNCTIONS]) == []
    assert compose_networks.differences([], [CVAT, FUNCTIONS]) == []


def test_a_way_out_that_was_asked_for_needs_another_network() -> None:
    (found,) = compose_networks.differences([MODELS], [CVAT, compose_networks.functions("172.20.1.0/24", True)])
    assert found["name"] == "cvat_functions" and found["guests"] == ["nuclio", "nuclio-nuclio-sam2"]
    assert found["found"].endswith("without a way out") and found["wanted"].endswith("with a way out")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"Options": None}, "interface one that Docker named"),
        ({"IPAM": {"Config": None}}, "none, ip_range none"),
        ({"IPAM": {"Config": [{"Subnet": "10.1.0.0/24"}]}}, "10.1.0.0/24, ip_range none"),
    ],
)
def test_another_network_of_that_name(change: dict[str, Any], words: str) -> None:
    (found,) = compose_networks.differences([{**MODELS, **change}], [FUNCTIONS])
    assert words in found["found"]
