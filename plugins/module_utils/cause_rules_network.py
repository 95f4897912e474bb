"""What can be wrong between the parts: packet filter, network, addresses, ports, names and proxies in containers.

Each rule is a pure function from facts (see ``cause_facts``) to causes.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import compose_networks
from ansible_collections.annotation.server.plugins.module_utils.cause_probes_host import GUARD
from ansible_collections.annotation.server.plugins.module_utils.cause_rules_containers import expected, follow, what
from ansible_collections.annotation.server.plugins.module_utils.causes import Cause, Facts, Rule, line


def firewall(facts: Facts) -> Iterator[Cause]:
    """Docker's own packet rules, taken away by another tool: local requests still work, those of others do not."""
    rules = facts.get("firewall") or {}
    traefik = facts["containers"].get("traefik") or {}
    wanted = [port for port in traefik.get("ports") or [] if traefik.get("state") == "running"]
    lost = [port for port in wanted if str(port) not in rules.get("dnat", [])]
    if not rules.get("known") or not lost:
        return
    units = facts.get("units") or {}
    others = [
        name
        for name, unit in units.items()
        if unit.get("ActiveState") == "active" and not name.startswith(("docker", "annotation"))
    ]
    yield Cause(
        key="net.firewall",
        problem=f"Docker's rules for published ports ({', '.join(map(str, lost))}) are gone: another tool has "
        "emptied the packet filter.",
        evidence=(
            f"iptables -t nat -S: chain DOCKER forwards {', '.join(rules['dnat']) or 'nothing'}",
            *(f"systemctl: {name} is active" for name in others),
        ),
        effect="CVAT answers on the server itself and to nobody else; containers may not reach the outside.",
        cure="systemctl restart docker lays them again; let that tool leave Docker's chains alone (docs/firewall.md).",
        explains=("net.dns",),
    )


def unguarded(facts: Facts) -> Iterator[Cause]:
    """Models that may reach the dashboard: the rules against it are gone, or they stand beside it in CVAT's network."""
    guards = (facts.get("firewall") or {}).get("guards")
    unit = (facts.get("units") or {}).get(GUARD) or {}
    if unit.get("LoadState") == "loaded" and guards is not None and sorted(guards) != ["bridge", "inet"]:
        yield Cause(
            key="net.guard",
            problem="The rules that keep models from Nuclio's dashboard are not loaded.",
            evidence=(
                f"nft list tables: annotation_server_functions in {', '.join(guards) or 'no family'}",
                f"systemctl: {GUARD} is {unit.get('ActiveState')}",
            ),
            effect="Whoever takes a model over can be root on this server.",
            cure=f"systemctl restart {GUARD}; let whatever emptied the packet filter leave other tables alone.",
            risk=True,
        )
    network = facts["wish"]["network"]
    models = [name for name, one in facts["containers"].items() if one["function"] and network in one["addresses"]]
    if models:
        yield Cause(
            key="net.models",
            problem=f"Models stand in CVAT's network, beside Nuclio's dashboard: {', '.join(sorted(models))}.",
            evidence=tuple(f"docker inspect {name}: on {network}" for name in sorted(models)[:4]),
            effect="Whoever takes one over can be root on this server.",
            cure=f"Run site.yml with --tags cvat,models, which moves them into {compose_networks.NAME}. One that was "
            "deployed by hand: put it into nuclio_functions first.",
            risk=True,
        )


def network_gone(facts: Facts) -> Iterator[Cause]:
    """CVAT's network is missing, or another one has its addresses."""
    if not facts["docker"]["reachable"] or not facts["networks"]:
        return
    wish = facts["wish"]
    there = {network["name"]: network for network in facts["networks"]}
    ours = ipaddress.ip_network(wish["subnet"])
    others = [
        f"{name} ({subnet})"
        for name, network in there.items()
        if name != wish["network"]
        for subnet in filter(None, network["subnets"])
        if (other := ipaddress.ip_network(subnet)).version == 4 and ours.overlaps(other)
    ]
    if wish["network"] in there:
        return
    if others:
        yield Cause(
            key="net.overlap",
            problem=f"Another network has the addresses {ours} that CVAT needs: {', '.join(others)}.",
            evidence=(f"docker network ls: no {wish['network']}, but {', '.join(others)}",),
            cure=f"Remove it if nobody uses it (docker network rm {others[0].split()[0]}), or set "
            "annotation_server_subnet; then run site.yml with --tags cvat.",
            explains=("container.*", "net.none", "cvat.*", "storage.*", "models.*", "model.*"),
        )
    else:
        yield Cause(
            key="net.none",
            problem=f"The network {wish['network']}, through which all parts of CVAT speak, is missing.",
            evidence=(f"docker network ls: no {wish['network']}",),
            cure="Run site.yml with --tags cvat,models.",
            explains=("container.*", "cvat.*", "storage.*", "models.*", "model.*"),
        )


