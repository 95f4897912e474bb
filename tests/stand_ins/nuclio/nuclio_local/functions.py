"""Functions: deploy, delete, and their state."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

from nuclio_local import HELPER_IMAGE, HTTP_PORT, PROVISIONING_STATES, functionconfig, image_builder, store
from nuclio_local.docker_cli import DockerError, addresses, await_health, docker, inspect, published_port
from nuclio_local.errors import NuclioError, precondition_failed
from nuclio_local.log import Log

READINESS_TIMEOUT = 120  # seconds, if spec.readinessTimeoutSeconds says nothing
PROCESSOR_FOLDER = "/etc/nuclio/config/processor"


def container_name(metadata: dict[str, Any]) -> str:
    """Return the name of a function's container, and of the volume that holds its processor configuration."""
    return f"nuclio-{metadata['namespace']}-{metadata['name']}"


def deploy(config: dict[str, Any], source: Path | None, log: Log) -> dict[str, Any]:
    """Build (always) and start a function; return its status.

    The old container goes first, before anything is built, and nothing brings it back if something fails.
    A process that is killed on the way leaves the state at "building", and the next deploy refuses.
    """
    functionconfig.enrich(config)
    functionconfig.validate(config)
    metadata, spec = config["metadata"], config["spec"]
    existing = store.read_all("functions", metadata["namespace"], metadata["name"])
    if existing and existing[0]["status"]["state"] in PROVISIONING_STATES:
        raise NuclioError(
            "Failed to validate a function configuration against an existing configuration",
            "Function cannot be updated when existing function is being provisioned",
        )
    log.info("Deploying function", name=metadata["name"])
    try:
        save(config, {"state": "building"})
        previous_port = _delete_previous(config, log)
        if source is not None:
            spec["image"] = image_builder.build(config, source, log)
            spec["build"]["timestamp"] = int(time.time())
        else:
            log.info("Skipping build", name=metadata["name"])
        status = _start(config, previous_port, log)
    except NuclioError as error:
        log.warn("Failed to create a function; setting the function status", err=str(error))
        save(config, {"state": "error", "message": error.stack(), "logs": log.records})
        raise NuclioError("Failed to deploy function", str(error), *error.causes) from error
    save(config, {**status, "logs": log.records})
    log.info(
        "Function deploy complete",
        functionName=metadata["name"],
        httpPort=status["httpPort"],
        internalInvocationURLs=status["internalInvocationUrls"],
        externalInvocationURLs=status["externalInvocationUrls"],
    )
    return status


def save(config: dict[str, Any], status: dict[str, Any]) -> None:
    """Write a function's record."""
    metadata = config["metadata"]
    record = {"metadata": metadata, "spec": config["spec"], "status": status}
    store.write("functions", metadata["namespace"], metadata["name"], record)


def remove(namespace: str, name: str, force: bool, log: Log) -> None:
    """Delete a function, its container and its volume; a missing function is no error."""
    found = store.read_all("functions", namespace, name)
    if not found:
        return
    if found[0]["status"]["state"] in PROVISIONING_STATES and not force:
        log.warn("Function cannot be deleted as it is being provisioned", functionName=name)
        raise NuclioError(
            "Failed to validate function-deletion options",
            str(precondition_failed("Function is being provisioned and cannot be deleted")),
        )
    store.delete("functions", namespace, name)
    container = container_name(found[0]["metadata"])
    if inspect(container):
        docker("rm", "--force", container)
    docker("volume", "rm", "--force", container)
    log.info("Successfully deleted function", name=name)


def _delete_previous(config: dict[str, Any], log: Log) -> int:
    """Remove the function's container; return the port it had published, 0 if none."""
    metadata = config["metadata"]
    name = container_name(metadata)
    log.info("Cleaning up before deployment", functionName=metadata["name"])
    previous = inspect(name)
    if not previous:
        return 0
    log.info("Function already exists, deleting function containers", functionName=metadata["name"])
    docker("rm", "--force", name)
    return published_port(previous, HTTP_PORT)


