"""The system under test, once per run; what it leaves in Docker is removed afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import docker
import pytest
from nuclio_system import FIXED_IMAGES, FUNCTIONS, NAME, PROJECT, VERSION, Nuclio, start_dashboard, system


@pytest.fixture(scope="session")
def nuclio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nuclio]:
    """nuctl and dashboard, with the project "contract"."""
    found = system(tmp_path_factory.mktemp("nuctl"))
    client = found.client
    with ExitStack() as stack:
        if found.prefix:
            _stand_in_images(found, stack)
        if not _exists(client.volumes, "nuclio-local-storage"):
            stack.callback(_remove_store, client)
        # The demo's own engine forwards between containers on the demo's network only.
        if any(network.name == "annotation-demo" for network in client.networks.list()):
            found.network = "annotation-demo"
        else:
            stack.callback(client.networks.create(NAME).remove)
        dashboard = start_dashboard(found)
        stack.callback(dashboard.remove, force=True)
        stack.callback(_remove_functions, found)
        assert found("create", "project", PROJECT).returncode == 0
        yield found


@pytest.fixture(scope="session")
def behaviour(nuclio: Nuclio) -> str:
    """Name of the function of functions/behaviour, deployed; it keeps its address, for nothing stops it."""
    return _deployed(nuclio, "contract-behaviour")


@pytest.fixture
def stoppable(nuclio: Nuclio) -> str:
    """Name of another function, deployed anew for each test that stops it.

    While it is stopped, Docker may give its address to another container of the network, and the dashboard would call
    that one ever after.
    """
    return _deployed(nuclio, "contract-stoppable")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A function's folder of which a test changes what it likes."""
    folder = tmp_path / "function"
    folder.mkdir()
    (folder / "main.py").write_text("def handler(context, event):\n    return 'small'\n")
    config = "metadata: {name: any}\nspec: {runtime: 'python:3.11', handler: 'main:handler'}\n"
    (folder / "function.yaml").write_text(config)
    return folder


def _deployed(nuclio: Nuclio, name: str) -> str:
    result = nuclio.deploy(FUNCTIONS / "behaviour", name)
    assert result.returncode == 0, result.stdout + result.stderr
    return name


def _exists(collection: object, name: str) -> bool:
    try:
        collection.get(name)  # type: ignore[attr-defined]
    except docker.errors.NotFound:
        return False
    return True


def _stand_in_images(nuclio: Nuclio, stack: ExitStack) -> None:
    if not _exists(nuclio.client.images, f"{nuclio.prefix}quay.io/nuclio/dashboard:{VERSION}-amd64"):
        pytest.fail("build the stand-ins with 'demo/up mirror', or set NUCTL to a real nuctl")
    for name in FIXED_IMAGES:
        if not _exists(nuclio.client.images, name):
            nuclio.client.images.get(nuclio.prefix + name).tag(name)
            stack.callback(nuclio.client.images.remove, name)


def _remove_functions(nuclio: Nuclio) -> None:
    for name in nuclio.deployed:
        nuclio("delete", "function", name, "--force")
        if _exists(nuclio.client.images, f"contract.{name}"):
            nuclio.client.images.remove(f"contract.{name}", force=True)
    nuclio("delete", "project", PROJECT)


def _remove_store(client: docker.DockerClient) -> None:
    if _exists(client.containers, "nuclio-local-storage-reader"):
        client.containers.get("nuclio-local-storage-reader").remove(force=True)
    client.volumes.get("nuclio-local-storage").remove(force=True)
