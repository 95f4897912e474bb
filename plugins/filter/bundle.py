"""Filters about a bundle on the control node. The work is done in module_utils/bundle.py."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.annotation.server.plugins.module_utils import bundle


def bundle_manifest(folder: str) -> dict[str, Any]:
    """Return the list of a bundle."""
    try:
        return bundle.read(Path(folder))
    except bundle.BundleError as error:
        raise AnsibleFilterError(str(error)) from error


def bundle_sum(folder: str, name: str) -> str:
    """Return the sha256 of a file that a bundle holds.

    Args:
        folder: the bundle.
        name: the file, from the folder on.
    """
    entry = bundle_manifest(folder)["files"].get(name)
    if not entry:
        raise AnsibleFilterError(f"The bundle {folder} holds no {name}. Make it again (make bundle).")
    return str(entry["sha256"])


def bundle_problems(folder: str, wanted: Mapping[str, Any], damaged: Mapping[str, str]) -> list[str]:
    """Say why a bundle does not do for a server.

    Args:
        folder: the bundle.
        wanted: what :func:`bundle.unfit` takes; kinds that are left out are not asked for.
        damaged: what is wrong with its files, by name.
    """
    broken = [f"{name} {what}." for name, what in damaged.items()]
    more = [f"{len(broken) - 5} more files are wrong."] if len(broken) > 5 else []
    nothing: dict[str, Any] = {"packages": [], "images": [], "functions": {}}
    return broken[:5] + more + bundle.unfit(bundle_manifest(folder), {**nothing, **wanted})


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {
            "bundle_manifest": bundle_manifest,
            "bundle_problems": bundle_problems,
            "bundle_sum": bundle_sum,
        }
