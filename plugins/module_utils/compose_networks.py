"""The two networks of a server: CVAT's, and the models' own, in which nobody else is but Nuclio's dashboard.

Pure functions; nothing here touches Docker.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import compose_addresses

#: The models' network: in the Compose file, in Docker, and as an interface of the host, by which the packet filter
#: knows it. Docker would make up another interface each time.
KEY = "functions"
NAME = "cvat_functions"
BRIDGE = "cvat-functions"
_BRIDGE_OPTION = "com.docker.network.bridge.name"
#: Where in the network the dashboard is: the same place that the guide gives it in CVAT's.
_DASHBOARD = compose_addresses.KNOWN_OFFSETS["nuclio"]
_SMALLEST = 28  # so that the upper half, for models, begins behind the dashboard


def problem(subnet: str, cvat_subnet: str) -> str:
    """Return what is wrong with the models' subnet, or nothing."""
    try:
        network, cvat = ipaddress.IPv4Network(subnet), ipaddress.IPv4Network(cvat_subnet)
    except ValueError as error:
        return f"The models' subnet '{subnet}' is not an IPv4 network like 172.20.1.0/24 ({error})."
    if network.prefixlen > _SMALLEST:
        return f"The models' subnet {network} is too small; use a /24, at least a /{_SMALLEST}."
    if network.overlaps(cvat):
        return f"The models' subnet {network} overlaps with CVAT's, {cvat}. They must be apart."
    return ""


def functions(subnet: str, internet: bool = False) -> dict[str, Any]:
    """Describe the models' network.

    Args:
        subnet: its addresses, such as ``172.20.1.0/24``.
        internet: whether models may reach the outside.
    """
    network = ipaddress.IPv4Network(subnet)
    dashboard = network.network_address + _DASHBOARD
    return {
        "name": NAME,
        "bridge": BRIDGE,
        "subnet": subnet,
        # Docker numbers models from here, so that none takes the dashboard's address.
        "ip_range": str(list(network.subnets(prefixlen_diff=1))[1]),
        "gateway": compose_addresses.gateway(subnet),
        "dashboard": str(dashboard),
        # Fixed, because a packet may be meant for the dashboard whatever address it names.
        "dashboard_mac": "02:42:" + dashboard.packed.hex(":"),
        "internal": not internet,
    }


def definition(network: Mapping[str, Any]) -> dict[str, Any]:
    """Return the models' network as Compose writes it; ``network`` is what :func:`functions` returns."""
    return {
        "driver": "bridge",
        "internal": network["internal"],
        "driver_opts": {_BRIDGE_OPTION: network["bridge"]},
        "ipam": {"config": [{key: network[key] for key in ("subnet", "ip_range", "gateway")}]},
    }


def differences(found: Iterable[Mapping[str, Any]], wanted: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return each network that exists otherwise than it should.

    It is described by ``name``, ``found`` and ``wanted`` in words, and ``guests``, the containers on it.

    Args:
        found: networks as ``docker network inspect`` describes them.
        wanted: networks with ``name``, ``subnet`` and ``ip_range``; ``bridge`` and ``internal`` count where they stand.
    """
    there = {network["Name"]: network for network in found}
    different = []
    for wish in wanted:
        network = there.get(wish["name"])
        if network is None:
            continue
        plan: Mapping[str, Any] = next(iter((network.get("IPAM") or {}).get("Config") or []), {})
        now = {"subnet": plan.get("Subnet") or "none", "ip_range": plan.get("IPRange") or "none"}
        if "bridge" in wish:
            now["bridge"] = (network.get("Options") or {}).get(_BRIDGE_OPTION) or "one that Docker named"
            now["internal"] = bool(network.get("Internal"))
        then = {key: wish[key] for key in now}
        if now != then:
            guests = sorted(str(container["Name"]) for container in (network.get("Containers") or {}).values())
            words = {"found": _in_words(now), "wanted": _in_words(then)}
            different.append({"name": str(wish["name"]), **words, "guests": guests})
    return different


def _in_words(network: Mapping[str, Any]) -> str:
    words = f"{network['subnet']}, ip_range {network['ip_range']}"
    if "bridge" in network:
        words += f", interface {network['bridge']}, {'without' if network['internal'] else 'with'} a way out"
    return words
