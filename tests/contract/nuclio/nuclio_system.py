"""A nuctl, a dashboard and the Docker Engine they use: the stand-ins, or real ones.

Stand-ins: nothing to set; their images are those that `demo/up mirror` has built.
Real ones: NUCTL is the path of a nuctl, DOCKER_HOST an engine that reaches the registries. The dashboard is then
quay.io/nuclio/dashboard in nuctl's version, functions are built on python:3.11-slim-bookworm.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
import requests

REPOSITORY = Path(__file__).parents[3]
ENGINE = REPOSITORY / ".cache/engine/docker_host"
FUNCTIONS = Path(__file__).parent / "functions"
VERSION = "1.16.3"
NAME = "annotation-contract-nuclio"  # of the dashboard, and of a network if one is made
PROJECT = "contract"
# What nuctl looks for under these names only, wherever the other images come from.
FIXED_IMAGES = ("gcr.io/iguazio/alpine:3.20", "quay.io/nuclio/uhttpc:0.0.1-amd64")


@dataclass
class Nuclio:
    """What the tests speak to."""

    path: Path
    client: Any
    environment: dict[str, str]
    prefix: str = ""  # before the names of images; empty with a real nuctl
    network: str = NAME
    dashboard: str = ""
    deployed: set[str] = field(default_factory=set)

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run nuctl on the local platform."""
        command = [str(self.path), *arguments, "--platform", "local"]
        return subprocess.run(command, capture_output=True, text=True, env=os.environ | self.environment)

    def deploy_command(self, folder: Path, name: str, *flags: str) -> list[str]:
        """Arguments of a deploy into the test's project and network."""
        self.deployed.add(name)
        pull = ["--no-pull"] if self.prefix else []
        attributes = {"network": self.network, "restartPolicy": {"name": "always"}}
        return [
            *("deploy", name, "--path", str(folder), "--project-name", PROJECT, "--image", f"contract.{name}"),
            *("--base-image", f"{self.prefix}python:3.11-slim-bookworm", *pull),
            *("--platform-config", json.dumps({"attributes": attributes})),
            *flags,
        ]

    def build_command(self, folder: Path, name: str, image: str) -> list[str]:
        """Arguments that only make an image."""
        pull = ["--no-pull"] if self.prefix else []
        base = ["--base-image", f"{self.prefix}python:3.11-slim-bookworm"]
        return ["build", name, "--path", str(folder), "--image", image, *base, *pull]

    def deploy(self, folder: Path, name: str, *flags: str) -> subprocess.CompletedProcess[str]:
        """Deploy a function."""
        return self(*self.deploy_command(folder, name, *flags))

    def function(self, name: str) -> dict[str, Any]:
        """The record of a function."""
        record: dict[str, Any] = json.loads(self("get", "function", name, "-o", "json").stdout)
        return record

    def container(self, name: str) -> Any:
        """The function's container."""
        return self.client.containers.get(f"nuclio-nuclio-{name}")

    def invoke(self, name: str, path: str = "/", body: bytes = b"", **headers: str) -> requests.Response:
        """Call a function as CVAT does: through the dashboard."""
        told = {"x-nuclio-function-name": name, "x-nuclio-path": path}
        told |= {key.replace("_", "-"): value for key, value in headers.items()}
        return requests.post(f"{self.dashboard}/api/function_invocations", data=body, headers=told, timeout=60)

    def remove_unfinished_builds(self) -> None:
        """Remove what a killed deploy leaves: an image from which it copies, and a container made for that."""
        for image in self.client.images.list():
            if any(tag.startswith("nuclio-onbuild-") for tag in image.tags):
                for container in self.client.containers.list(all=True, filters={"ancestor": image.id}):
                    container.remove(force=True)
                self.client.images.remove(image.id, force=True)

    def wait_state(self, name: str, state: str, timeout: float) -> str:
        """Wait until the function's state is the one hoped for; return the last one seen."""
        end = time.monotonic() + timeout
        while True:
            seen: str = self.function(name)["status"]["state"]
            if seen == state or time.monotonic() > end:
                return seen
            time.sleep(0.3)


def system(folder: Path) -> Nuclio:
    """Find or make nuctl, and the engine."""
    address = os.environ.get("DOCKER_HOST") or (ENGINE.read_text().strip() if ENGINE.exists() else "")
    client = docker.DockerClient(base_url=address, timeout=300) if address else docker.from_env(timeout=300)
    environment = {"DOCKER_HOST": address} if address else {}
    if given := os.environ.get("NUCTL"):
        return Nuclio(Path(given), client, environment)
    path = folder / "nuctl"
    script = REPOSITORY / "tests/stand_ins/nuclio/build_nuctl.py"
    subprocess.run([sys.executable, str(script), str(path)], check=True)
    prefix = os.environ.get("STAND_IN_IMAGES", "annotation-demo/")
    environment |= {"NUCLIO_DASHBOARD_DEFAULT_ONBUILD_REGISTRY_URL": f"{prefix}quay.io", "DOCKER_BUILDKIT": "0"}
    return Nuclio(path, client, environment, prefix)


def start_dashboard(nuclio: Nuclio) -> Any:
    """Run the dashboard on the test's network; the caller removes it."""
    socket = nuclio.environment.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
    container = nuclio.client.containers.run(
        f"{nuclio.prefix}quay.io/nuclio/dashboard:{VERSION}-amd64",
        name=NAME,
        network=nuclio.network,
        detach=True,
        ports={"8070/tcp": ("127.0.0.1", None)},
        volumes={socket: {"bind": "/var/run/docker.sock"}},
        environment={"NUCLIO_CHECK_FUNCTION_CONTAINERS_HEALTHINESS": "true"},
    )
    container.reload()
    port = container.attrs["NetworkSettings"]["Ports"]["8070/tcp"][0]["HostPort"]
    nuclio.dashboard = f"http://127.0.0.1:{port}"
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            if requests.get(f"{nuclio.dashboard}/api/functions", timeout=5).ok:
                return container
        except requests.ConnectionError:
            time.sleep(0.3)
    raise TimeoutError(f"The dashboard does not answer: {container.logs().decode()}")
