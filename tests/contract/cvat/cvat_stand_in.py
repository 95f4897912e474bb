"""Starts the stand-in server for the contract test: eight containers with names of their own."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest
import requests
import yaml
from cvat_neighbours import Bucket, Dashboard, served

REPOSITORY = Path(__file__).parents[3]
# Where the private Docker Engine of the demo is, when DOCKER_HOST says nothing else.
ENGINE = REPOSITORY / ".cache/engine/docker_host"
STAGES = ("server", "postgres", "redis", "kvrocks", "opa")
WAIT_S = 90


@dataclass
class Server:
    """A CVAT to test. Attributes below ``password`` are None (or empty) for one that was there before."""

    url: str
    user: str
    password: str
    endpoint: str | None = None
    share: Path | None = None
    container: Any = None


def _images(client: Any) -> dict[str, str]:
    """Stage and image of the stand-ins, as the demo has built them from demo/images.yml."""
    prefix = os.environ.get("STAND_IN_IMAGES", "annotation-demo/")
    listed = yaml.safe_load((REPOSITORY / "demo/images.yml").read_text())["images"]
    names = {item["target"]: prefix + item["name"] for item in listed if item.get("build") == "tests/stand_ins/cvat"}
    try:
        return {stage: client.images.get(names[stage]).id for stage in STAGES}
    except docker.errors.ImageNotFound as error:
        pytest.fail(f"{error.explanation}: build the stand-ins with 'demo/up mirror', or set CVAT_URL to a real CVAT")


def _network(client: Any, name: str, stack: ExitStack) -> Any:
    """The demo's network, which its engine forwards between containers; on any other engine a network of our own."""
    for network in client.networks.list(names=["annotation-demo"]):
        if network.name == "annotation-demo":
            return network
    network = client.networks.create(name)
    stack.callback(network.remove)
    network.reload()
    return network


def _client() -> Any:
    if "DOCKER_HOST" not in os.environ and ENGINE.exists():
        return docker.DockerClient(base_url=ENGINE.read_text().strip(), timeout=600)
    return docker.from_env(timeout=600)


@contextmanager
def started(share: Path, files: dict[str, bytes]) -> Iterator[Server]:
    """Run it; everything is gone afterwards, also when the start fails."""
    client = _client()
    images = _images(client)
    name = f"annotation-contract-{secrets.token_hex(3)}"
    with ExitStack() as stack:
        network = _network(client, name, stack)
        gateway = network.attrs["IPAM"]["Config"][0]["Gateway"]
        Bucket.objects = files
        bucket = stack.enter_context(served(Bucket, gateway))
        nuclio = stack.enter_context(served(Dashboard, gateway))
        backend = {
            "CVAT_POSTGRES_HOST": f"{name}-postgres",
            "CVAT_REDIS_INMEM_HOST": f"{name}-redis",
            "CVAT_REDIS_ONDISK_HOST": f"{name}-kvrocks",
            "IAM_OPA_HOST": f"http://{name}-opa:8181",
            "SMOKESCREEN_OPTS": f"--allow-address={gateway}:{bucket}",
            "CVAT_NUCLIO_HOST": gateway,
            "CVAT_NUCLIO_PORT": str(nuclio),
            "CVAT_NUCLIO_INVOKE_METHOD": "dashboard",
            "CVAT_SERVERLESS": "1",
            "ALLOWED_HOSTS": "*",
        }
        database = {"POSTGRES_USER": "root", "POSTGRES_DB": "cvat", "POSTGRES_HOST_AUTH_METHOD": "trust"}
        data = client.volumes.create(f"{name}-data")
        stack.callback(data.remove)

        def run(stage: str, label: str, **options: Any) -> Any:
            container = client.containers.run(
                images[stage], name=f"{name}-{label}", network=network.name, detach=True, **options
            )
            stack.callback(container.remove, force=True, v=True)
            return container

        run("postgres", "postgres", environment=database)
        for stage in ("redis", "kvrocks", "opa"):
            run(stage, stage)
        volumes = [f"{share}:/home/django/share:ro", f"{data.name}:/home/django/data"]
        options = {"environment": backend, "volumes": volumes}
        server = run("server", "server", command="init run server", ports={"8080/tcp": ("127.0.0.1", 0)}, **options)
        run("server", "import", command="run worker import export annotation", **options)
        run("server", "chunks", command="run worker chunks", **options)
        url = wait_until_healthy(server)
        password = secrets.token_urlsafe(12)
        code, output = create_superuser(server, "contract", password)
        assert code == 0, output
        yield Server(url, "contract", password, f"http://{gateway}:{bucket}", share, server)


def create_superuser(container: Any, user: str, password: str) -> tuple[int, bytes]:
    """What facts/CVAT's documentation say: createsuperuser --noinput, the password in the environment."""
    command = f"python3 manage.py createsuperuser --noinput --username {user} --email {user}@example.org"
    return tuple(container.exec_run(command, environment={"DJANGO_SUPERUSER_PASSWORD": password}))


def wait_until_healthy(container: Any) -> str:
    """Wait for /api/server/health/ and give the server's address (a restart may change the port)."""
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        container.reload()
        ports = container.attrs["NetworkSettings"]["Ports"].get("8080/tcp")
        if ports:
            url = f"http://127.0.0.1:{ports[0]['HostPort']}"
            try:
                if requests.get(f"{url}/api/server/health/?format=json", timeout=10).ok:
                    return url
            except requests.RequestException:
                pass
        time.sleep(0.3)
    raise TimeoutError(f"the server did not get healthy in {WAIT_S} s:\n{container.logs(tail=30).decode()}")
