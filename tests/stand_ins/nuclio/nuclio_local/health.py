"""Keeps the states ready and unhealthy current. Only the dashboard does this, never nuctl."""

from __future__ import annotations

import time

from nuclio_local import DEFAULT_NAMESPACE, functions, store
from nuclio_local.docker_cli import await_health, inspect
from nuclio_local.errors import NuclioError
from nuclio_local.log import Log

INTERVAL = 30.0  # seconds between two rounds
TIMEOUT = 5.0  # seconds a container gets to show that it is healthy
UNHEALTHY = "Function is not healthy"


def watch(log: Log) -> None:
    """Check all functions again and again; a Docker that does not answer is tried again in the next round."""
    while True:
        time.sleep(INTERVAL)
        try:
            check_all(log)
        except NuclioError as error:
            log.warn("Failed to check functions", err=error.stack())


def check_all(log: Log) -> None:
    """Look at each function that is ready, or was found unhealthy, and note what changed."""
    for record in store.read_all("functions", DEFAULT_NAMESPACE):
        status = record["status"]
        was_ready = status["state"] == "ready"
        was_unhealthy = status["state"] in ("error", "unhealthy") and status.get("message") == UNHEALTHY
        if not (was_ready or was_unhealthy):
            continue
        name = functions.container_name(record["metadata"])
        healthy = inspect(name) is not None and await_health(name, TIMEOUT)
        if healthy == was_ready:
            continue
        log.info("Setting function state", functionName=record["metadata"]["name"], healthy=healthy)
        new = {"state": "ready", "message": ""} if healthy else {"state": "unhealthy", "message": UNHEALTHY}
        functions.save(record, {**status, **new})
