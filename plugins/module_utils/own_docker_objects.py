"""Which containers, volumes, networks and images of a Docker Engine are this project's.

Pure functions over the lists that the engine gives (source: Docker Engine API). Ours is what belongs to CVAT's Compose
project, what carries a label of this project, and what the functions made here need in Docker.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import nuclio_cli
from ansible_collections.annotation.server.plugins.module_utils.nuclio_build import FUNCTION_LABEL
from ansible_collections.annotation.server.plugins.module_utils.nuclio_images import MADE_LABEL

PROJECT_LABEL = "com.docker.compose.project"
FUNCTION_NAME_LABEL = "nuclio.io/function-name"
BUILT_IN_NETWORKS = {"bridge", "host", "none"}
#: Files in which a tree of ours names images.
NAMING_FILES = ("docker-compose*.yml", "function*.yaml", "Dockerfile*")
_IMAGE = re.compile(r"^\s*-?\s*(?:image|baseImage|FROM)\s*:?\s+(?:--\S+\s+)*[\"']?([^\s\"'#]+)", re.MULTILINE)
#: What nuctl fetches by itself: the images it builds with, and a small one to read its store.
NUCLIOS_OWN = re.compile(r"(^|/)(nuclio/[\w-]+|iguazio/alpine)(:|@|$)")


@dataclass
class Plan:
    """What goes and what does not."""

    containers: list[str] = field(default_factory=list)
    volumes: list[str] = field(default_factory=list)
    networks: list[str] = field(default_factory=list)
    #: identifier -> name for people.
    images: dict[str, str] = field(default_factory=dict)
    #: ours, but kept: name -> why.
    kept: dict[str, str] = field(default_factory=dict)
    #: of others, never touched.
    foreign: list[str] = field(default_factory=list)


def labels(entry: dict[str, Any]) -> dict[str, str]:
    """Return an object's labels."""
    return entry.get("Labels") or {}


def name(container: dict[str, Any]) -> str:
    """Return a container's name."""
    return str((container.get("Names") or ["/" + container["Id"][:12]])[0]).lstrip("/")


def volumes_of(container: dict[str, Any]) -> set[str]:
    """Return the names of the volumes that a container has."""
    return {
        mount["Name"] for mount in container.get("Mounts") or [] if mount.get("Type") == "volume" and mount.get("Name")
    }


def is_ours(container: dict[str, Any], project: str) -> bool:
    """Tell whether a container is of the Compose project, from an image of ours, or nuctl's reader of its store."""
    marks = labels(container)
    if marks.get(PROJECT_LABEL) == project or FUNCTION_LABEL in marks or MADE_LABEL in marks:
        return True
    return (
        nuclio_cli.STORE_VOLUME in volumes_of(container)
        and PROJECT_LABEL not in marks
        and FUNCTION_NAME_LABEL not in marks
    )


def named_images(folders: Iterable[Path]) -> set[str]:
    """Return the images that the trees of CVAT and of the functions name; what Compose fills in ends the name."""
    found: set[str] = set()
    for folder in folders:
        for pattern in NAMING_FILES:
            for path in folder.rglob(pattern):
                if path.is_file():
                    found.update(_IMAGE.findall(path.read_text(errors="replace")))
    return {each for each in found if not each.startswith("$")}


def is_named(reference: str, known: Iterable[str]) -> bool:
    """Tell whether an image is one of those named, or one that Nuclio brings; a prefix of a mirror does not count."""
    for each in known:
        fixed, variable, _rest = each.partition("${")
        whole = fixed if variable or ":" in fixed.rpartition("/")[2] or "@" in fixed else f"{fixed}:latest"
        if (
            reference == whole
            or reference.endswith(f"/{whole}")
            or (variable and fixed and f"/{reference}".find(f"/{fixed}") >= 0)
        ):
            return True
    return bool(NUCLIOS_OWN.search(reference))


