"""Images that must be there before a function can be built: CVAT makes some of its functions' base images by hand.

CVAT's ``serverless/deploy_cpu.sh`` builds ``cvat.openvino.base`` and then, for a function with a Dockerfile, an image
named after its folder. Here they are built only when something in their folder, or an image below them, changed.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import nuclio_cli, nuclio_inputs
from ansible_collections.annotation.server.plugins.module_utils.nuclio_cli import NuclioError

INPUTS_LABEL = "annotation-server.inputs"
#: On everything that is built here; what is removed as unused is looked for by it.
MADE_LABEL = "annotation-server.made"
_FROM = re.compile(r"^(\s*FROM\s+(?:--\S+\s+)*)(\S+)(?:\s+AS\s+(\S+))?", re.IGNORECASE)


def with_prefix(dockerfile: str, prefix: str, local: Iterable[str]) -> str:
    """Put a mirror's prefix before the images that a Dockerfile starts from.

    Args:
        dockerfile: its text.
        prefix: for example ``mirror.example:5000/``; nothing changes when it is empty.
        local: names of images that are built here, so that no mirror has them.
    """
    known = {"scratch", *local}
    lines = []
    for line in dockerfile.splitlines():
        if prefix and (match := _FROM.match(line)):
            start, image, stage = match.groups()
            if image not in known and "$" not in image and not image.startswith(prefix):
                line = f"{start}{prefix}{image}{line[match.end(2) :]}"
            known.add(stage or "")
        lines.append(line)
    return "\n".join(lines) + "\n"


def ensure(
    builds: Iterable[Mapping[str, str]], docker: nuclio_cli.Docker, prefix: str, timeout: float, log: Path | None
) -> None:
    """Build the images whose inputs changed, in this order: a later one may start from an earlier one.

    Args:
        builds: each with ``name`` and ``path``, a folder with a Dockerfile.
        docker: the client.
        prefix: of a mirror, for the images that they start from.
        timeout: longest time for one of them, in seconds.
        log: file for the output.

    Raises:
        NuclioError: a folder has no Dockerfile, or an image does not build.
    """
    made: dict[str, str] = {}
    for build in builds:
        # Several functions may stand on the same image.
        with nuclio_cli.alone(f"image-{build['name']}"):
            text, wanted = _wanted(build, made)
            if docker.image_label(build["name"], INPUTS_LABEL) != wanted and not docker.bring_made(
                prefix, made_name(build["name"], wanted), build["name"]
            ):
                _build(
                    build["name"], Path(build["path"]), with_prefix(text, prefix, made), wanted, docker, timeout, log
                )
        made[build["name"]] = docker.image_content(build["name"])


def made_name(name: str, wanted: str) -> str:
    """Return the name under which a mirror may hold an image that is made by hand, with this content."""
    return f"annotation-server/made/{name}/{wanted[:16]}"


def made_names(builds: Iterable[Mapping[str, str]], docker: nuclio_cli.Docker) -> dict[str, str]:
    """Return what mirrors call images that :func:`ensure` made here: local name by name there."""
    labels = {build["name"]: docker.image_label(build["name"], INPUTS_LABEL) for build in builds}
    return {made_name(name, label): name for name, label in labels.items() if label}


def pending(builds: Iterable[Mapping[str, str]], docker: nuclio_cli.Docker) -> bool:
    """Tell whether :func:`ensure` would build something; a folder that is not there counts as something."""
    made: dict[str, str] = {}
    for build in builds:
        try:
            _, wanted = _wanted(build, made)
        except NuclioError:
            return True
        if docker.image_label(build["name"], INPUTS_LABEL) != wanted:
            return True
        made[build["name"]] = docker.image_content(build["name"])
    return False


def _wanted(build: Mapping[str, str], made: Mapping[str, str]) -> tuple[str, str]:
    """Return the Dockerfile, and the hash of all that the image is made of, whichever mirror that comes by."""
    folder = Path(build["path"])
    dockerfile = folder / "Dockerfile"
    if not dockerfile.is_file():
        raise NuclioError(
            f"{dockerfile} does not exist, so the image {build['name']} cannot be built. "
            "Does this CVAT release make it in another way? Then give the function's own list of builds."
        )
    text = dockerfile.read_text()
    return text, _hash(nuclio_inputs.manifest(folder), text, dict(made))


def _build(
    name: str, folder: Path, text: str, wanted: str, docker: nuclio_cli.Docker, timeout: float, log: Path | None
) -> None:
    with tempfile.NamedTemporaryFile("w", prefix="Dockerfile-") as file:
        file.write(text)
        file.flush()
        options = [
            "--label",
            f"{INPUTS_LABEL}={wanted}",
            "--label",
            f"{MADE_LABEL}=base",
            "--tag",
            name,
            "--file",
            file.name,
        ]
        answer = docker("build", *options, str(folder), timeout=timeout, log=log)
    if answer.rc != 0:
        raise NuclioError(f"The image {name} does not build from {folder}:\n{nuclio_cli.last_lines(answer.text)}")


def _hash(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
