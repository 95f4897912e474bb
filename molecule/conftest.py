"""Testinfra reaches the hosts through the Docker command line: tell it which engine they are on."""

import os
from pathlib import Path

import pytest

ENDPOINT = Path(__file__).parent.parent / ".cache" / "engine" / "docker_host"
if ENDPOINT.exists():
    os.environ["DOCKER_HOST"] = ENDPOINT.read_text().strip()


@pytest.fixture(scope="module")
def mirror(host) -> str:
    """Address of the mirror that serves the stand-ins."""
    return host.ansible.get_variables()["demo_mirror"]
