"""Where Nuclio's local platform remembers: JSON files in the volume nuclio-local-storage.

The volume is reached through a helper container that sleeps six hours and goes; whoever needs the store
starts it again. Each file holds base64 of the JSON and a newline, as the real store writes it.
"""

from __future__ import annotations

import base64
import json
import posixpath
from typing import Any

from nuclio_local import HELPER_IMAGE
from nuclio_local.docker_cli import DockerError, docker
from nuclio_local.errors import NuclioError

VOLUME = "nuclio-local-storage"
READER = "nuclio-local-storage-reader"
ROOT = "/etc/nuclio/store"
Record = dict[str, Any]


def read_all(kind: str, namespace: str, name: str = "") -> list[Record]:
    """Return the records of a kind ("functions", "projects"), or the one of that name; none is an empty list."""
    path = f"{name}.json" if name else "*"
    try:
        out = _exec(f"/bin/cat {posixpath.join(ROOT, kind, namespace, path)}")
    except DockerError as error:
        if "No such file" in str(error):
            return []
        raise NuclioError("Failed to run cat command", str(error)) from error
    return [json.loads(base64.b64decode(line)) for line in out.splitlines() if line]


def write(kind: str, namespace: str, name: str, record: Record) -> None:
    """Create or replace one record."""
    folder = posixpath.join(ROOT, kind, namespace)
    contents = base64.b64encode(json.dumps(record).encode()).decode()
    command = f"mkdir -p {folder} && /bin/printenv NUCLIO_CONTENTS > {folder}/{name}.json"
    _exec(command, "--env", f"NUCLIO_CONTENTS={contents}")


def delete(kind: str, namespace: str, name: str) -> None:
    """Remove one record; it is no error if there was none."""
    _exec(f"/bin/rm -f {posixpath.join(ROOT, kind, namespace, name)}.json")


def _exec(command: str, *options: str) -> str:
    for _ in range(3):
        try:
            return docker("exec", *options, READER, "/bin/sh", "-c", command)
        except DockerError as error:
            if "No such container" not in str(error) and "is not running" not in str(error):
                raise
        _start_reader()
    raise NuclioError(f"Failed to execute command: {command}")


def _start_reader() -> None:
    try:
        docker(
            "run",
            "--rm",
            "--detach",
            "--name",
            READER,
            "--volume",
            f"{VOLUME}:{ROOT}",
            HELPER_IMAGE,
            "/bin/sh",
            "-c",
            "/bin/sleep 6h",
        )
    except DockerError as error:
        if "is already in use by container" not in str(error):
            raise NuclioError("Failed to run container with storage volume", str(error)) from error
