"""The CVAT to test: the one at CVAT_URL (with CVAT_USER and CVAT_PASSWORD), or a stand-in started for this run."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path

import pytest
from cvat_sdk import Client, Config
from cvat_stand_in import Server, started
from PIL import Image


def picture(colour: str, size: tuple[int, int] = (60, 40)) -> bytes:
    """A PNG of one colour; PNG, so that an unchanged original is the same bytes."""
    out = BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="session")
def files() -> dict[str, bytes]:
    """What lies in the bucket and in the share."""
    return {"red.png": picture("red"), "more/blue.png": picture("blue"), "notes.txt": b"no picture"}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]):
    """The server under test."""
    if url := os.environ.get("CVAT_URL"):
        yield Server(url, os.environ["CVAT_USER"], os.environ["CVAT_PASSWORD"])
        return
    share = tmp_path_factory.mktemp("share")
    for folder in (share, *share.parents[:2]):
        folder.chmod(0o755)
    for name, data in files.items():
        path = share / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    with started(share, files) as server:
        yield server


@pytest.fixture
def stand_in(server: Server) -> Server:
    """The stand-in; tests that need its neighbours are skipped for a CVAT that was there before."""
    if server.container is None:
        pytest.skip("needs the bucket and the dashboard of the stand-in; CVAT_URL is set")
    return server


@pytest.fixture
def client(server: Server):
    """cvat-sdk's client, logged in."""
    config = Config(status_check_period=0.1, allow_unsupported_server=False)
    with Client(server.url, config=config) as client:
        client.login((server.user, server.password))
        yield client


@pytest.fixture
def task(client: Client, tmp_path: Path):
    """A task with two uploaded pictures, 60x40 and 30x20, and one label with an attribute."""
    sizes = {"a.png": (60, 40), "b.png": (30, 20)}
    paths = [tmp_path / name for name in sizes]
    for path in paths:
        path.write_bytes(picture("green", sizes[path.name]))
    attribute = {"name": "colour", "mutable": False, "input_type": "text", "default_value": "", "values": []}
    spec = {"name": "contract", "labels": [{"name": "car", "attributes": [attribute]}]}
    task = client.tasks.create_from_data(spec, paths, data_params={"image_quality": 80})
    yield task
    if any(item.id == task.id for item in client.tasks.list()):
        task.remove()
