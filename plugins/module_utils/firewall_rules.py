"""Which packets the server's own nftables table judges, and what must be right before it is loaded. Pure functions."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from typing import Any

# What Docker calls its bridges. A bridge of a name like br-lan is none of them.
DOCKER_BRIDGE = re.compile(r"^br-[0-9a-f]{12}$")


class FirewallError(ValueError):
    """A network that cannot be used; the message says which."""


def networks(given: Iterable[str]) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """Return networks without overlaps, IPv4 first. A single address is a network of one.

    Raises:
        FirewallError: names what is no network.
    """
    four: list[ipaddress.IPv4Network] = []
    six: list[ipaddress.IPv6Network] = []
    for text in given:
        try:
            network = ipaddress.ip_network(str(text))
        except ValueError as error:
            raise FirewallError(
                f"{text!r} is no network ({error}). Write it like 192.168.1.0/24, 10.1.2.3 or fd00::/8."
            ) from error
        if isinstance(network, ipaddress.IPv4Network):
            four.append(network)
        else:
            six.append(network)
    return [*ipaddress.collapse_addresses(four), *ipaddress.collapse_addresses(six)]


def sources(given: Iterable[str]) -> list[str]:
    """Return nftables matches, at most one per family, that hold for packets from the networks."""
    matches = []
    for version, name in ((4, "ip"), (6, "ip6")):
        members = [net for net in networks(given) if net.version == version]
        if any(net.prefixlen == 0 for net in members):
            # Older versions of nft refuse 0.0.0.0/0 in a set.
            matches.append(f"meta nfproto ipv{version}")
        elif members:
            matches.append(f"{name} saddr {{ {', '.join(map(str, members))} }}")
    return matches


def targets(given: Iterable[str]) -> list[str]:
    """Return nftables matches for packets to the networks, one per family."""
    return [match.replace(" saddr ", " daddr ") for match in sources(given)]


def outside_bridges(interfaces: Iterable[str]) -> list[str]:
    """Return the interfaces that are called like Docker's bridges but are none: people may come through them."""
    return sorted(
        name
        for name in interfaces
        if (name.startswith("br-") and not DOCKER_BRIDGE.match(name))
        or (name.startswith("docker") and not name[len("docker") :].isdigit() and name != "docker_gwbridge")
    )


def ssh_ports(chosen: Sequence[int], connection: str, listening: str) -> list[int]:
    """Return the ports of SSH: those chosen, else the connection's own and those that sshd listens on, else 22.

    Args:
        chosen: the administrator's list.
        connection: content of ``SSH_CONNECTION``; empty when the connection is another one.
        listening: what ``ss -Hltnp`` says.
    """
    words = connection.split()
    used = {int(words[3])} if len(words) == 4 else set()
    if chosen:
        return sorted({int(port) for port in chosen} | used)
    for line in listening.splitlines():
        columns = line.split()
        if len(columns) > 3 and '"sshd"' in line:
            used.add(int(columns[3].rpartition(":")[2]))
    return sorted(used) or [22]


def lockout(ssh_networks: Sequence[str], connection: str) -> str:
    """Return the sentence that says whom the firewall would lock out: whoever runs this now. Empty if nobody."""
    words = connection.split()
    if len(words) != 4:
        return ""
    client = ipaddress.ip_address(words[0].partition("%")[0])
    mapped = getattr(client, "ipv4_mapped", None)
    client = mapped or client
    if any(client.version == net.version and client in net for net in networks(ssh_networks)):
        return ""
    return (
        f"This run comes by SSH from {client}, which is in none of the networks that may use SSH "
        f"({', '.join(ssh_networks) or 'none'}): the firewall would lock you out. Add your network to "
        "firewall_ssh_networks."
    )


def problems(options: dict[str, Any], connection: str) -> list[str]:
    """Return what hinders the firewall, a sentence each."""
    found = []
    for name in ("firewall_networks", "firewall_ssh_networks", "firewall_admin_networks", "firewall_container_subnets"):
        try:
            networks(options[name])
        except FirewallError as error:
            found.append(f"{name}: {error}")
    for name in ("firewall_http_ports", "firewall_admin_ports", "firewall_ssh_ports"):
        wrong = [port for port in options[name] if not str(port).isdigit() or not 0 < int(port) < 65536]
        found += [f"{name}: {port!r} is no port; a port is a number from 1 to 65535." for port in wrong]
    if not found:
        sentence = lockout(options["firewall_ssh_networks"], connection)
        found += [sentence] if sentence else []
    return found
