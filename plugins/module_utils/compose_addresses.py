"""Fixed addresses for the services of a Compose project.

Services with a known place get it in every subnet (the guide's map: offsets from the network's address). Services that
the map does not know get the next free address and keep it from run to run. Nothing here touches Docker.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping

# Offsets in the subnet, by service. 172.20.0.0/24 makes cvat_server 172.20.0.30.
KNOWN_OFFSETS: dict[str, int] = {
    "cvat_clickhouse": 2,
    "cvat_db": 3,
    "nuclio": 5,
    "traefik": 6,
    "cvat_redis_inmem": 7,
    "cvat_opa": 8,
    "cvat_vector": 9,
    "cvat_grafana": 10,
    "cvat_redis_ondisk": 11,
    "cvat_worker_utils": 12,
    "cvat_worker_export": 13,
    "cvat_worker_webhooks": 14,
    "cvat_worker_import": 15,
    "cvat_worker_annotation": 16,
    "cvat_worker_quality_reports": 17,
    "cvat_ui": 18,
    "cvat_worker_chunks": 19,
    "minio": 20,
    "cvat_worker_consensus": 21,
    "cvat_server": 30,
}


class AddressError(ValueError):
    """The addresses cannot be given as asked; the message says why and what to change."""


def networks(subnet: str, ip_range: str) -> tuple[ipaddress.IPv4Network, ipaddress.IPv4Network]:
    """Return both networks, checked: ``ip_range`` (for containers without a fixed address) is a part of ``subnet``.

    Raises:
        AddressError: not IPv4 networks, the range not a proper part of the subnet, or among the fixed addresses.
    """
    try:
        whole = ipaddress.IPv4Network(subnet)
    except ValueError as error:
        raise AddressError(f"The subnet '{subnet}' is not an IPv4 network like 172.20.0.0/24 ({error}).") from error
    try:
        dynamic = ipaddress.IPv4Network(ip_range)
    except ValueError as error:
        raise AddressError(
            f"The ip_range '{ip_range}' is not an IPv4 network like 172.20.0.128/25 ({error})."
        ) from error
    if not dynamic.subnet_of(whole) or dynamic == whole:
        raise AddressError(f"The ip_range {dynamic} is not a part of the subnet {whole}. Its upper half would do.")
    last = whole.network_address + max(KNOWN_OFFSETS.values())
    if last >= whole.broadcast_address:
        raise AddressError(f"The subnet {whole} is too small: CVAT's services need addresses up to {last}. Use a /24.")
    if dynamic.network_address <= last:
        raise AddressError(
            f"The ip_range {dynamic} begins among the fixed addresses (up to {last}). Use the upper half of {whole}."
        )
    return whole, dynamic


def gateway(subnet: str) -> str:
    """Return the address that Docker's bridge gets: the first of the subnet."""
    return str(ipaddress.IPv4Network(subnet).network_address + 1)


def is_usable(address: ipaddress.IPv4Address, whole: ipaddress.IPv4Network, dynamic: ipaddress.IPv4Network) -> bool:
    """Tell whether a service may have this address.

    Left out are the network's, the gateway's and the broadcast address, the dynamic range, and in larger networks every
    address that ends in 0 or 255, which some equipment takes for a broadcast.
    """
    offset = int(address) - int(whole.network_address)
    return (
        address in whole
        and address not in dynamic
        and 2 <= offset < whole.num_addresses - 1
        and int(address) & 0xFF not in (0, 255)
    )


def assign(
    services: Iterable[str],
    subnet: str,
    ip_range: str,
    previous: Mapping[str, str] | None = None,
    chosen: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Give every service one address, sorted by service name.

    Args:
        services: names, in any order.
        subnet: the network, such as ``172.20.0.0/24``.
        ip_range: the part of it that Docker may give to other containers.
        previous: what an earlier run gave. Services outside the map keep theirs where it still fits, so adding or
            removing a service moves no other.
        chosen: the user's own choice for some services; it goes before everything else.

    Raises:
        AddressError: bad networks, a choice that cannot be, or more services than addresses.
    """
    whole, dynamic = networks(subnet, ip_range)
    names = sorted(set(services))
    result: dict[str, ipaddress.IPv4Address] = {}
    owners: dict[ipaddress.IPv4Address, str] = {}

    def take(name: str, address: ipaddress.IPv4Address) -> None:
        result[name], owners[address] = address, name

    for name, text in sorted((chosen or {}).items()):
        try:
            address = ipaddress.IPv4Address(text)
        except ValueError as error:
            raise AddressError(f"The address '{text}' chosen for {name} is not an IPv4 address.") from error
        if not is_usable(address, whole, dynamic):
            raise AddressError(
                f"The address {address} chosen for {name} cannot be used: it must lie in {whole}, outside {dynamic}, "
                f"and be neither {gateway(subnet)} nor the first or last of the network."
            )
        if address in owners:
            raise AddressError(f"The address {address} is chosen for both {owners[address]} and {name}.")
        take(name, address)

    # The whole map is kept free, also for services that this release lacks: they may come with the next one.
    for name, offset in KNOWN_OFFSETS.items():
        address = whole.network_address + offset
        if name not in result and address not in owners:
            take(name, address)

    for name in names:
        earlier = (previous or {}).get(name)
        if name in result or not earlier:
            continue
        try:
            address = ipaddress.IPv4Address(earlier)
        except ValueError:
            continue
        if is_usable(address, whole, dynamic) and address not in owners:
            take(name, address)

    free = (address for address in whole.hosts() if is_usable(address, whole, dynamic) and address not in owners)
    for name in names:
        if name in result:
            continue
        following = next(free, None)
        if following is None:
            raise AddressError(
                f"No address is left in {whole} outside {dynamic} for {name} ({len(names)} services). "
                "Use a larger subnet or a smaller ip_range."
            )
        take(name, following)
    return {name: str(result[name]) for name in names}


def foreign_holders(
    attached: Iterable[Mapping[str, str]], addresses: Mapping[str, str], own: Iterable[str]
) -> list[str]:
    """Name the containers on the network that hold an address meant for a service.

    Args:
        attached: ``Containers`` of ``docker network inspect``: ``Name`` and ``IPv4Address`` (``a.b.c.d/n``) each.
        addresses: service name to address.
        own: container names of the services themselves.

    Returns:
        ``"<container> holds <address> of <service>"``, sorted.
    """
    wanted = {address: service for service, address in addresses.items()}
    ours = set(own)
    found = []
    for container in attached:
        address = container.get("IPv4Address", "").split("/")[0]
        if address in wanted and container["Name"] not in ours:
            found.append(f"{container['Name']} holds {address} of {wanted[address]}")
    return sorted(found)
