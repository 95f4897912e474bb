"""Fixed addresses: what must hold for any set of services and any sensible subnet."""

from __future__ import annotations

import ipaddress

import pytest
from ansible_collections.annotation.server.plugins.module_utils import compose_addresses as ca
from hypothesis import given
from hypothesis import strategies as st

SUBNET, RANGE = "172.20.0.0/24", "172.20.0.128/25"
names = st.text("abcdefghijklmnopqrstuvwxyz_0123456789", min_size=1, max_size=12)
services = st.lists(st.one_of(st.sampled_from(sorted(ca.KNOWN_OFFSETS)), names), unique=True, max_size=60)


@st.composite
def subnets(draw: st.DrawFn) -> tuple[str, str]:
    """A private subnet of /20 to /25 with its upper half as the dynamic range (a /25 has 64 fixed addresses)."""
    prefix = draw(st.integers(20, 25))
    base = ipaddress.IPv4Network("10.0.0.0/8")
    index = draw(st.integers(0, 2 ** (prefix - 8) - 1))
    whole = ipaddress.IPv4Network((int(base.network_address) + (index << (32 - prefix)), prefix))
    return str(whole), str(list(whole.subnets(1))[1])


@given(services, subnets())
def test_addresses_are_lawful(wanted: list[str], nets: tuple[str, str]) -> None:
    subnet, ip_range = nets
    whole, dynamic = ipaddress.IPv4Network(subnet), ipaddress.IPv4Network(ip_range)
    unknown = [name for name in wanted if name not in ca.KNOWN_OFFSETS]
    room = sum(ca.is_usable(address, whole, dynamic) for address in whole) - len(ca.KNOWN_OFFSETS)
    if len(unknown) > room:
        with pytest.raises(ca.AddressError, match="No address is left"):
            ca.assign(wanted, subnet, ip_range)
        return
    result = {name: ipaddress.IPv4Address(text) for name, text in ca.assign(wanted, subnet, ip_range).items()}
    assert set(result) == set(wanted)
    assert len(set(result.values())) == len(result), "an address is given twice"
    for name, address in result.items():
        assert address in whole and address not in dynamic
        assert address not in (whole.network_address, whole.network_address + 1, whole.broadcast_address)
        assert str(address).rsplit(".", 1)[1] not in ("0", "255")
        if name in ca.KNOWN_OFFSETS:
            assert int(address) - int(whole.network_address) == ca.KNOWN_OFFSETS[name]
        else:
            assert int(address) - int(whole.network_address) not in ca.KNOWN_OFFSETS.values()


@given(services, st.randoms())
def test_order_does_not_matter(wanted: list[str], random) -> None:
    shuffled = random.sample(wanted, len(wanted))
    assert ca.assign(wanted, SUBNET, RANGE) == ca.assign(shuffled, SUBNET, RANGE)


@given(services, services)
def test_nobody_moves_when_services_come_and_go(first: list[str], second: list[str]) -> None:
    before = ca.assign(first, SUBNET, RANGE)
    after = ca.assign([*first, *[name for name in second if name not in first]], SUBNET, RANGE, previous=before)
    assert {name: after[name] for name in first} == before
    left = ca.assign(second, SUBNET, RANGE, previous=after)
    assert left == {name: after[name] for name in second}


@given(services, st.dictionaries(names, st.text(max_size=20), max_size=10))
def test_rubbish_from_an_earlier_run_does_no_harm(wanted: list[str], previous: dict[str, str]) -> None:
    result = ca.assign(wanted, SUBNET, RANGE, previous=previous)
    assert len(set(result.values())) == len(wanted)


@given(services)
def test_a_new_subnet_moves_everybody_by_the_same_offset(wanted: list[str]) -> None:
    old = ca.assign(wanted, SUBNET, RANGE)
    new = ca.assign(wanted, "10.9.8.0/24", "10.9.8.128/25", previous=old)
    assert {name: text.rsplit(".", 1)[1] for name, text in new.items()} == {
        name: text.rsplit(".", 1)[1] for name, text in old.items()
    }


def test_the_guides_map() -> None:
    result = ca.assign(ca.KNOWN_OFFSETS, SUBNET, RANGE)
    assert result["cvat_clickhouse"] == "172.20.0.2"
    assert result["minio"] == "172.20.0.20"
    assert result["cvat_server"] == "172.20.0.30"
    assert len(result) == 20


def test_earlier_address_taken_by_the_map_or_the_range_is_given_up() -> None:
    for stale in ("172.20.0.30", "172.20.0.200", "172.20.0.1", "10.0.0.4"):
        assert ca.assign(["new_service"], SUBNET, RANGE, previous={"new_service": stale}) == {
            "new_service": "172.20.0.4"
        }


def test_the_users_choice_goes_first() -> None:
    result = ca.assign(
        ["cvat_db", "cvat_ui", "x"], SUBNET, RANGE, chosen={"x": "172.20.0.3"}, previous={"x": "172.20.0.50"}
    )
    assert result == {"cvat_db": "172.20.0.4", "cvat_ui": "172.20.0.18", "x": "172.20.0.3"}


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"x": "172.20.0.1"}, "cannot be used"),
        ({"x": "172.20.0.200"}, "cannot be used"),
        ({"x": "somewhere"}, "not an IPv4 address"),
        ({"x": "172.20.0.40", "y": "172.20.0.40"}, "both x and y"),
    ],
)
def test_impossible_choices(chosen: dict[str, str], message: str) -> None:
    with pytest.raises(ca.AddressError, match=message):
        ca.assign(["x"], SUBNET, RANGE, chosen=chosen)


@pytest.mark.parametrize(
    ("subnet", "ip_range", "message"),
    [
        ("172.20.0.0/24", "172.21.0.128/25", "not a part of the subnet"),
        ("172.20.0.0/24", "172.20.0.0/24", "not a part of the subnet"),
        ("172.20.0.0/24", "172.20.0.0/25", "among the fixed addresses"),
        ("172.20.0.0/24", "172.20.0.16/28", "among the fixed addresses"),
        ("172.20.0.0/28", "172.20.0.8/29", "too small"),
        ("172.20.0.5/24", "172.20.0.128/25", "not an IPv4 network"),
        ("172.20.0.0/24", "upper half", "not an IPv4 network"),
        ("fd00::/64", "172.20.0.128/25", "not an IPv4 network"),
    ],
)
def test_bad_networks(subnet: str, ip_range: str, message: str) -> None:
    with pytest.raises(ca.AddressError, match=message):
        ca.assign([], subnet, ip_range)


def test_holders_of_our_addresses_are_named() -> None:
    attached = [
        {"Name": "nuclio-nuclio-sam2", "IPv4Address": "172.20.0.3/24"},
        {"Name": "cvat_ui", "IPv4Address": "172.20.0.18/24"},
        {"Name": "other", "IPv4Address": "172.20.0.140/24"},
        {"Name": "no-address"},
    ]
    addresses = ca.assign(["cvat_db", "cvat_ui"], SUBNET, RANGE)
    assert ca.foreign_holders(attached, addresses, own=["cvat_db", "cvat_ui"]) == [
        "nuclio-nuclio-sam2 holds 172.20.0.3 of cvat_db"
    ]
