"""Which Docker a host gets: every release, both sources, and what may be there already."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.annotation.server.plugins.module_utils import docker_packages

ROLE = Path(__file__).resolve().parents[2] / "roles/docker_engine"
NOTHING = {"engine": "", "compose": ""}
WISH = {"source": "docker", "version": "", "minimum": "23.0.0", "compose_minimum": "2.24.4", "replace_ok": False}
CE = dict.fromkeys(docker_packages.DOCKER, "5:29.3.1-1")
IO = {
    "docker.io": "26.1.5+dfsg1-9+b4",
    "docker-cli": "26.1.5",
    "docker-compose": "2.26.1-4",
    "runc": "1",
    "containerd": "1",
}


def plan(release: str, docker: dict[str, str], installed: dict[str, str], **wish: Any) -> dict[str, Any]:
    name, version = release.split()
    system = {"id": name, "version": version, "name": release}
    return docker_packages.plan(system, docker, installed, {**WISH, **wish})


@pytest.mark.parametrize("release", ["debian 12", "debian 13", "ubuntu 22.04", "ubuntu 24.04"])
def test_bare_host_and_dockers_own_repository(release: str) -> None:
    found = plan(release, NOTHING, {}, version="29.3.1")
    assert (found["action"], found["repository"], found["remove"]) == ("install", True, [])
    assert found["packages"] == [
        "docker-ce", "docker-ce-cli", "containerd.io", "docker-buildx-plugin", "docker-compose-plugin",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("release", "packages"),
    [
        ("debian 13", ["docker.io", "docker-cli", "docker-compose"]),
        ("ubuntu 22.04", ["docker.io", "docker-compose-v2"]),
        ("ubuntu 24.04", ["docker.io", "docker-compose-v2"]),
    ],
)
def test_bare_host_and_the_distribution(release: str, packages: list[str]) -> None:
    found = plan(release, NOTHING, {}, source="distribution")
    assert (found["action"], found["packages"], found["repository"]) == ("install", packages, False)


OLD = {"engine": "20.10.24", "compose": ""}
OLD_PACKAGES = {"docker.io": "20", "runc": "1"}
NEW = {"engine": "29.3.1", "compose": "2.40.3"}
NO_COMPOSE = {"engine": "29.3.1", "compose": ""}
CASES: list[tuple[str, str, dict[str, str], dict[str, str], dict[str, Any], str, str]] = [
    # name, release, docker, installed, wish, action, part of the reason
    ("debian 12's own", "debian 12", NOTHING, {}, {"source": "distribution"},
     "refuse", "The packages of Debian 12 are not enough: their Docker Compose is version 1"),
    ("unknown release", "debian 11", NOTHING, {}, {}, "refuse", "no Docker packages that this role knows"),
    ("good, the distribution's", "debian 13", {"engine": "26.1.5+dfsg1", "compose": "2.26.1-4"}, IO, {},
     "keep", "good enough"),
    ("good, Docker's", "ubuntu 24.04", NEW, CE, {"source": "distribution"},
     "keep", "Docker Engine 29.3.1 with Compose 2.40.3"),
    ("good, not from packages", "debian 12", {"engine": "28.0.0", "compose": "5.0.1"}, {}, {}, "keep", "good enough"),
    ("the pinned one", "debian 13", NEW, CE, {"version": "29.3.1"}, "keep", "good"),
    ("no Compose", "debian 13", {"engine": "26.1.5", "compose": ""}, {"docker.io": "26", "docker-cli": "26"}, {},
     "install", "docker-compose will be added"),
    ("no Compose, Docker's", "debian 12", NO_COMPOSE, dict.fromkeys(docker_packages.DOCKER[:4], "1"), {},
     "install", "docker-compose-plugin will be added"),
    ("debian 12 with its own", "debian 12", OLD, OLD_PACKAGES, {},
     "refuse", "Engine 23.0.0 or newer, Compose 2.24.4 or newer. Installing docker-ce"),
    ("the same, allowed", "debian 12", OLD, OLD_PACKAGES, {"replace_ok": True},
     "replace", "in place of docker.io, runc"),
    ("another version is pinned", "debian 13", NEW, CE, {"version": "29.4.0"}, "refuse", "needed: Engine 29.4.0"),
    ("another version, allowed", "debian 13", NEW, CE, {"version": "29.4.0", "replace_ok": True},
     "replace", "docker-ce"),
    ("old Compose", "debian 12", {"engine": "24.0.7", "compose": "v2.21.0"}, CE, {},
     "refuse", "Compose v2.21.0 is there"),
    ("old, not from packages", "debian 12", {"engine": "19.3.1", "compose": ""}, {}, {},
     "refuse", "Remove it the way it came"),
    ("podman in Docker's clothes", "debian 13", NOTHING, {"podman-docker": "5"}, {},
     "refuse", "in place of podman-docker"),
    ("Kubernetes' containerd", "debian 13", NOTHING, {"containerd": "1", "runc": "1"}, {},
     "refuse", "in place of containerd, runc"),
    ("a version from the distribution", "debian 13", NOTHING, {}, {"source": "distribution", "version": "26.1.5"},
     "refuse", "a distribution has one version"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("release", "docker", "installed", "wish", "action", "reason"),
    [case[1:] for case in CASES],
    ids=[c[0] for c in CASES],
)
def test_plan(
    release: str, docker: dict[str, str], installed: dict[str, str], wish: dict[str, Any], action: str, reason: str
) -> None:
    found = plan(release, docker, installed, **wish)
    assert found["action"] == action, found
    assert reason in found["reason"]
    if action in ("keep", "refuse"):
        assert not found["packages"] and not found["remove"] and not found["repository"]


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("5:29.3.1-1~debian.13~trixie", (29, 3, 1)),
        ("26.1.5+dfsg1", (26, 1, 5)),
        ("v2.40.3", (2, 40, 3)),
        ("2.26", (2, 26, 0)),
        ("", (0, 0, 0)),
        ("dev", (0, 0, 0)),
    ],
)
def test_versions(version: str, expected: tuple[int, ...]) -> None:
    assert docker_packages.numbers(version) == expected


def test_the_role_looks_for_every_package_that_matters() -> None:
    variables = yaml.safe_load((ROLE / "vars/main.yml").read_text())
    assert {*docker_packages.EVERY, *variables["__docker_engine_needed"]} <= {*variables["__docker_engine_looked_for"]}


def test_the_key_that_travels_is_dockers() -> None:
    """Sum of https://download.docker.com/linux/debian/gpg, which is the same as the one for Ubuntu."""
    known = yaml.safe_load((ROLE / "defaults/main.yml").read_text())["docker_engine_repository_key_sha256"]
    assert hashlib.sha256((ROLE / "files/docker.asc").read_bytes()).hexdigest() == known
