"""Filters of the role nuclio_functions: which functions, with which options, and with which configuration."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from ansible.errors import AnsibleFilterError

#: With one of these tags the whole list is meant.
_BROAD_TAGS = frozenset({"all", "models", "nuclio_functions"})
_CA_FOLDER = ".certificates"
_CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one mapping over another, level by level; a list or a value replaces what was there."""
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def _device(entry: Mapping[str, Any], gpu: bool) -> tuple[str, str]:
    """Return where a function runs, and why it cannot, if it cannot."""
    device = entry.get("device") or "auto"
    if device == "auto":
        device = "gpu" if "gpu" in entry and (gpu or "cpu" not in entry) else "cpu"
    if device == "gpu" and not gpu:
        if "cpu" not in entry:
            return device, "it needs a GPU, and containers on this host have none"
        device = "cpu"
    if device == "cpu" and "gpu" in entry and "cpu" not in entry:
        return device, "it has no configuration for the CPU"
    return device, ""


def nuclio_resolve(
    functions: Iterable[Mapping[str, Any]], catalogue: Mapping[str, Any], gpu: bool
) -> list[dict[str, Any]]:
    """Complete the user's list from the catalogue, and choose between CPU and GPU for each function.

    Args:
        functions: the list; every entry has a name, the rest may come from the catalogue.
        catalogue: entries by name. An entry, in the list or in the catalogue, may hold ``cpu`` and ``gpu``: options
            that only count on that device.
        gpu: whether containers can use a GPU.

    Returns:
        Entries with ``id``, ``device`` (cpu or gpu) and ``skip`` (a reason, or empty).
    """
    resolved = []
    for given in functions:
        known = catalogue.get(given["name"], {})
        both = merge(known, given)
        state = given.get("state", "present")
        if state == "present" and not both.get("source"):
            built_in = ", ".join(sorted(catalogue))
            raise AnsibleFilterError(
                f"The function {given['name']} has no source, and is not one of those built in ({built_in})."
            )
        device, skip = _device(both, gpu)
        # The user's words count most, also over what the catalogue says for this device.
        entry = merge(merge(known, known.get(device) or {}), merge(given, given.get(device) or {}))
        for options in (known.get(device), given, given.get(device)):
            if options and "checkpoint" in options:
                entry["checkpoint"] = options["checkpoint"]
        resolved.append(
            {
                **{key: value for key, value in entry.items() if key not in ("cpu", "gpu")},
                "id": entry.get("id") or given["name"],
                "config_file": entry.get("config_file") or "function.yaml",
                "state": state,
                "device": device,
                "skip": skip if state == "present" else "",
            }
        )
    names = [entry["id"] for entry in resolved]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise AnsibleFilterError(f"The list of functions has {', '.join(twice)} twice. Give each its own id.")
    return resolved


def nuclio_select(
    functions: Iterable[Mapping[str, Any]], catalogue: Iterable[str], run_tags: Iterable[str], only: Any = ""
) -> list[dict[str, Any]]:
    """Return the functions that this run is about.

    Args:
        functions: the resolved list.
        catalogue: names that are built in; they are tags even when the list does not have them.
        run_tags: what was given with ``--tags``.
        only: names that were asked for, as a list or separated by commas; they win over tags.
    """
    listed = [dict(function) for function in functions]
    tags_of = {function["id"]: {function["name"], function["id"], *function.get("tags", [])} for function in listed}
    wanted = {name.strip() for name in (only.split(",") if isinstance(only, str) else only) if name.strip()}
    known = set(catalogue).union(*tags_of.values()) if tags_of else set(catalogue)
    if wanted:
        if unknown := sorted(wanted - known):
            raise AnsibleFilterError(
                f"There is no function called {', '.join(unknown)}; there are {', '.join(sorted(known))}."
            )
    else:
        run = set(run_tags)
        if run & _BROAD_TAGS or not run & known:
            return listed
        wanted = run & known
    return [function for function in listed if tags_of[function["id"]] & wanted]


