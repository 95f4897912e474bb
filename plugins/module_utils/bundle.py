"""What a bundle is: a folder with everything that a server fetches, and a list of it with sums."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import image_names
from ansible_collections.annotation.server.plugins.module_utils.nuclio_inputs import file_digest

MANIFEST = "manifest.json"
FORMAT = 1
#: These stay with the control node.
FOR_CONTROL_NODE = ("wheels/", "keys/")
IMAGES, BLOBS = "images", "images/blobs/sha256/"


class BundleError(Exception):
    """The bundle cannot be used; the text is for the person who must act."""


def read(folder: Path) -> dict[str, Any]:
    """Return the list of a bundle.

    Raises:
        BundleError: there is none, or none that this version understands.
    """
    path = folder / MANIFEST
    try:
        said: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        raise BundleError(
            f"There is no bundle in {folder}: {MANIFEST} is missing. Make one with make bundle (docs/no-internet.md), "
            "or correct annotation_server_bundle; a bundle that is being made has it only at the end."
        ) from None
    except (OSError, ValueError) as error:
        raise BundleError(f"{path} cannot be read: {error}. Bring the bundle here again.") from error
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        raise BundleError(f"{path} is of another version of annotation.server: make the bundle anew with this one.")
    return said


def for_server(files: Mapping[str, Any]) -> dict[str, Any]:
    """Return the files of a bundle that a server needs."""
    return {name: entry for name, entry in files.items() if not name.startswith(FOR_CONTROL_NODE)}


def wrong_files(folder: Path, files: Mapping[str, Mapping[str, Any]], summed: Iterable[str]) -> dict[str, str]:
    """Return what is wrong with files of a bundle, by name.

    Args:
        folder: where they are.
        files: size and sha256 by name; each must be there with its size.
        summed: names of those whose sums are computed as well.
    """
    found = {}
    for name, entry in files.items():
        path = folder / name
        if not path.is_file():
            found[name] = "is missing"
        elif path.stat().st_size != entry["size"]:
            found[name] = f"has {path.stat().st_size} bytes instead of {entry['size']}"
    for name in summed:
        if name not in found and file_digest(folder / name) != files[name]["sha256"]:
            found[name] = "is damaged: its sha256 is another one"
    return dict(sorted(found.items()))


def unfit(manifest: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Say why a bundle does not do for a server.

    Args:
        manifest: its list.
        wanted: ``system`` (id, version, name, machine), ``cvat``, ``packages``, ``images`` and ``functions`` (a sum by
            name).
    """
    found = []
    made, system = manifest["system"], wanted["system"]
    if (made["id"], made["version"]) != (system["id"], system["version"]):
        found.append(f"It holds packages of {made['id']} {made['version']}, and this is {system['name']}.")
    if made["machine"] != system["machine"]:
        found.append(f"It is for {made['machine']}, and this is a machine of {system['machine']}.")
    if manifest["cvat"] != wanted["cvat"]:
        found.append(f"It holds CVAT {manifest['cvat']}, and annotation_server_cvat_version is {wanted['cvat']}.")
    functions = manifest["functions"]
    kinds = {
        "package": (wanted["packages"], manifest["packages"]),
        "image": ([image_names.parse(name).name for name in wanted["images"]], manifest["images"]),
        "model": (wanted["functions"], functions),
    }
    for kind, (needed, there) in kinds.items():
        missing = sorted(set(needed) - set(there))
        if missing:
            found.append(f"It has no {kind} {', '.join(missing)}.")
    other = sorted(name for name, total in wanted["functions"].items() if functions.get(name, total) != total)
    if other:
        found.append(f"Files or options of {', '.join(other)} changed since it was made.")
    return found


def describe(folder: Path, origins: Mapping[str, str]) -> dict[str, Any]:
    """Return size, sha256 and origin of every file of a bundle that was just made.

    Args:
        folder: where they are.
        origins: where files came from, by the beginning of their names.
    """
    files = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or name == MANIFEST or path.name.startswith(".") or path.suffix in (".part", ".lock"):
            continue
        size = path.stat().st_size
        # A part of an image is called by its sum, and was compared with it when it came.
        total = path.name if name.startswith(BLOBS) else file_digest(path)
        start = max((each for each in origins if name.startswith(each)), key=len, default="")
        files[name] = {"size": size, "sha256": total, "from": origins.get(start, "")}
    return files


def write(folder: Path, manifest: Mapping[str, Any]) -> bool:
    """Write the list, at once; tell whether it is another one than before. When it was made is no difference."""
    path = folder / MANIFEST
    try:
        before = json.loads(path.read_text())
    except (OSError, ValueError):
        before = {}
    if {**before, "made": ""} == {**manifest, "made": ""}:
        return False
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")
    partial.replace(path)
    return True