def address_taken(facts: Facts) -> Iterator[Cause]:
    """A container that sits on the address of a service."""
    network: dict[str, Any] = next(
        (one for one in facts["networks"] if one["name"] == facts["wish"]["network"]), {"containers": {}}
    )
    holders = {address: name for name, address in network["containers"].items()}
    services = (facts["wanted"] or {}).get("services") or {}
    for service, name, container in expected(facts):
        address = (services.get(service) or {}).get("address", "")
        holder = holders.get(address, name)
        if address and holder != name and (not container or container["state"] != "running"):
            yield Cause(
                key=f"net.address.{service}",
                problem=f"{holder} holds the address {address} of {what(service)}, which therefore cannot start.",
                evidence=(
                    f"docker network inspect {network['name']}: {holder} has {address}",
                    *(
                        [f"docker inspect {name}: {line(container['error'])}"]
                        if container and container["error"]
                        else []
                    ),
                ),
                cure=f"Stop {holder}, or give it another address; then run site.yml with --tags cvat.",
                explains=(f"container.*.{service}", *follow(service)),
            )


def port_taken(facts: Facts) -> Iterator[Cause]:
    """Another program, or another container, on a port that a service publishes."""
    services = (facts["wanted"] or {}).get("services") or {}
    for service, name, container in expected(facts):
        if container and container["state"] == "running" and not container["error"]:
            continue
        own = [f"docker inspect {name}: {line(container['error'])}"] if container and container["error"] else []
        for port in (services.get(service) or {}).get("ports") or []:
            who, seen = _holder(facts, port["port"], name)
            if who:
                yield Cause(
                    key=f"net.port.{port['port']}",
                    problem=f"{who} has the port {port['port']}, which {what(service)} needs.",
                    evidence=(seen, *own),
                    cure="Stop it, or give CVAT another port (annotation_server_http_port); then run site.yml with "
                    "--tags cvat.",
                    explains=(f"container.*.{service}", *follow(service)),
                )


def _holder(facts: Facts, port: int, own: str) -> tuple[str, str]:
    """Return who has a port instead of the container ``own``, and where that was seen; empty when nobody has."""
    for name, container in facts["containers"].items():
        if name != own and container["state"] == "running" and port in container["ports"]:
            return f"The container {name}", f"docker ps: {name} publishes {port}"
    for one in facts["listeners"]:
        if one["port"] == port and one["process"] != "docker-proxy":
            process = one["process"] or "another program"
            seen = f"/proc/net/tcp: process {one['pid']} ({process}) listens on {one['address']}:{port}"
            return f"The process {one['pid']} ({process})", seen
    return "", ""


def inside_names(facts: Facts) -> Iterator[Cause]:
    """CVAT's container does not find the others by name, or sends them to a proxy."""
    inside: dict[str, Any] = facts["inside"] or {"resolve": {}}
    running = {one["service"] for one in facts["containers"].values() if one["state"] == "running"}
    unknown = [name for name, found in inside["resolve"].items() if not found and {name, f"cvat_{name}"} & running]
    if unknown:
        yield Cause(
            key="net.dns",
            problem=f"CVAT's container does not find {', '.join(unknown)} by name.",
            evidence=(f"getaddrinfo in cvat_server: {', '.join(unknown)} unknown, although running",),
            effect="CVAT cannot use what it does not find.",
            cure=f"Run site.yml with --tags cvat, which connects all to {facts['wish']['network']}; if that does not "
            "help, systemctl restart docker.",
            explains=("models.*", "storage.proxy", "storage.registered.*", "cvat.part.*"),
        )
    server = facts["containers"].get("cvat_server") or {"proxy": False, "no_proxy": ""}
    known = [name.strip().lstrip(".") for name in server["no_proxy"].split(",")]
    missing = [name for name in ("nuclio", "minio") if name in running and not {name, "*"} & set(known)]
    if server["proxy"] and missing:
        yield Cause(
            key="net.proxy",
            problem=f"CVAT's container asks the proxy of the outside world for {', '.join(missing)}.",
            evidence=(f"docker inspect cvat_server: http_proxy is set, no_proxy is '{line(server['no_proxy'])}'",),
            effect="Models or object storage are not reached.",
            cure="Run site.yml with --tags cvat, which writes no_proxy; own names go into annotation_server_no_proxy.",
            explains=("models.unreachable", "models.unlisted", "storage.proxy", "storage.registered.*"),
        )


RULES: tuple[Rule, ...] = (firewall, unguarded, network_gone, address_taken, port_taken, inside_names)
