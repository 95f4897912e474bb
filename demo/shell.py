"""Run programs, speak to the Docker command line, and tell the user how far things are."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from demo import settings


class Failed(Exception):
    """A step that did not work; the message is for the person at the terminal."""


def run(*command: str, env: dict[str, str] | None = None) -> str:
    """Run `command`, with `env` added to the environment, and return what it printed.

    Raises Failed with the end of its output.
    """
    result = subprocess.run(command, capture_output=True, env=os.environ | (env or {}))
    if result.returncode:
        tail = (result.stdout + result.stderr).decode(errors="replace").strip()[-3000:]
        raise Failed(f"{' '.join(command[:6])} ... ended with {result.returncode}:\n{tail}")
    return result.stdout.decode(errors="replace").strip()


def docker_environment() -> dict[str, str]:
    """Environment for `docker`: the demo's engine, and the plain builder, which can use the demo's network."""
    if not settings.ENDPOINT.exists():
        raise Failed("The demo's Docker Engine is not running: start it with demo/engine start")
    return {"DOCKER_HOST": settings.ENDPOINT.read_text().strip(), "DOCKER_BUILDKIT": "0"}


def docker(*arguments: str) -> str:
    """`docker ARGUMENTS` on the demo's engine."""
    return run("docker", *arguments, env=docker_environment())


def inspect(kind: str, name: str) -> dict | None:
    """What Docker knows about an object, or None when there is none of that name."""
    try:
        return json.loads(docker(kind, "inspect", name))[0]
    except Failed as error:
        if "no such" in str(error).lower() or "not found" in str(error).lower():
            return None
        raise


@contextmanager
def step(title: str) -> Iterator[None]:
    """Print a line when the step is done, with its seconds."""
    started = time.monotonic()
    yield
    print(f"  {title:<62} {time.monotonic() - started:6.1f} s", flush=True)