def plan(
    found: dict[str, list[dict[str, Any]]],
    project: str,
    data_goes: bool,
    images_before: Iterable[str] | None,
    known: set[str],
) -> Plan:
    """Decide what goes.

    Args:
        found: ``containers`` (all, not only running ones), ``volumes``, ``networks`` and ``images``, as the engine
            lists them.
        project: CVAT's Compose project.
        data_goes: whether its volumes go.
        images_before: identifiers of images that were there before the first run; None where nobody knows, and then
            only images made here go.
        known: images that trees of ours name, of :func:`named_images`.
    """
    made = Plan()
    ours = [each for each in found["containers"] if is_ours(each, project)]
    others = [each for each in found["containers"] if not is_ours(each, project)]
    made.containers = sorted(map(name, ours))
    made.foreign = sorted(f"container {name(each)}" for each in others)
    _networks(made, found["networks"], others, project)
    _volumes(made, found["volumes"], others, project, data_goes)
    _images(made, found["images"], ours, others, images_before, known)
    return made


def _networks(made: Plan, networks: list[dict[str, Any]], others: list[dict[str, Any]], project: str) -> None:
    for network in networks:
        if network["Name"] in BUILT_IN_NETWORKS:
            continue
        guests = [
            name(each)
            for each in others
            if network["Name"] in ((each.get("NetworkSettings") or {}).get("Networks") or {})
        ]
        if labels(network).get(PROJECT_LABEL) != project:
            made.foreign.append(f"network {network['Name']}")
        elif guests:
            made.kept[f"network {network['Name']}"] = (
                f"containers that are not ours are on it: {', '.join(sorted(guests))}"
            )
        else:
            made.networks.append(network["Name"])


def _volumes(
    made: Plan, volumes: list[dict[str, Any]], others: list[dict[str, Any]], project: str, data_goes: bool
) -> None:
    users = {volume: name(each) for each in others for volume in volumes_of(each)}
    # The store describes functions of others, too.
    strangers = [name(each) for each in others if FUNCTION_NAME_LABEL in labels(each)]
    functions = {container for container in made.containers if container.startswith("nuclio-")}
    for volume in volumes:
        title = volume["Name"]
        is_data = labels(volume).get(PROJECT_LABEL) == project
        is_store = title == nuclio_cli.STORE_VOLUME
        # Each function has a volume of the name of its container, which may be gone already.
        is_functions = title in functions or (title.startswith("nuclio-nuclio-") and not strangers)
        if not (is_data or is_store or is_functions):
            made.foreign.append(f"volume {title}")
        elif title in users:
            made.kept[f"volume {title}"] = f"the container {users[title]}, which is not ours, uses it"
        elif is_data and not data_goes:
            made.kept[f"volume {title}"] = "data: it goes when teardown_data names cvat"
        elif is_store and strangers:
            made.kept[f"volume {title}"] = f"it describes functions that are not ours: {', '.join(sorted(strangers))}"
        else:
            made.volumes.append(title)


def _images(
    made: Plan,
    images: list[dict[str, Any]],
    ours: list[dict[str, Any]],
    others: list[dict[str, Any]],
    images_before: Iterable[str] | None,
    known: set[str],
) -> None:
    used = {each.get("ImageID") for each in ours}
    taken = {each.get("ImageID"): name(each) for each in others}
    before = set(images_before or [])
    for image in images:
        references = [each for each in image.get("RepoTags") or [] if each != "<none>:<none>"]
        title = (
            references
            or [each for each in image.get("RepoDigests") or [] if "<none>" not in each]
            or [image["Id"][7:19]]
        )[0]
        marked = MADE_LABEL in labels(image) or FUNCTION_LABEL in labels(image)
        likely = image["Id"] in used or any(is_named(each, known) for each in references)
        if image["Id"] in taken:
            made.foreign.append(f"image {title}")
        elif marked or (likely and images_before is not None and image["Id"] not in before):
            made.images[image["Id"]] = title
        elif likely and images_before is None:
            made.kept[f"image {title}"] = "nobody wrote down whether it was there before"
        else:
            made.foreign.append(f"image {title}")
