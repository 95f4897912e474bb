"""Who reaches what, asked from network namespaces with a cable to the host, after restarts of Docker and nftables."""

from __future__ import annotations

import pytest


def answers(host, person: str, address: str, source: str = "") -> list[str]:
    return host.check_output(f"ask {person} {address} {source}").split()


def test_without_a_firewall_everybody_reaches_everything(host) -> None:
    before = host.file("/root/before").content_string.split()
    # Also the dashboard inside, past every published port, by a route through the server.
    assert before == ["22", "8000", "8070", "8080", "8081", "8181"]


@pytest.mark.parametrize("address", ["192.168.77.1", "fd77::1"])
def test_a_neighbour_reaches_cvat_ssh_and_what_is_not_ours(host, address: str) -> None:
    assert answers(host, "neighbour", address) == ["22", "8000", "8080", "8081"]


@pytest.mark.parametrize("address", ["192.0.2.1", "fd99::1"])
def test_a_stranger_reaches_only_what_is_not_ours(host, address: str) -> None:
    assert answers(host, "stranger", address) == ["8000", "8081"]


def test_an_administrator_reaches_the_dashboard_too(host) -> None:
    assert "8070" in answers(host, "neighbour", "192.168.77.1", "192.168.77.9")


@pytest.mark.parametrize("person", ["neighbour", "stranger"])
def test_nobody_reaches_a_container_past_its_port(host, person: str) -> None:
    assert answers(host, person, "172.20.0.5") == []


def test_containers_reach_each_other_and_the_server(host) -> None:
    for asker in ("docker exec shop curl", "curl"):
        for address in ("172.17.0.1:8070", "172.20.0.5:8181" if asker == "curl" else "172.17.0.1:8081"):
            assert host.run(f"{asker} -s -o /dev/null --max-time 5 http://{address}/").rc == 0, (asker, address)


def test_who_was_logged_in_before_still_is(host) -> None:
    assert host.service("held-open").is_running
    assert "192.0.2.1:22" in host.check_output("ip netns exec stranger ss -Htn state established dport = :22")


def test_closed_means_nothing_but_the_named_ports(host) -> None:
    assert host.file("/root/closed").content_string.split() == ["22", "8080"]
    assert host.file("/root/closed-stranger").content_string.split() == []


def test_taken_away_it_leaves_nothing(host) -> None:
    assert host.file("/root/absent").content_string == host.file("/root/before").content_string
    assert "annotation_server" not in host.file("/root/absent-tables").content_string
    assert "firewall.nft" not in host.file("/root/absent-files").content_string


def test_it_comes_back_at_boot_before_docker(host) -> None:
    assert host.service("annotation-server-firewall").is_enabled
    assert host.service("annotation-server-firewall").is_running
    before = host.check_output("systemctl show --property=Before annotation-server-firewall")
    assert {"docker.service", "network-pre.target"} <= set(before.partition("=")[2].split())


def test_no_way_back_is_left_waiting(host) -> None:
    assert "annotation-server-firewall-undo" not in host.check_output("systemctl list-units --all --no-legend")
