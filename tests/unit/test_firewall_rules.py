"""Which networks, ports and interfaces the firewall names, and whom it would lock out."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.annotation.server.plugins.module_utils import firewall_rules

PRIVATE = ["10.0.0.0/8", "192.168.0.0/16", "fc00::/7"]


def options(**other: Any) -> dict[str, Any]:
    return {
        "firewall_networks": PRIVATE,
        "firewall_ssh_networks": PRIVATE,
        "firewall_admin_networks": [],
        "firewall_container_subnets": ["172.20.0.0/24"],
        "firewall_http_ports": [8080],
        "firewall_admin_ports": [8070],
        "firewall_ssh_ports": [],
        **other,
    }


@pytest.mark.parametrize(
    ("given", "matches"),
    [
        ([], []),
        (["10.1.2.3"], ["ip saddr { 10.1.2.3/32 }"]),
        (["10.0.0.0/8", "10.1.0.0/16"], ["ip saddr { 10.0.0.0/8 }"]),
        (["fd00::/8", "10.0.0.0/8"], ["ip saddr { 10.0.0.0/8 }", "ip6 saddr { fd00::/8 }"]),
        (["0.0.0.0/0", "10.0.0.0/8"], ["meta nfproto ipv4"]),
        (["::/0"], ["meta nfproto ipv6"]),
    ],
)
def test_networks_become_one_match_per_family(given: list[str], matches: list[str]) -> None:
    assert firewall_rules.sources(given) == matches


def test_targets_look_at_the_other_end() -> None:
    assert firewall_rules.targets(["172.20.0.0/24"]) == ["ip daddr { 172.20.0.0/24 }"]


def test_only_bridges_that_are_not_dockers_count_as_outside() -> None:
    names = ["lo", "eth0", "docker0", "docker_gwbridge", "br-0123456789ab", "br-lan", "br0", "dockerlan"]
    assert firewall_rules.outside_bridges(names) == ["br-lan", "dockerlan"]


@pytest.mark.parametrize(
    ("chosen", "connection", "listening", "ports"),
    [
        ([], "", "", [22]),
        ([], "10.0.0.7 50000 10.0.0.1 2222", "", [2222]),
        ([2022], "10.0.0.7 50000 10.0.0.1 2222", "", [2022, 2222]),
        ([], "", 'LISTEN 0 128 [::]:2200 [::]:* users:(("sshd",pid=1,fd=3))', [2200]),
        ([], "", 'LISTEN 0 128 0.0.0.0:80 0.0.0.0:* users:(("nginx",pid=1,fd=3))', [22]),
    ],
)
def test_the_port_in_use_is_always_a_port_of_ssh(
    chosen: list[int], connection: str, listening: str, ports: list[int]
) -> None:
    assert firewall_rules.ssh_ports(chosen, connection, listening) == ports


@pytest.mark.parametrize(
    ("connection", "locked_out"),
    [
        ("", False),
        ("10.0.0.7 50000 10.0.0.1 22", False),
        ("::ffff:10.0.0.7 50000 10.0.0.1 22", False),
        ("fe80::1%eth0 50000 fe80::2%eth0 22", True),
        ("203.0.113.5 50000 198.51.100.1 22", True),
    ],
)
def test_a_run_that_would_be_locked_out_is_refused(connection: str, locked_out: bool) -> None:
    found = firewall_rules.problems(options(), connection)
    assert bool(found) is locked_out
    assert not locked_out or "would lock you out. Add your network to firewall_ssh_networks" in found[0]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            {"firewall_networks": ["10.0.0.1/8"]},
            "firewall_networks: '10.0.0.1/8' is no network (10.0.0.1/8 has host bits set)",
        ),
        ({"firewall_admin_networks": ["office"]}, "firewall_admin_networks: 'office' is no network"),
        ({"firewall_http_ports": [0]}, "firewall_http_ports: 0 is no port"),
    ],
)
def test_what_cannot_be_is_named(wrong: dict[str, Any], message: str) -> None:
    assert message in firewall_rules.problems(options(**wrong), "")[0]
