"""Whether an annotation server comes back by itself after a reboot. The checks look, and change nothing."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils.checklist import CheckFailed, CheckSkipped, CheckWarning
from ansible_collections.annotation.server.plugins.module_utils.docker_view import (
    Container,
    by_service,
    foreign_cure,
    models,
)
from ansible_collections.annotation.server.plugins.module_utils.gpu_containers import RunCommand
from ansible_collections.annotation.server.plugins.module_utils.nuclio_deployment import State

RETURNING = ("always", "unless-stopped")


def docker_starts(run: RunCommand) -> str:
    """Docker starts at boot: containers come back only with it."""
    _status, out, err = run(["systemctl", "is-enabled", "docker.service"])
    state = (out or err).strip().splitlines()[-1:] or ["unknown"]
    if not state[0].startswith("enabled"):
        raise CheckFailed(
            f"docker.service is {state[0]}: after a reboot nothing would run",
            "Enable it: systemctl enable docker.service, or run site.yml with --tags docker.",
        )
    return "docker.service is enabled"


def _policies(containers: list[Container]) -> str:
    return ", ".join(f"{each.name} has the restart policy '{each.restart_policy}'" for each in containers)


def restart_policies(containers: list[Container]) -> str:
    """Every container starts again by itself, and none starts again and again."""
    lazy = [each for each in containers if each.restart_policy not in RETURNING]
    if ours := [each for each in lazy if not each.is_foreign]:
        services = [each.name for each in ours if not each.function]
        tags = ",".join(tag for tag, has in (("cvat", services), ("models", len(ours) > len(services))) if has)
        raise CheckFailed(_policies(ours), f"They stay away after a reboot: run site.yml with --tags {tags}.")
    if lazy:
        raise CheckWarning(f"{_policies(lazy)} and stays away after a reboot", foreign_cure(lazy))
    # Docker forgets this count when a container is made anew.
    restless = [each for each in containers if each.restarts >= 5]
    if restless:
        raise CheckWarning(
            ", ".join(f"{each.name} was restarted {each.restarts} times" for each in restless),
            f"See 'docker logs --tail 100 {restless[0].name}' for the reason.",
        )
    return f"{len(containers)} containers start again by themselves"


def addresses(containers: list[Container], ip_range: str) -> str:
    """Services have addresses of their own, outside those from which Docker serves all others.

    Otherwise a container without one takes a service's address first ("Address already in use").
    """
    pool = ipaddress.ip_network(ip_range)
    floating, inside = [], []
    for name, container in sorted(by_service(containers).items()):
        if not container.fixed_address:
            floating.append(name)
        elif ipaddress.ip_address(container.fixed_address) in pool:
            inside.append(f"{name} ({container.fixed_address})")
    cure = "Run site.yml with --tags cvat, which gives every service its address."
    if floating:
        raise CheckFailed(f"{', '.join(floating)} take any free address at each start", cure)
    if inside:
        raise CheckFailed(f"{', '.join(inside)} lie among the addresses for everybody, {ip_range}", cure)
    return f"{len(by_service(containers))} services have addresses of their own, outside {ip_range}"


def _misplaced(model: Container, records: Mapping[str, Mapping[str, Any]]) -> tuple[str, str]:
    """Say why Nuclio does not find a model, and what to do; two empty texts where it does."""
    record = records.get(model.function)
    if record is None:
        return (
            f"Nuclio does not know {model.function}, although {model.name} runs",
            "Run site.yml with --tags models.",
        )
    noted = State.of(record, None).address
    if noted and noted != model.address:
        return (
            f"Nuclio looks for {model.function} at {noted}, but it is at {model.address or 'no address'}",
            "It was started anew without its address, as after a reboot: run site.yml with --tags models.",
        )
    return "", ""


def function_addresses(containers: list[Container], records: Mapping[str, Mapping[str, Any]]) -> str:
    """Nuclio's dashboard calls each model where it is: at the address that it noted, whatever is started first.

    Args:
        containers: of the server.
        records: what Nuclio noted, by the function's name.
    """
    running = [container for container in models(containers) if container.running]
    if not running:
        raise CheckSkipped("no model runs")
    for container in sorted(running, key=lambda each: each.is_foreign):  # those by hand cannot fail it, and come last
        text, cure = _misplaced(container, records)
        if text and container.is_foreign:
            raise CheckWarning(text, foreign_cure([container]))
        if text:
            raise CheckFailed(text, cure)
    ours = [each for each in running if not each.is_foreign]
    loose = [each.function for each in ours if each.address and each.fixed_address != each.address]
    if loose:
        raise CheckWarning(
            f"{', '.join(loose)} answer now, but get any free address at the next start",
            "Run site.yml with --tags models, so that they are found after a reboot, too.",
        )
    return f"{len(running)} models are where Nuclio looks for them, and keep their addresses"
