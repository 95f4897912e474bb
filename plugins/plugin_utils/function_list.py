"""Which functions a run is about, with which options: the user's list, the catalogue, the device and the tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

#: With one of these tags the whole list is meant.
_BROAD_TAGS = frozenset({"all", "models", "nuclio_functions"})


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
    functions: Iterable[Mapping[str, Any]],
    catalogue: Mapping[str, Mapping[str, Any]],
    run_tags: Iterable[str],
    only: Any = "",
    remove: Any = "",
) -> list[dict[str, Any]]:
    """Return the functions that this run is about.

    Args:
        functions: the resolved list.
        catalogue: entries that are built in, by name; their names are tags even when the list does not have them.
        run_tags: what was given with ``--tags``.
        only: names that were asked for, as a list or separated by commas; they win over tags.
        remove: names of functions that are to go, in the same form; the run is about nothing else. They need not be
            in the list any more: then they are names in Nuclio.
    """
    if gone := _names(remove):
        ids = {name: entry.get("id") or name for name, entry in catalogue.items()}
        ids |= {function["name"]: function["id"] for function in functions}
        return [{"name": name, "id": ids.get(name, name), "state": "absent", "skip": ""} for name in sorted(gone)]
    listed = [dict(function) for function in functions]
    tags_of = {function["id"]: {function["name"], function["id"], *function.get("tags", [])} for function in listed}
    wanted = _names(only)
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


def _names(given: Any) -> set[str]:
    """Read names that are given as a list or separated by commas."""
    return {name.strip() for name in (given.split(",") if isinstance(given, str) else given or []) if name.strip()}
