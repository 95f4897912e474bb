"""The configuration that a function gets on this server: its own, with this server's settings laid over it."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.annotation.server.plugins.plugin_utils.function_files import CA_FOLDER
from ansible_collections.annotation.server.plugins.plugin_utils.function_list import merge

_CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
_TORCH = "https://download.pytorch.org/whl/"


def nuclio_configs(
    functions: Iterable[Mapping[str, Any]], texts: Mapping[str, str], source_dir: str, settings: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return the configuration of each function, by its id.

    Args:
        functions: resolved entries.
        texts: the function.yaml of those that come with CVAT, by id.
        source_dir: folder in which the others lie, on the control node.
        settings: as :func:`nuclio_config` takes them.
    """
    configs = {}
    for function in functions:
        text = texts.get(function["id"])
        if text is None:
            text = Path(source_dir, function["source"], function["config_file"]).read_text()
        try:
            own = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise AnsibleFilterError(f"{function['config_file']} of {function['name']} is no YAML: {error}") from error
        configs[function["id"]] = nuclio_config(own, function, settings)
    return configs


def nuclio_config(
    config: Mapping[str, Any], function: Mapping[str, Any], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Lay this server's settings over a function's own configuration.

    Args:
        config: the content of its function.yaml.
        function: its resolved entry.
        settings: network, image_prefix, max_body_bytes, torch_build and what :func:`_arguments` reads.
    """
    if not isinstance(config, Mapping) or not isinstance(config.get("spec"), Mapping):
        raise AnsibleFilterError(
            f"{function['config_file']} of {function['name']} has no spec: it is no function configuration."
        )
    final = copy.deepcopy(dict(config))
    metadata = final["metadata"] = dict(final.get("metadata") or {})
    metadata["name"] = function["id"]
    metadata.pop("namespace", None)
    for key in ("labels", "annotations"):
        # CVAT's own files have numbers among them (DEXTR: version, min_pos_points). nuctl turns them into text only
        # when it reads YAML; what it is given here is JSON.
        both = merge(metadata.get(key) or {}, function.get(key) or {})
        if both:
            metadata[key] = {name: _text(value) for name, value in both.items()}

    spec = final["spec"] = dict(final["spec"])
    environment = {item["name"]: item for item in spec.get("env") or []}
    environment |= {name: {"name": name, "value": value} for name, value in (function.get("env") or {}).items()}
    for name, item in environment.items():
        if "'" in str(item.get("value", "")):
            # https://github.com/nuclio/nuclio: pkg/dockerclient/shell.go puts it between single quotes.
            raise AnsibleFilterError(
                f"{function['name']}: the environment variable {name} holds a single quote, and nuctl hands it to a "
                "shell in which that would end the value. Choose another value."
            )
    if environment:
        spec["env"] = [
            {**item, "value": _text(item["value"])} if "value" in item else item for item in environment.values()
        ]
    if function.get("resources"):
        spec["resources"] = merge(spec.get("resources") or {}, function["resources"])

    build = spec["build"] = dict(spec.get("build") or {})
    base_image = function.get("base_image") or build.get("baseImage")
    if base_image:
        prefix = settings.get("image_prefix") or ""
        made_here = base_image in [image["name"] for image in function.get("builds") or []]
        build["baseImage"] = base_image if made_here or base_image.startswith(prefix) else f"{prefix}{base_image}"
    # The base image was pulled before, so that it is the one in the content hash; Nuclio's own are tagged by version.
    build["noBaseImagesPull"] = True
    own = dict(build.get("directives") or {})
    steps = _pinned(own.get("preCopy") or [], function.get("pins") or {})
    if directives := _directives(settings, steps, function.get("device") == "gpu"):
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

    # CVAT's own functions ask for "always" with three attempts; Docker takes a number with "on-failure" only.
    restart = {"name": "always", "maximumRetryCount": 0}
    spec["platform"] = merge(
        spec.get("platform") or {},
        {"attributes": {"network": settings["network"], "restartPolicy": restart, "mountMode": "volume"}},
    )
    return final


def _pinned(own: Sequence[Mapping[str, str]], pins: Mapping[str, str]) -> Sequence[Mapping[str, str]]:
    """Return directives that fetch what was pinned in place of what moves; a step with nothing in its place goes.

    What is pinned already, by ``@`` or in another way, is left alone.
    """
    steps = list(own)
    for moving, fixed in pins.items():
        found = re.compile(re.escape(moving) + r"(?![@\w.#-])")
        if fixed:
            steps = [{**step, "value": found.sub(fixed.replace("\\", r"\\"), step["value"])} for step in steps]
        else:
            steps = [step for step in steps if step["value"].strip() != moving]
    return steps


def _directives(settings: Mapping[str, Any], own: Sequence[Mapping[str, str]], gpu: bool) -> list[dict[str, str]]:
    """Return a function's own directives with what must stand in the Dockerfile before anything is downloaded.

    An argument that the function declares itself is given another default, because the last declaration counts.
    """
    directives = []
    if settings.get("ca_certificates"):
        # Nuclio lays the function's folder into the build context as "handler".
        directives += [
            {"kind": "COPY", "value": f"handler/{CA_FOLDER}/ /usr/local/share/ca-certificates/"},
            {
                "kind": "RUN",
                "value": "if command -v update-ca-certificates; then update-ca-certificates;"
                f" else mkdir -p /etc/ssl/certs && cat /usr/local/share/ca-certificates/*.crt >> {_CA_BUNDLE}; fi",
            },
        ]
    arguments = {
        name: {"kind": "ARG", "value": f"{name}={_quoted(value)}"} for name, value in _arguments(settings).items()
    }
    declared = {_argument_name(directive) for directive in own}
    # CVAT's own functions name no index of PyTorch: pip takes the build for these cards, which it calls the newer one.
    index = settings.get("torch_index_url") or ""
    if not index and gpu and settings.get("torch_build"):
        index = f"{_TORCH}{settings['torch_build']}"
    if index and "TORCH_INDEX_URL" not in declared and any("torch" in directive["value"] for directive in own):
        arguments["PIP_EXTRA_INDEX_URL"] = {"kind": "ARG", "value": f'PIP_EXTRA_INDEX_URL="{index}"'}
    own = [_for_these_cards(directive, settings) for directive in own]
    directives += [directive for name, directive in arguments.items() if name not in declared]
    return directives + [dict(arguments.get(_argument_name(directive), directive)) for directive in own]


def _quoted(text: str) -> str:
    """Return a word of a Dockerfile; in one with quotes only these three mean something else."""
    return '"' + re.sub(r'(["\\$])', r"\\\1", text) + '"'


def _text(value: Any) -> str:
    """Return a value as YAML writes it."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _for_these_cards(directive: Mapping[str, str], settings: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the directive; an index of PyTorch for GPUs names the build that this server's cards need."""
    if not settings.get("torch_build") or _argument_name(directive) != "TORCH_INDEX_URL":
        return directive
    return {**directive, "value": re.sub(r"/cu[0-9]+(?=/?\"?$)", f"/{settings['torch_build']}", directive["value"])}


def _argument_name(directive: Mapping[str, str]) -> str:
    return directive["value"].partition("=")[0].strip() if directive.get("kind") == "ARG" else ""


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