def _start(config: dict[str, Any], previous_port: int, log: Log) -> dict[str, Any]:
    metadata, spec = config["metadata"], config["spec"]
    name = container_name(metadata)
    _write_processor_config(name, config)
    docker("run", "--detach", "--name", name, *_run_options(config, previous_port), spec["image"])
    timeout = spec.get("readinessTimeoutSeconds") or READINESS_TIMEOUT
    log.info("Waiting for function to be ready", timeout=timeout)
    if not await_health(name, timeout):
        raise NuclioError(f"Function wasn't ready in time. Logs:\n{docker('logs', name)}")
    running = inspect(name)
    if running is None:
        raise NuclioError("Failed to get a container", name)
    port = published_port(running, HTTP_PORT)
    return {
        "state": "ready",
        "httpPort": port,
        "containerImage": spec["image"],
        "internalInvocationUrls": [f"{address}:{HTTP_PORT}" for address in addresses(running)],
        "externalInvocationUrls": [f"0.0.0.0:{port}"] if port else [],
    }


def _health_options() -> list[str]:
    """Ask seldom once a function is healthy, where the engine can (API 1.44): six of them cost half a core."""
    try:
        version = docker("version", "--format", "{{.Server.APIVersion}}").strip()
    except DockerError:
        return []
    if tuple(int(part) for part in version.split(".") if part.isdigit()) < (1, 44):
        return []
    return ["--health-interval=10s", "--health-start-interval=1s", "--health-start-period=60s"]


def _run_options(config: dict[str, Any], previous_port: int) -> list[str]:
    metadata, spec = config["metadata"], config["spec"]
    attributes, platform = functionconfig.http_attributes(spec), functionconfig.platform_attributes(spec)
    labels = {
        "nuclio.io/platform": "local",
        "nuclio.io/namespace": metadata["namespace"],
        "nuclio.io/function-name": metadata["name"],
        "nuclio.io/function-spec": json.dumps(spec),
        **metadata["labels"],
        "nuclio.io/annotations": json.dumps(metadata.get("annotations") or {}),
    }
    options = [f"--label={key}={value}" for key, value in labels.items()] + _health_options()
    options += [f"--env={e['name']}={e.get('value', '')}" for e in spec.get("env") or []]
    for volume in spec.get("volumes") or []:
        host_path = (volume["volume"].get("hostPath") or {}).get("path")
        if host_path:
            options.append(f"--volume={host_path}:{volume['volumeMount']['mountPath']}")
    options.append(f"--mount=type=volume,src={container_name(metadata)},dst={PROCESSOR_FOLDER},readonly")
    if not attributes.get("disablePortPublishing"):
        port = attributes.get("port") or previous_port
        options.append(f"--publish={port}:{HTTP_PORT}" if port else f"--publish={HTTP_PORT}")
    if platform.get("network"):
        options.append(f"--network={platform['network']}")
    policy = platform.get("restartPolicy") or {}
    if policy.get("name"):
        retries = policy.get("maximumRetryCount")
        options.append(f"--restart={policy['name']}" + (f":{retries}" if retries else ""))
    security = spec.get("securityContext") or {}
    if security.get("runAsUser") is not None:
        group = security.get("runAsGroup")
        options.append(f"--user={security['runAsUser']}" + (f":{group}" if group is not None else ""))
    if security.get("fsGroup") is not None:
        options.append(f"--group-add={security['fsGroup']}")
    if functionconfig.wants_gpu(spec):
        options.append("--gpus=all")
    return options


def _write_processor_config(volume: str, config: dict[str, Any]) -> None:
    docker("volume", "create", volume)
    encoded = base64.b64encode(json.dumps(config).encode()).decode()
    command = f'echo "{encoded}" | base64 -d | install -m 777 /dev/stdin {PROCESSOR_FOLDER}/processor.yaml'
    docker("run", "--rm", "--volume", f"{volume}:{PROCESSOR_FOLDER}", HELPER_IMAGE, "sh", "-c", command)
