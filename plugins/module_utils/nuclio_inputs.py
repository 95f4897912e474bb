"""What decides whether a Nuclio function must be deployed again: its inputs, their hash, and what changed.

A function is made of the files of its build context, its configuration, the version of nuctl (which selects Nuclio's
own images) and the base image. All four are kept as annotations of the deployed function, so that the next run can tell
in words what differs. Nothing here touches the system except :func:`manifest` and what it calls, which read files.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

HASH_ANNOTATION = "annotation-server/content-hash"
INPUTS_ANNOTATION = "annotation-server/inputs"

#: Never part of a build context: what tools leave behind.
RUBBISH = ("__pycache__", "*.pyc", ".git", ".gitignore", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".DS_Store")

#: The configuration is an input of its own; its copy in the context is for people.
CONFIG_FILE = "function.yaml"


_seen: dict[tuple[int, int, int, int], str] = {}


def file_digest(path: Path) -> str:
    """Return the sha256 of a file, in hexadecimal. A checkpoint that has two names is read once."""
    status = path.stat()
    key = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    if key not in _seen:
        _seen[key] = _read_digest(path)
    return _seen[key]


def _read_digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        for block in iter(lambda: handle.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def excluded(relative: str, patterns: Iterable[str]) -> bool:
    """Tell whether a path, or one of the folders it is in, matches a pattern.

    A pattern without a slash is compared with every part of the path, one with a slash with the whole path.
    """
    parts = relative.split("/")
    for pattern in patterns:
        if "/" in pattern:
            if fnmatch.fnmatchcase(relative, pattern) or relative.startswith(pattern.rstrip("/") + "/"):
                return True
        elif any(fnmatch.fnmatchcase(part, pattern) for part in parts):
            return True
    return False


def walk(root: Path, exclude: Iterable[str] = ()) -> dict[str, Path]:
    """Return the files below a folder by their path in it; a file stands for itself. Links are followed.

    Raises:
        FileNotFoundError: there is no such file or folder.
    """
    patterns = (*RUBBISH, *exclude)
    if root.is_file():
        return {root.name: root}
    if not root.is_dir():
        raise FileNotFoundError(f"{root} does not exist.")
    found: dict[str, Path] = {}
    for folder, folders, names in os.walk(root, followlinks=True):
        base = Path(folder).relative_to(root)
        folders[:] = [name for name in folders if not excluded((base / name).as_posix(), patterns)]
        for name in names:
            relative = (base / name).as_posix()
            path = Path(folder) / name
            if path.is_file() and not excluded(relative, patterns):
                found[relative] = path
    return found


def entry(digest: str, executable: bool) -> str:
    """Return what stands for one file: its sha256, and a mark when it can be executed."""
    return f"{digest}{'+x' if executable else ''}"


def manifest(root: Path, exclude: Iterable[str] = ()) -> dict[str, str]:
    """Return path and :func:`entry` of every file below a folder."""
    return {
        relative: entry(file_digest(path), os.access(path, os.X_OK) and bool(path.stat().st_mode & 0o100))
        for relative, path in walk(root, exclude).items()
    }


def inputs(files: Mapping[str, str], config: Mapping[str, Any], nuctl: str, base_image: str) -> dict[str, Any]:
    """Put the four inputs together, in the form that is kept as an annotation.

    Args:
        files: manifest of the build context.
        config: the function's configuration, without this project's own annotations.
        nuctl: version of nuctl, for example ``1.16.3``.
        base_image: sum of the base image's content; empty when it is not known.
    """
    return {
        "files": {name: digest for name, digest in files.items() if name != CONFIG_FILE},
        "config": hashlib.sha256(_canonical(config)).hexdigest(),
        "nuctl": nuctl,
        "base_image": base_image,
    }


def without_mirror(config: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return a configuration that does not tell by which mirror its base image comes: the image is the same."""
    spec = config.get("spec") or {}
    build = spec.get("build") or {}
    image = build.get("baseImage") or ""
    if not prefix or not image.startswith(prefix):
        return dict(config)
    return {**config, "spec": {**spec, "build": {**build, "baseImage": image[len(prefix) :]}}}


def content_hash(all_inputs: Mapping[str, Any]) -> str:
    """Return one hash for all inputs; the order in which they were found does not matter."""
    return hashlib.sha256(_canonical(all_inputs)).hexdigest()


def to_annotations(all_inputs: Mapping[str, Any]) -> dict[str, str]:
    """Return the annotations that remember the inputs. Digests are shortened: they are only for messages."""
    short = {**all_inputs, "files": {name: digest[:12] for name, digest in all_inputs["files"].items()}}
    return {HASH_ANNOTATION: content_hash(all_inputs), INPUTS_ANNOTATION: _canonical(short).decode()}


def differences(before: Mapping[str, str], now: Mapping[str, Any]) -> list[str]:
    """Say in words what differs from the inputs in a deployed function's annotations."""
    try:
        old = json.loads(before.get(INPUTS_ANNOTATION, ""))
        old_files = dict(old["files"])
    except (ValueError, KeyError, TypeError):
        return ["it was not deployed by this project"]
    new_files = {name: digest[:12] for name, digest in now["files"].items()}
    words = [f"{name} is new" for name in sorted(new_files.keys() - old_files.keys())]
    words += [f"{name} is gone" for name in sorted(old_files.keys() - new_files.keys())]
    words += [
        f"{name} changed" for name in sorted(new_files.keys() & old_files.keys()) if new_files[name] != old_files[name]
    ]
    if old.get("config") != now["config"]:
        words.append("its configuration changed")
    if old.get("nuctl") != now["nuctl"]:
        words.append(f"nuctl is {now['nuctl'] or 'unknown'} instead of {old.get('nuctl') or 'unknown'}")
    if old.get("base_image") != now["base_image"]:
        words.append("its base image changed")
    return words or ["its content hash differs"]


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
