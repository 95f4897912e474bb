"""What a function is made of, and whether it must be deployed for that: read for one function or for a whole list."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import nuclio_cli, nuclio_images, nuclio_inputs
from ansible_collections.annotation.server.plugins.module_utils.nuclio_cli import NuclioError
from ansible_collections.annotation.server.plugins.module_utils.nuclio_deployment import State


def read_inputs(
    wish: Mapping[str, Any], nuctl: nuclio_cli.Nuctl, docker: nuclio_cli.Docker, pure: bool
) -> dict[str, Any]:
    """Gather what a function is made of, and bring the images below it.

    Args:
        wish: ``context``, ``files``, ``config``, ``builds``, ``image_prefix``, ``pull``, ``timeout`` and ``log``, as
            the module nuclio_function takes them.
        nuctl: its version is one of the inputs.
        docker: tells the content of the base image.
        pure: pull and build nothing, and accept that nuctl is missing.

    Raises:
        NuclioError: nuctl does not run, or the base image cannot be had.
    """
    files = wish["files"]
    if files is None:
        files = nuclio_inputs.manifest(Path(wish["context"]))
    try:
        version = nuctl.version()
    except NuclioError:
        if not pure:
            raise
        version = ""
    if not pure:
        log = Path(wish["log"]) if wish["log"] else None
        nuclio_images.ensure(wish["builds"], docker, wish["image_prefix"], wish["timeout"], log)
    image = (((wish["config"].get("spec") or {}).get("build")) or {}).get("baseImage") or ""
    content = docker.image_content(image) if image else ""
    if image and not pure and (wish["pull"] or not content):
        answer = docker("pull", image, timeout=wish["timeout"])
        content = docker.image_content(image)
        if not content:
            raise NuclioError(
                f"The base image {image} cannot be pulled:\n{nuclio_cli.last_lines(answer.text, 5)}\n"
                "Check the address, the network and the mirror, or load it with docker load."
            )
    config = nuclio_inputs.without_mirror(wish["config"], wish["image_prefix"])
    return nuclio_inputs.inputs(files, config, version, content)


def why_deploy(before: State, wanted: Mapping[str, Any], force: bool) -> list[str]:
    """Say why a function must be deployed; an empty list when it need not be."""
    if not before.exists:
        return ["it is not deployed yet"]
    if before.state in nuclio_cli.PROVISIONING:
        return [f"an earlier deploy did not end (state {before.state})"]
    if before.hash != nuclio_inputs.content_hash(wanted):
        return nuclio_inputs.differences(before.annotations, wanted)
    if not before.ready:
        return [f"it is {before.in_words()}"]
    return ["it was asked for"] if force else []
