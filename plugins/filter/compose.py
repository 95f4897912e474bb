"""Filters for the Compose files of a CVAT release. The work is done in module_utils; here errors are translated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.annotation.server.plugins.module_utils import (
    compose_addresses,
    compose_networks,
    compose_override,
)


def addresses(
    services: Iterable[str], subnet: str, ip_range: str, chosen: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return service name to fixed address."""
    try:
        return compose_addresses.assign(services, subnet, ip_range, chosen=chosen)
    except compose_addresses.AddressError as error:
        raise AnsibleFilterError(str(error)) from error


def address_problem(subnet: str, ip_range: str, chosen: Mapping[str, str] | None = None) -> str:
    """Return what is wrong with the networks or the chosen addresses, or nothing."""
    try:
        compose_addresses.assign([], subnet, ip_range, chosen=chosen)
    except compose_addresses.AddressError as error:
        return str(error)
    return ""


def override(
    release: Mapping[str, Any],
    options: Mapping[str, Any],
    previous: str = "",
    attached: Mapping[str, Mapping[str, str]] | None = None,
) -> str:
    """Return the text of the override file for a release's merged Compose files.

    Services outside the map keep the address in ``previous`` (the override file that is there), or else the one that
    their container has on the network now (``attached``), so that a new release's tree does not shuffle them.
    """
    now = {item["Name"]: item.get("IPv4Address", "").split("/")[0] for item in (attached or {}).values()}
    now |= override_addresses(previous)
    try:
        return compose_override.to_yaml(plain(compose_override.build(release, options, now)))
    except (compose_addresses.AddressError, compose_override.OverrideError) as error:
        raise AnsibleFilterError(str(error)) from error


def override_addresses(text: str) -> dict[str, str]:
    """Return service name to fixed address, read from an override file."""
    return compose_override.addresses_in(compose_override.from_yaml(text))


def foreign_holders(
    attached: Mapping[str, Mapping[str, str]], wanted: Mapping[str, str], own: Iterable[str]
) -> list[str]:
    """Name the containers on a network that hold addresses of services; ``attached`` as ``docker inspect`` has it."""
    return compose_addresses.foreign_holders((attached or {}).values(), wanted, own)


def plain(value: Any) -> Any:
    """Return the value with plain Python types: Ansible marks strings with subclasses that YAML does not know."""
    if isinstance(value, compose_override.Replace):
        return compose_override.Replace(plain(item) for item in value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    return next((kind(value) for kind in (str, int, float) if isinstance(value, kind)), value)


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {
            "compose_addresses": addresses,
            "compose_address_problem": address_problem,
            "compose_override": override,
            "compose_override_addresses": override_addresses,
            "compose_foreign_holders": foreign_holders,
            "compose_network_differences": compose_networks.differences,
            "functions_network": compose_networks.functions,
            "functions_network_problem": compose_networks.problem,
        }
