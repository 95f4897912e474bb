"""What the flags of `nuctl deploy` change in a function's configuration."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from nuclio_local import functionconfig
from nuclio_local.errors import NuclioError


def configuration(options: argparse.Namespace, namespace: str) -> dict[str, Any]:
    """Return the configuration of a deploy: function.yaml (given, or found in --path), then the flags.

    The namespace of the command line always wins over metadata.namespace.
    """
    config: dict[str, Any] = {"metadata": {}, "spec": {}}
    beside = Path(options.path) / "function.yaml"
    if options.file:
        config = functionconfig.read(Path(options.file))
    elif options.path and beside.is_file():
        config = functionconfig.read(beside)
    metadata, spec = config["metadata"], config["spec"]
    metadata["namespace"] = namespace
    if options.name:
        metadata["name"] = options.name
    build = spec.setdefault("build", {})
    for key, value in (
        ("image", options.image),
        ("baseImage", options.base_image),
        ("onbuildImage", options.onbuild_image),
        ("commands", options.build_command),
    ):
        if value:
            build[key] = value
    if options.no_pull:
        build["noBaseImagesPull"] = True
    for key, value in (("runtime", options.runtime), ("handler", options.handler)):
        if value:
            spec[key] = value
    return config


def apply(options: argparse.Namespace, config: dict[str, Any]) -> None:
    """Apply the flags that only `deploy` has."""
    metadata, spec = config["metadata"], config["spec"]
    for key, given in (("labels", options.labels), ("annotations", options.annotations)):
        metadata[key] = {**(metadata.get(key) or {}), **pairs(given)}
    if options.project_name:
        metadata["labels"]["nuclio.io/project-name"] = options.project_name
    for key, value in (("description", options.desc), ("image", options.run_image)):
        if value:
            spec[key] = value
    if options.readiness_timeout >= 0:
        spec["readinessTimeoutSeconds"] = options.readiness_timeout
    if options.triggers:
        spec["triggers"] = {**(spec.get("triggers") or {}), **_decode("triggers", options.triggers)}
    if options.platform_config:
        attributes = _decode("function platform configuration", options.platform_config).get("attributes") or {}
        spec["platform"] = {"attributes": {**functionconfig.platform_attributes(spec), **attributes}}
    for variable in options.env:
        name, equals, value = variable.partition("=")
        if not equals:
            raise NuclioError(f"Environment variable must be in the form of name=value: {variable}")
        spec.setdefault("env", []).append({"name": name, "value": value})
    for index, volume in enumerate(options.volume, start=1):
        source, _, target = volume.partition(":")
        if not source or not target or ":" in target:
            raise NuclioError("Failed to parse volumes", f"{volume} is not of the form source:destination")
        spec.setdefault("volumes", []).append(
            {
                "volume": {"name": f"volume-{index}", "hostPath": {"path": source}},
                "volumeMount": {"name": f"volume-{index}", "mountPath": target},
            }
        )
    for key, given in (("limits", options.resource_limit), ("requests", options.resource_request)):
        for allocation in given:
            name, _, quantity = allocation.partition("=")
            spec.setdefault("resources", {}).setdefault(key, {})[name] = quantity


def pairs(text: str) -> dict[str, str]:
    """Return what "a=1,b=2" says; a comma cannot be part of a value."""
    return dict(([*part.split("=", 1), ""])[:2] for part in text.split(",") if part)


def _decode(key: str, text: str) -> dict[str, Any]:
    try:
        decoded: dict[str, Any] = json.loads(text)
    except json.JSONDecodeError as error:
        raise NuclioError(f"Failed to decode {key}", str(error)) from error
    return decoded