def _arguments(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return build arguments. They count while the image is built and leave nothing in its environment."""
    arguments = {}
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        if settings.get(name):
            arguments[name] = arguments[name.upper()] = settings[name]
    if url := settings.get("pip_index_url"):
        arguments["PIP_INDEX_URL"] = url
    if url := settings.get("torch_index_url"):
        arguments["TORCH_INDEX_URL"] = url
    indexes = [urlsplit(settings.get(name) or "") for name in ("pip_index_url", "torch_index_url")]
    # pip refuses an index without TLS unless it is told to trust its host.
    if plain := sorted({index.hostname or "" for index in indexes if index.scheme == "http"}):
        arguments["PIP_TRUSTED_HOST"] = " ".join(plain)
    if settings.get("ca_certificates"):
        for name in ("PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
            arguments[name] = _CA_BUNDLE
    return arguments


def _directives(settings: Mapping[str, Any], own: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    """Return a function's own directives with what must stand in the Dockerfile before anything is downloaded.

    An argument that the function declares itself is given another default, because the last declaration counts.
    """
    directives = []
    if settings.get("ca_certificates"):
        # Nuclio lays the function's folder into the build context as "handler".
        directives += [
            {"kind": "COPY", "value": f"handler/{_CA_FOLDER}/ /usr/local/share/ca-certificates/"},
            {
                "kind": "RUN",
                "value": "if command -v update-ca-certificates; then update-ca-certificates;"
                f" else mkdir -p /etc/ssl/certs && cat /usr/local/share/ca-certificates/*.crt >> {_CA_BUNDLE}; fi",
            },
        ]
    arguments = {name: {"kind": "ARG", "value": f'{name}="{value}"'} for name, value in _arguments(settings).items()}
    declared = {_argument_name(directive) for directive in own}
    directives += [directive for name, directive in arguments.items() if name not in declared]
    return directives + [dict(arguments.get(_argument_name(directive), directive)) for directive in own]


def _argument_name(directive: Mapping[str, str]) -> str:
    return directive["value"].partition("=")[0].strip() if directive.get("kind") == "ARG" else ""


def nuclio_config(
    config: Mapping[str, Any], function: Mapping[str, Any], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Lay this server's settings over a function's own configuration.

    Args:
        config: the content of its function.yaml.
        function: its resolved entry.
        settings: network, image_prefix, max_body_bytes, readiness and what :func:`_arguments` reads.
    """
    if not isinstance(config, Mapping) or not isinstance(config.get("spec"), Mapping):
        raise AnsibleFilterError(
            f"{function['config_file']} of {function['name']} has no spec: it is no function configuration."
        )
    final = copy.deepcopy(dict(config))
    metadata = final["metadata"] = dict(final.get("metadata") or {})
    own_name = metadata.get("name")
    metadata["name"] = function["id"]
    metadata.pop("namespace", None)
    for key in ("labels", "annotations"):
        if function.get(key):
            metadata[key] = merge(metadata.get(key) or {}, {name: str(value) for name, value in function[key].items()})

    spec = final["spec"] = dict(final["spec"])
    environment = {item["name"]: item for item in spec.get("env") or []}
    environment |= {name: {"name": name, "value": str(value)} for name, value in (function.get("env") or {}).items()}
    if environment:
        spec["env"] = list(environment.values())
    if function.get("resources"):
        spec["resources"] = merge(spec.get("resources") or {}, function["resources"])

    build = spec["build"] = dict(spec.get("build") or {})
    base_image = function.get("base_image") or build.get("baseImage")
    if base_image:
        prefix = settings.get("image_prefix") or ""
        build["baseImage"] = base_image if base_image.startswith(prefix) else f"{prefix}{base_image}"
    if own_name and own_name != function["id"]:
        # Made from another function: its image must not take the other's name.
        build["image"] = f"annotation-server/{function['id']}"
    # The base image was pulled before, so that it is the one in the content hash; Nuclio's own are tagged by version.
    build["noBaseImagesPull"] = True
    own = dict(build.get("directives") or {})
    if directives := _directives(settings, own.get("preCopy") or []):
        build["directives"] = {**own, "preCopy": directives}

    triggers = spec["triggers"] = dict(spec.get("triggers") or {})
    name = next((name for name, trigger in triggers.items() if trigger.get("kind") == "http"), "http")
    trigger = {"kind": "http", **triggers.get(name, {})}
    workers = function.get("workers") or trigger.get("numWorkers") or trigger.get("maxWorkers") or 1
    trigger.pop("maxWorkers", None)
    trigger["numWorkers"] = int(workers)
    # CVAT asks through the dashboard, inside the network: a published port would only be open to others.
    trigger["attributes"] = merge(
        {key: value for key, value in (trigger.get("attributes") or {}).items() if key != "port"},
        {"maxRequestBodySize": settings["max_body_bytes"], "disablePortPublishing": True},
    )
    triggers[name] = trigger

    spec["platform"] = merge(
        spec.get("platform") or {},
        {"attributes": {"network": settings["network"], "restartPolicy": {"name": "always"}, "mountMode": "volume"}},
    )
    return final


def nuclio_parts(
    function: Mapping[str, Any],
    source_dir: str,
    cvat_dir: str,
    checkpoints_dir: str,
    ca_certificates: Iterable[str] = (),
) -> dict[str, list[dict[str, Any]]]:
    """Return where the files of a function come from, as the module build_context takes them.

    Args:
        function: its resolved entry.
        source_dir: folder of the project's own functions, on the control node.
        cvat_dir: CVAT's source tree, on the host.
        checkpoints_dir: where checkpoints are kept, on the host.
        ca_certificates: PEM files on the control node.
    """
    parts: list[dict[str, Any]] = []
    remote: list[dict[str, Any]] = []
    for given in ({"src": function["source"]}, *(function.get("include") or [])):
        place = nuclio_place(given["src"], source_dir, cvat_dir)
        entry = {"src": place["path"], "dest": given.get("dest") or ""}
        (remote if place["on_host"] else parts).append(entry)
    for number, path in enumerate(ca_certificates):
        stem = PurePosixPath(path).stem
        parts.append({"src": path, "dest": f"{_CA_FOLDER}/{number:02}-{stem}.crt"})
    if checkpoint := function.get("checkpoint"):
        stored = nuclio_checkpoint(checkpoint, checkpoints_dir)
        remote.append(
            {"src": stored, "dest": checkpoint_name(checkpoint), "link": True, "sha256": checkpoint["sha256"]}
        )
    return {"parts": parts, "remote_parts": remote}


def nuclio_place(source: str, source_dir: str, cvat_dir: str) -> dict[str, Any]:
    """Say where a source is: below CVAT's tree on the host, or on the control node."""
    if source.startswith("cvat:"):
        return {"on_host": True, "path": str(PurePosixPath(cvat_dir, source[len("cvat:") :]))}
    return {"on_host": False, "path": str(PurePosixPath(source_dir, source))}


def nuclio_problems(functions: Iterable[Mapping[str, Any]], source_dir: str, cvat_dir: str) -> list[str]:
    """Say what is wrong with functions, as far as it can be seen on the control node."""
    found = []
    for function in functions:
        name = function["name"]
        if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", function["id"]):
            found.append(f"{name}: the id {function['id']} must be small letters, digits and hyphens, at most 63.")
        for given in ({"src": function["source"]}, *(function.get("include") or [])):
            if given["src"].startswith("cvat:") and not cvat_dir:
                found.append(f"{name}: {given['src']} needs nuclio_functions_cvat_dir.")
            elif not given["src"].startswith("cvat:") and not Path(source_dir, given["src"]).exists():
                found.append(f"{name}: {Path(source_dir, given['src'])} does not exist on the control node.")
        config = Path(source_dir, function["source"], function["config_file"])
        if not function["source"].startswith("cvat:") and config.parent.exists() and not config.exists():
            found.append(f"{name}: {config} does not exist on the control node.")
        found += [f"{name}: {problem}" for problem in _checkpoint_problems(function.get("checkpoint") or {})]
    return found


def _checkpoint_problems(checkpoint: Mapping[str, Any]) -> list[str]:
    if not checkpoint:
        return []
    found = []
    if bool(checkpoint.get("url")) == bool(checkpoint.get("src")):
        found.append("the checkpoint needs either a url or a src.")
    if checkpoint.get("src") and not Path(checkpoint["src"]).is_file():
        found.append(f"the checkpoint {checkpoint['src']} does not exist on the control node.")
    if not re.fullmatch("[0-9a-f]{64}", str(checkpoint.get("sha256") or "")):
        found.append("the checkpoint needs its sha256, as 64 digits and small letters a to f.")
    return found


def checkpoint_name(checkpoint: Mapping[str, Any]) -> str:
    """Return the name that a checkpoint gets in the build context."""
    return (
        checkpoint.get("dest")
        or PurePosixPath(urlsplit(checkpoint.get("url") or checkpoint.get("src") or "").path).name
    )


def nuclio_checkpoint(checkpoint: Mapping[str, Any], checkpoints_dir: str) -> str:
    """Return where a checkpoint is kept on the host: once, for every function that uses it."""
    name = PurePosixPath(checkpoint_name(checkpoint)).name
    return str(PurePosixPath(checkpoints_dir, f"{checkpoint['sha256'][:12]}-{name}"))


class FilterModule:
    """Ansible looks here for the filters."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {
            "nuclio_resolve": nuclio_resolve,
            "nuclio_select": nuclio_select,
            "nuclio_config": nuclio_config,
            "nuclio_parts": nuclio_parts,
            "nuclio_place": nuclio_place,
            "nuclio_problems": nuclio_problems,
            "nuclio_checkpoint": nuclio_checkpoint,
        }
