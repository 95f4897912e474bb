"""Containers as ``docker inspect`` shows them, for tests."""

from __future__ import annotations

from typing import Any

from ansible_collections.annotation.server.plugins.module_utils.docker_view import Container


def raw(name: str, **changes: Any) -> dict[str, Any]:
    """One entry of ``docker inspect``: a service of CVAT, or with ``function`` a model: of ours, or ``by_hand``."""
    function = changes.get("function", "")
    labels = {"com.docker.compose.project": "cvat", "com.docker.compose.service": name}
    if function:
        annotations = "{}" if changes.get("by_hand") else '{"annotation-server/content-hash": "aa"}'
        labels = {"nuclio.io/function-name": function, "nuclio.io/annotations": annotations}
    networks = {
        network: {"IPAddress": address, "IPAMConfig": {"IPv4Address": changes.get("fixed", address)}}
        for network, address in changes.get("networks", {"cvat_cvat": changes.get("address", "172.20.0.30")}).items()
    }
    return {
        "Name": f"/{name}",
        "RestartCount": changes.get("restarts", 0),
        "Config": {
            "Image": changes.get("image", "cvat/server:v2.80.0"),
            "Labels": labels,
            "Env": [f"{key}={value}" for key, value in changes.get("environment", {}).items()],
        },
        "State": {
            "Running": changes.get("running", True),
            "OOMKilled": changes.get("out_of_memory", False),
            "Pid": changes.get("pid", 0),
        },
        "HostConfig": {"RestartPolicy": {"Name": changes.get("restart", "always")}},
        "Mounts": changes.get("mounts", []),
        "NetworkSettings": {
            "Ports": {f"{inside}/tcp": bound for inside, bound in changes.get("ports", {}).items()},
            "Networks": networks,
        },
    }


def container(name: str, **changes: Any) -> Container:
    """The same, reduced."""
    return Container.of(raw(name, **changes))
