"""Where the files of a function come from, and what is wrong with them as far as the control node can see."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import yaml
from ansible_collections.annotation.server.plugins.module_utils import nuclio_inputs

#: Folder of certificate authorities in the build context.
CA_FOLDER = ".certificates"


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
        parts.append({"src": path, "dest": f"{CA_FOLDER}/{number:02}-{stem}.crt"})
    if checkpoint := function.get("checkpoint"):
        stored = nuclio_checkpoint(checkpoint, checkpoints_dir)
        remote.append(
            {"src": stored, "dest": checkpoint_name(checkpoint), "link": True, "sha256": checkpoint["sha256"]}
        )
    return {"parts": parts, "remote_parts": remote}


def nuclio_builds(function: Mapping[str, Any], cvat_dir: str) -> list[dict[str, str]]:
    """Return the images that are built before a function, as the module nuclio_function takes them."""
    return [
        {"name": build["name"], "path": nuclio_place(build["source"], "", cvat_dir)["path"]}
        for build in function.get("builds") or []
    ]


def nuclio_base_images(functions: Iterable[Mapping[str, Any]], source_dir: str, prefix: str) -> list[str]:
    """Return the images that functions start from, as far as the control node knows: those of its own sources.

    Args:
        functions: resolved entries.
        source_dir: folder of the project's own functions, on the control node.
        prefix: of a mirror.
    """
    found = set()
    for function in functions:
        config = Path(source_dir, function["source"], function["config_file"])
        known = (
            yaml.safe_load(config.read_text())
            if not function["source"].startswith("cvat:") and config.is_file()
            else {}
        )
        build = ((known or {}).get("spec") or {}).get("build") or {}
        image = function.get("base_image") or build.get("baseImage")
        if image and image not in [made["name"] for made in function.get("builds") or []]:
            found.add(image if image.startswith(prefix) else f"{prefix}{image}")
    return sorted(found)


def nuclio_place(source: str, source_dir: str, cvat_dir: str) -> dict[str, Any]:
    """Say where a source is: below CVAT's tree on the host, or on the control node."""
    if source.startswith("cvat:"):
        return {"on_host": True, "path": str(PurePosixPath(cvat_dir, source[len("cvat:") :]))}
    return {"on_host": False, "path": str(PurePosixPath(source_dir, source))}


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


def nuclio_sums(functions: Iterable[Mapping[str, Any]], source_dir: str) -> dict[str, str]:
    """Return one sum for each function of what the control node knows of it: its entry, and its files that lie here.

    Args:
        functions: resolved entries; those that will not be deployed are left out.
        source_dir: folder of the project's own functions, on the control node.
    """
    sums = {}
    for function in functions:
        if function["state"] != "present" or function["skip"]:
            continue
        places = [given["src"] for given in ({"src": function["source"]}, *(function.get("include") or []))]
        folders = [Path(source_dir, place) for place in places if not place.startswith("cvat:")]
        files = [nuclio_inputs.manifest(folder) for folder in folders if folder.exists()]
        text = json.dumps([function, files], sort_keys=True, default=str)
        sums[function["id"]] = hashlib.sha256(text.encode()).hexdigest()
    return sums


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
        found += [
            f"{name}: the source of {build['name']} must be in CVAT's tree (cvat:<path>), not {build['source']}."
            for build in function.get("builds") or []
            if not build["source"].startswith("cvat:")
        ]
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
