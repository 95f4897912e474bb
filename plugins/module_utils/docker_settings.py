"""The settings that the role docker_engine wants in daemon.json, from its options and what is there. Pure functions."""

from __future__ import annotations

from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import docker_daemon, docker_packages

# Outside the networks that home and office routers give out, and outside Docker's own defaults below 172.28.
USUAL_POOLS = [{"base": "172.28.0.0/14", "size": 24}]
ROTATING = ("json-file", "local")


def logs(current: dict[str, Any], wish: dict[str, Any]) -> dict[str, Any]:
    """Rotate logs; a log driver that somebody chose stays unless another one is asked for by name."""
    driver = wish["log_driver"] or current.get("log-driver") or "json-file"
    if driver not in ROTATING:
        return {"log-driver": driver}
    return {
        "log-driver": driver,
        "log-opts": {"max-size": wish["log_max_size"], "max-file": str(wish["log_max_files"])},
    }


def minimum_api(engine: str) -> dict[str, str]:
    """Return what lets older clients speak to an engine that refuses them.

    Engines 29.0 to 29.2 take API 1.44 and newer only, which shuts out Nuclio up to 1.14 and Traefik 3.3.
    From 29.3 on they take 1.40 by themselves (https://github.com/cvat-ai/cvat/issues/10013).
    """
    return {"min-api-version": "1.40"} if (29, 0, 0) <= docker_packages.numbers(engine) < (29, 3, 0) else {}


def wanted(current: dict[str, Any], wish: dict[str, Any]) -> dict[str, Any]:
    """Return the settings to merge into daemon.json.

    Address pools: those asked for, else those in the file, else ours; always without the reserved networks.
    """
    pools = wish["address_pools"] or current.get("default-address-pools") or USUAL_POOLS
    settings: dict[str, Any] = {
        **logs(current, wish),
        "default-address-pools": docker_daemon.outside(pools, wish["reserved_subnets"]),
        **minimum_api(wish["engine"]),
    }
    if wish["insecure_registries"]:
        settings["insecure-registries"] = wish["insecure_registries"]
    if wish["registry_mirrors"]:
        settings["registry-mirrors"] = wish["registry_mirrors"]
    proxies = {f"{name}-proxy": wish[f"{name}_proxy"] for name in ("http", "https", "no") if wish[f"{name}_proxy"]}
    if proxies:
        settings["proxies"] = proxies
    return docker_daemon.merge(settings, wish["settings"])
