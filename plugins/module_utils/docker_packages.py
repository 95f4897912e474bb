"""Which packages Docker Engine comes from on which release, and what to do about what is installed. Pure functions.

Sources: Docker's installation pages for Debian and Ubuntu; the package lists of both distributions (November 2026).
"""

from __future__ import annotations

import re
from typing import Any

DOCKER = ["docker-ce", "docker-ce-cli", "containerd.io", "docker-buildx-plugin", "docker-compose-plugin"]
# Releases whose own Compose is version 2. Debian 12 has 1.29, which is written in Python and knows no `docker compose`.
DISTRIBUTION = {
    ("debian", "13"): ["docker.io", "docker-cli", "docker-compose"],
    ("ubuntu", "22.04"): ["docker.io", "docker-compose-v2"],
    ("ubuntu", "24.04"): ["docker.io", "docker-compose-v2"],
}
CODENAMES = {
    ("debian", "12"): "bookworm",
    ("debian", "13"): "trixie",
    ("ubuntu", "22.04"): "jammy",
    ("ubuntu", "24.04"): "noble",
}
# What must go before packages of the other source can come (Docker's own list, and docker.io's dependencies).
DISTRIBUTION_ALL = ["docker.io", "docker-cli", "docker-compose", "docker-compose-v2", "docker-buildx", "docker-doc"]
FOREIGN = ["podman-docker", "containerd", "runc"]
EVERY = sorted({*DOCKER, *DISTRIBUTION_ALL, *FOREIGN})


def numbers(version: str) -> tuple[int, ...]:
    """Turn a version into numbers that can be compared; Debian's epoch and revision do not count."""
    upstream = re.sub(r"^\d+:", "", version)
    match = re.match(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?", upstream)
    return tuple(int(part or 0) for part in match.groups()) if match else (0, 0, 0)


def names(source: str, system: dict[str, Any]) -> list[str]:
    """Return the packages of one source on one release; empty where it has no usable ones."""
    return DOCKER if source == "docker" else DISTRIBUTION.get((system["id"], system["version"]), [])


def refuse(reason: str) -> dict[str, Any]:
    """Return the plan to do nothing and say why."""
    return {"action": "refuse", "reason": reason, "packages": [], "remove": [], "repository": False}


def in_the_way(source: str, installed: dict[str, str]) -> list[str]:
    """Return the installed packages that cannot stay beside those of a source."""
    others = DISTRIBUTION_ALL + FOREIGN if source == "docker" else [*DOCKER, "podman-docker"]
    return [name for name in others if name in installed]


def source_of(installed: dict[str, str]) -> str:
    """Return where an installed engine came from: ``docker``, ``distribution`` or nothing."""
    return "docker" if "docker-ce" in installed else ("distribution" if "docker.io" in installed else "")


def answer(action: str, reason: str, source: str, packages: list[str], remove: list[str]) -> dict[str, Any]:
    """Put a plan together."""
    return {
        "action": action,
        "reason": reason,
        "packages": packages,
        "remove": remove,
        "repository": source == "docker",
    }


def plan(
    system: dict[str, Any], docker: dict[str, Any], installed: dict[str, str], wish: dict[str, Any]
) -> dict[str, Any]:
    """Decide between keep, install, replace and refuse.

    Args:
        system: ``host_probe``'s part of that name.
        docker: ``host_probe``'s part of that name: versions of engine and Compose, empty where missing.
        installed: package -> version.
        wish: source, version, minimum and compose_minimum (versions), replace_ok.

    Returns:
        action, reason (a sentence), packages, remove, repository (whether Docker's is needed).
    """
    if (system["id"], system["version"]) not in CODENAMES:
        return refuse(f"{system['name']} has no Docker packages that this role knows.")
    compose_ok = numbers(docker["compose"]) >= numbers(wish["compose_minimum"])
    engine_ok = numbers(docker["engine"]) >= numbers(wish["minimum"])
    version_ok = not wish["version"] or numbers(docker["engine"]) == numbers(wish["version"])
    found = f"Docker Engine {docker['engine'] or 'unknown'} with Compose {docker['compose'] or '(none of version 2)'}"
    if docker["engine"] and engine_ok and version_ok:
        if compose_ok:
            return answer("keep", f"{found} is there and good enough.", "", [], [])
        here = source_of(installed)
        missing = [name for name in names(here, system) if name not in installed] if here else []
        if missing and not docker["compose"]:
            return answer("install", f"{found} is there; {', '.join(missing)} will be added.", here, missing, [])
    return plan_packages(system, docker, installed, wish, found)


def plan_packages(
    system: dict[str, Any], docker: dict[str, Any], installed: dict[str, str], wish: dict[str, Any], found: str
) -> dict[str, Any]:
    """Decide for a host whose Docker is missing or not good enough; ``found`` tells what is there."""
    source, packages = wish["source"], names(wish["source"], system)
    if not packages:
        return refuse(
            f"The packages of {system['id'].capitalize()} {system['version']} are not enough: their Docker Compose is "
            "version 1, which has no 'docker compose'. Set docker_engine_source: docker, to use Docker's own "
            "repository or a mirror of it."
        )
    if wish["version"] and source == "distribution":
        return refuse("docker_engine_version goes with docker_engine_source: docker; a distribution has one version.")
    remove, listed = in_the_way(source, installed), ", ".join(packages)
    if not docker["engine"] and not remove:
        reason = f"Docker is not there; {listed} will be installed."
        return answer("install", reason, source, packages, remove)
    needed = f"Engine {wish['version'] or wish['minimum'] + ' or newer'}, Compose {wish['compose_minimum']} or newer"
    if docker["engine"] and not source_of(installed):
        return refuse(
            f"{found} is there, was not installed from packages, and is not good enough (needed: {needed}). "
            "Remove it the way it came, and run again."
        )
    going = f" in place of {', '.join(remove)}" if remove else ""
    if not wish["replace_ok"]:
        return refuse(
            f"{found} is there; needed: {needed}. Installing {listed}{going} stops every container for a while; "
            "images and volumes stay. Set docker_engine_replace_ok: true to allow it."
        )
    return answer("replace", f"{listed} will be installed{going}.", source, packages, remove)
