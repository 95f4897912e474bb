"""The containers of an annotation server as ``docker inspect`` shows them, reduced to what checks ask about."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import compose_networks
from ansible_collections.annotation.server.plugins.module_utils.checklist import CheckFailed
from ansible_collections.annotation.server.plugins.module_utils.gpu_containers import FUNCTION_LABEL, RunCommand
from ansible_collections.annotation.server.plugins.module_utils.nuclio_inputs import HASH_ANNOTATION

PROJECT = "cvat"
NETWORK = "cvat_cvat"
SERVICE_LABEL = "com.docker.compose.service"
PROJECT_LABEL = "com.docker.compose.project"
ANNOTATIONS_LABEL = "nuclio.io/annotations"  # of a function, in JSON


@dataclass(frozen=True)
class Container:
    """One container: a service of CVAT's compose project, or a model that Nuclio started."""

    name: str
    service: str
    function: str
    #: A model that somebody deployed by hand: site.yml leaves it alone.
    is_foreign: bool
    image: str
    running: bool
    out_of_memory: bool
    restart_policy: str
    restarts: int
    environment: Mapping[str, str]
    mounts: tuple[Mapping[str, Any], ...]
    #: Published ports: address and port on the host.
    ports: tuple[tuple[str, int], ...]
    #: In CVAT's network, or the models': the address now, and the one it has whenever it starts (empty: any free one).
    address: str
    fixed_address: str
    #: Its address in every network.
    addresses: Mapping[str, str]
    #: Its first process, as the host counts; 0 while it does not run.
    pid: int

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Container:
        """Read one entry of ``docker inspect``."""
        config, state = raw.get("Config") or {}, raw.get("State") or {}
        labels = config.get("Labels") or {}
        settings = raw.get("NetworkSettings") or {}
        networks = settings.get("Networks") or {}
        models = networks.get(compose_networks.NAME) if FUNCTION_LABEL in labels else None
        network = models or networks.get(NETWORK) or {}
        # Not of NetworkSettings, which is empty while a container is stopped.
        bindings = ((raw.get("HostConfig") or {}).get("PortBindings") or {}).values()
        published = [binding for bound in (settings.get("Ports") or {}).values() for binding in bound or []]
        asked = [binding for bound in bindings for binding in bound or []]
        ports = {
            (entry.get("HostIp") or "0.0.0.0", int(entry["HostPort"]))  # noqa: S104 - what Docker means by empty
            for entry in published or asked
            if str(entry.get("HostPort") or "").isdecimal()
        }
        return cls(
            name=str(raw.get("Name") or "").lstrip("/"),
            service=labels.get(SERVICE_LABEL, "") if labels.get(PROJECT_LABEL) == PROJECT else "",
            function=labels.get(FUNCTION_LABEL, ""),
            is_foreign=FUNCTION_LABEL in labels and HASH_ANNOTATION not in labels.get(ANNOTATIONS_LABEL, ""),
            image=config.get("Image", ""),
            running=bool(state.get("Running")),
            out_of_memory=bool(state.get("OOMKilled")),
            restart_policy=((raw.get("HostConfig") or {}).get("RestartPolicy") or {}).get("Name") or "no",
            restarts=int(raw.get("RestartCount") or 0),
            environment=dict(line.split("=", 1) for line in config.get("Env") or [] if "=" in line),
            mounts=tuple(raw.get("Mounts") or ()),
            ports=tuple(sorted(ports)),
            address=network.get("IPAddress") or "",
            fixed_address=(network.get("IPAMConfig") or {}).get("IPv4Address") or "",
            addresses={name: (each or {}).get("IPAddress") or "" for name, each in networks.items()},
            pid=int(state.get("Pid") or 0),
        )


def look(run: RunCommand) -> list[Container]:
    """Return the services of CVAT and the models, running or not, by name.

    Raises:
        CheckFailed: Docker does not answer.
    """
    identifiers: list[str] = []
    for label in (f"{PROJECT_LABEL}={PROJECT}", FUNCTION_LABEL):
        status, out, err = run(["docker", "ps", "--all", "--quiet", "--filter", f"label={label}"])
        if status != 0:
            raise CheckFailed(f"Docker does not answer: {(err or out).strip()}", "Start it: systemctl start docker.")
        identifiers += out.split()
    if not identifiers:
        return []
    # A container that goes away meanwhile makes docker complain, and the others are listed all the same.
    _status, out, _err = run(["docker", "inspect", *dict.fromkeys(identifiers)])
    found = [Container.of(raw) for raw in json.loads(out or "[]")]
    return sorted(found, key=lambda container: container.name)


def by_service(containers: list[Container]) -> dict[str, Container]:
    """Return CVAT's services by name."""
    return {container.service: container for container in containers if container.service}


def foreign_cure(models: Sequence[Container]) -> str:
    """Say what can be done about models that somebody deployed by hand."""
    names = ",".join(sorted({model.function for model in models}))
    return (
        "Deployed by hand, so site.yml leaves it alone: put it into nuclio_functions (docs/models.md), or remove it: "
        f"--tags models -e nuclio_functions_remove={names}."
    )


def models(containers: list[Container]) -> list[Container]:
    """Return the models."""
    return [container for container in containers if container.function]
