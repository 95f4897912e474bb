"""A function's configuration: function.yaml, then what the command line adds, then Nuclio's defaults."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

from nuclio_local import DEFAULT_PROJECT, store
from nuclio_local.errors import NuclioError

Config = dict[str, Any]
RESERVED_NAMES = ("dashboard", "controller", "dlx", "scaler")


def read(path: Path) -> Config:
    """Read function.yaml. Types are checked as Go's decoder does: a number where text belongs is an error."""
    try:
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise NuclioError("Failed to read function configuration file", str(error)) from error
    if not isinstance(loaded, dict):
        raise NuclioError("Failed to read function configuration file", f"{path} holds no mapping")
    config = {"metadata": dict(loaded.get("metadata") or {}), "spec": copy.deepcopy(loaded.get("spec") or {})}
    for kind in ("labels", "annotations"):
        for key, value in (config["metadata"].get(kind) or {}).items():
            _require_text(f"metadata.{kind}.{key}", value)
    for variable in config["spec"].get("env") or []:
        _require_text(f"spec.env.{variable['name']}", variable.get("value", ""))
    return config


def enrich(config: Config) -> None:
    """Fill in what Nuclio fills in: project, image name, an HTTP trigger, numWorkers for maxWorkers."""
    metadata, spec = config["metadata"], config["spec"]
    labels = metadata.setdefault("labels", {}) or {}
    metadata["labels"] = labels
    labels.setdefault("nuclio.io/project-name", DEFAULT_PROJECT)
    build = spec.setdefault("build", {})
    build.setdefault("image", f"nuclio/processor-{metadata.get('name', '')}")
    triggers = spec.setdefault("triggers", {}) or {}
    spec["triggers"] = triggers
    if not any(trigger.get("kind") == "http" for trigger in triggers.values()):
        triggers["default-http"] = {"kind": "http", "name": "default-http", "numWorkers": 1}
    for name, trigger in triggers.items():
        trigger["name"] = name
        trigger["numWorkers"] = trigger.pop("maxWorkers", None) or trigger.get("numWorkers") or 1
    spec.setdefault("securityContext", {})
    spec.setdefault("eventTimeout", "")
    spec.setdefault("platform", {})


def validate(config: Config) -> None:
    """Refuse what Nuclio refuses before it builds."""
    metadata = config["metadata"]
    if not metadata.get("name"):
        raise NuclioError("Function must have a name")
    if metadata["name"] in RESERVED_NAMES:
        raise NuclioError(f"Function name {metadata['name']} is reserved and cannot be used.")
    if len([t for t in config["spec"]["triggers"].values() if t.get("kind") == "http"]) > 1:
        raise NuclioError("Triggers validation failed", "There's more than one http trigger (unsupported)")
    project = metadata["labels"]["nuclio.io/project-name"]
    if not store.read_all("projects", metadata["namespace"], project):
        raise NuclioError(
            "Failed to validate a function configuration",
            "Project existence validation failed",
            f"Project {project} does not exist",
        )


def http_trigger(spec: Config) -> Config:
    """Return the function's HTTP trigger."""
    return next(trigger for trigger in spec["triggers"].values() if trigger["kind"] == "http")


def http_attributes(spec: Config) -> Config:
    """Return the attributes of the HTTP trigger."""
    return http_trigger(spec).get("attributes") or {}


def platform_attributes(spec: Config) -> Config:
    """Return spec.platform.attributes: network, restartPolicy, mountMode."""
    return (spec.get("platform") or {}).get("attributes") or {}


def wants_gpu(spec: Config) -> bool:
    """Tell whether resources.limits asks for any number of GPUs above zero."""
    limits = (spec.get("resources") or {}).get("limits") or {}
    return int(limits.get("nvidia.com/gpu", 0) or 0) > 0


def _require_text(where: str, value: Any) -> None:
    if not isinstance(value, str):
        raise NuclioError(
            "Failed parsing function config file",
            f"cannot unmarshal {type(value).__name__} into {where} of type string",
        )
