"""The archive tells what happened, and none of the planted secrets."""

from __future__ import annotations

import os
import stat
import tarfile
from pathlib import Path

import pytest

FOLDER = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])


def read(name: str) -> dict[str, str]:
    """Return the files of an archive by their names."""
    with tarfile.open(FOLDER / name) as archive:
        members = [member for member in archive.getmembers() if member.isfile()]
        return {member.name.partition("/")[2]: archive.extractfile(member).read().decode() for member in members}


@pytest.fixture(scope="module")
def parts() -> dict[str, str]:
    return read("diagnosis.tar.gz")


def test_no_planted_secret_is_in_it(parts: dict[str, str]) -> None:
    found = [name for name, text in parts.items() if "Planted" in text]
    assert not found, {name: [line for line in parts[name].splitlines() if "Planted" in line] for name in found}


def test_what_was_secret_can_be_told_from_what_was_not_there(parts: dict[str, str]) -> None:
    assert "connecting with <redacted>" in parts["logs/talker.txt"]
    assert "DB_PASSWORD=<redacted>" in parts["containers/talker.json"]
    assert "http://<redacted>@proxy.example:3128" in parts["files/srv/settings/proxy.yml"]


def test_what_is_not_secret_is_kept(parts: dict[str, str]) -> None:
    assert "an ordinary line" in parts["logs/talker.txt"]
    assert "PLAIN=kept" in parts["containers/talker.json"] and "PLAIN=kept" in parts["files/srv/settings/.env"]
    assert "after" in parts["files/srv/settings/key.txt"]
    assert "Server:" in parts["docker/version.txt"] and "talker" in parts["docker/containers.txt"]
    assert "trixie" in parts["files/etc/os-release"]


def test_only_its_owner_reads_it() -> None:
    assert stat.S_IMODE((FOLDER / "diagnosis.tar.gz").stat().st_mode) & 0o077 == 0


def test_it_works_without_docker() -> None:
    parts = read("without-docker.tar.gz")
    assert "Cannot connect to the Docker daemon" in parts["docker/containers.txt"]
    assert "ended with" in parts["docker/containers.txt"]


def test_nothing_is_left_on_the_server(host) -> None:
    assert host.run("ls -d /tmp/diagnose-*").rc != 0
