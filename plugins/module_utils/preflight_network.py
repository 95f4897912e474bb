"""The part of preflight about ports, addresses and names. Pure functions over what ``host_probe`` returns."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import compose_networks

LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, not bound to
# Finding: level, check, words. Handed in, so that this file does not import the one that imports it.
MakeHit = Callable[..., Any]


def collide(wanted: str, held: str) -> bool:
    """Tell whether two listeners on the same port get in each other's way."""
    return wanted in EVERYWHERE or held in EVERYWHERE or wanted == held


def holder(port: dict[str, Any], host: dict[str, Any], own: list[str]) -> str:
    """Name who holds a port: a container of others, or a process; empty when it is free or ours."""
    for container in host["docker"]["containers"]:
        if any(p["port"] == port["port"] and collide(port["bind"], p["address"]) for p in container["ports"]):
            return "" if container["project"] in own else f"the container {container['name']}"
    for listener in host["listeners"]:
        if listener["port"] == port["port"] and collide(port["bind"], listener["address"]):
            if not listener["pid"]:
                return "a process that cannot be seen from here"
            return f"the process {listener['process']} (pid {listener['pid']}, on {listener['address'] or '*'})"
    return ""


def check_ports(host: dict[str, Any], wishes: dict[str, Any], hit: MakeHit) -> Iterator[Any]:
    """Ports that will be published."""
    first: dict[int, dict[str, Any]] = {}
    for wish in wishes["ports"]:
        port = {**wish, "port": int(wish["port"])}  # Text, where it was set on the command line.
        words = {key: port[key] for key in ("port", "purpose", "variable")}
        if not 1 <= port["port"] <= 65535:
            yield hit("error", "port_value", words)
            continue
        other = first.setdefault(port["port"], port)
        if other is not port:
            yield hit("error", "port_twice", {**words, "purpose": f"{other['purpose']} and {port['purpose']}"})
            continue
        who = holder(port, host, wishes["own_projects"])
        if who:
            yield hit("error", "port", {**words, "holder": who})


def check_addresses(wishes: dict[str, Any], hit: MakeHit) -> Iterator[Any]:
    """The variables about addresses, by themselves."""
    try:
        subnet = ipaddress.IPv4Network(wishes["subnet"])
    except ValueError:
        subnet = None
    if subnet is None or not subnet.is_private or subnet.num_addresses < 16:
        yield hit("error", "subnet_value", {"value": wishes["subnet"]})
        return
    fixed = [subnet.network_address + offset for offset in wishes["fixed_offsets"]]
    outside = [str(address) for address in fixed if address not in subnet or address == subnet.broadcast_address]
    if outside:
        yield hit("error", "subnet_small", {"subnet": subnet, "addresses": ", ".join(outside)})
    example = list(subnet.subnets(prefixlen_diff=1))[1]
    words = {"value": wishes["ip_range"], "subnet": subnet, "example": example}
    try:
        ip_range = ipaddress.IPv4Network(wishes["ip_range"])
    except ValueError:
        ip_range = None
    if ip_range is None or not ip_range.subnet_of(subnet):
        yield hit("error", "ip_range_value", words)
        return
    inside = [str(address) for address in fixed if address in ip_range]
    if inside:
        shown = ", ".join(inside[:3]) + (f" and {len(inside) - 3} more" if len(inside) > 3 else "")
        yield hit("error", "ip_range_fixed", {**words, "addresses": shown})


def check_functions_subnet(wishes: dict[str, Any], hit: MakeHit) -> Iterator[Any]:
    """The models' subnet, by itself and beside CVAT's."""
    value, subnet = wishes["functions_subnet"], wishes["subnet"]
    try:
        ipaddress.IPv4Network(subnet)
    except ValueError:
        return  # said already
    if compose_networks.problem(value, subnet) or not ipaddress.IPv4Network(value).is_private:
        yield hit("error", "functions_subnet_value", {"value": value, "subnet": subnet})


def check_subnets(host: dict[str, Any], wishes: dict[str, Any], hit: MakeHit) -> Iterator[Any]:
    """CVAT's subnet and the models' against Docker's networks and the host's routes."""
    own = {wishes["network"], compose_networks.NAME}
    both = "annotation_server_subnet, annotation_server_ip_range"
    for value, variables, free in (
        (wishes["subnet"], both, "172.30.0.0/24, 172.30.0.128/25"),
        (wishes["functions_subnet"], "annotation_server_functions_subnet", "172.30.1.0/24"),
    ):
        try:
            subnet = ipaddress.IPv4Network(value)
        except ValueError:
            continue
        yield from _check_subnet(host, subnet, own, {"subnet": subnet, "variables": variables, "free": free}, hit)


def _check_subnet(
    host: dict[str, Any], subnet: ipaddress.IPv4Network, own: set[str], words: dict[str, Any], hit: MakeHit
) -> Iterator[Any]:
    bridges = {network["interface"] for network in host["docker"]["networks"]}
    for network in host["docker"]["networks"]:
        for other in network["subnets"]:
            cidr = ipaddress.ip_network(other, strict=False)
            if network["name"] not in own and cidr.version == 4 and subnet.overlaps(cidr):
                yield hit("error", "subnet_docker", {**words, "other": other, "network": network["name"]})
    for route in host["routes"]:
        cidr = ipaddress.IPv4Network(route["network"])
        # A bridge is told by its Docker network above. Where Docker is stopped its bridges are still there.
        is_bridge = route["interface"] in bridges
        is_asleep = not host["docker"]["reachable"] and re.fullmatch(
            rf"br-[0-9a-f]{{12}}|{compose_networks.BRIDGE}", route["interface"]
        )
        if is_bridge or is_asleep or not subnet.overlaps(cidr):
            continue
        route_words = {**words, "other": cidr, "interface": route["interface"]}
        if route["direct"] or cidr.prefixlen >= subnet.prefixlen:
            yield hit("error", "subnet_host", route_words)
        else:
            yield hit("warning", "subnet_route", route_words)


def check_name(host: dict[str, Any], wishes: dict[str, Any], hit: MakeHit) -> Iterator[Any]:
    """The name or address under which people open CVAT."""
    value = wishes["server_name"]
    words = {"value": value}
    is_number = bool(re.fullmatch(r"[\d.]+", value))
    try:
        address = ipaddress.IPv4Address(value) if is_number else None
        is_sane = bool(address) or (len(value) <= 253 and bool(re.fullmatch(rf"{LABEL}(\.{LABEL})*", value)))
    except ValueError:
        address, is_sane = None, False
    if not is_sane:
        yield hit("error", "server_name", words)
    elif value == "localhost" or (address and address.is_loopback):
        yield hit("warning", "server_name_local", words)
    elif not address and not host["names"].get(value):
        yield hit("warning", "server_name_unknown", words)


def check(host: dict[str, Any], wishes: dict[str, Any], hit: MakeHit) -> Iterator[Any]:
    """Everything about the network."""
    yield from check_ports(host, wishes, hit)
    yield from check_addresses(wishes, hit)
    yield from check_functions_subnet(wishes, hit)
    yield from check_subnets(host, wishes, hit)
    yield from check_name(host, wishes, hit)
