"""What a run hands to the modules that build and deploy, and what it says about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.annotation.server.plugins.plugin_utils.function_files import nuclio_builds


def nuclio_wishes(
    functions: Iterable[Mapping[str, Any]],
    files: Mapping[str, Any],
    configs: Mapping[str, Any],
    functions_dir: str,
    cvat_dir: str,
) -> list[dict[str, Any]]:
    """Return the functions as the module nuclio_builds takes them; those whose files are not known are left out.

    Args:
        functions: resolved entries.
        files: manifest of each build context, by the function's id.
        configs: configuration of each function, by its id.
        functions_dir: folder of the build contexts, on the host.
        cvat_dir: CVAT's source tree, on the host.
    """
    return [
        {
            "name": function["id"],
            "context": f"{functions_dir}/{function['id']}",
            "files": files[function["id"]],
            "config": configs[function["id"]],
            "builds": nuclio_builds(function, cvat_dir),
        }
        for function in functions
        if function["id"] in files
    ]


def nuclio_todo(
    wishes: Iterable[Mapping[str, Any]], built: Iterable[Mapping[str, Any]], functions: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return the functions with which something must be done, each with its image if that was built."""
    outcomes = {outcome["name"]: outcome for outcome in built}
    tried = {function["id"]: bool(function.get("trial", True)) for function in functions}
    return [
        {**wish, "image": outcome["image"], "built_seconds": outcome["seconds"], "trial": tried[wish["name"]]}
        for wish in wishes
        if (outcome := outcomes[wish["name"]])["needed"] and not outcome["error"]
    ]


def nuclio_steps(steps: Mapping[str, float], building: float = 0) -> str:
    """Say how long each step took: as a sentence to put behind another one, or nothing."""
    seconds = {**({"building": building} if building else {}), **steps}
    words = [
        f"{step} {seconds[step]:.1f} s" for step in ("building", "trying", "switching") if seconds.get(step) is not None
    ]
    if not words:
        return ""
    loading = f" (of which loading the model {seconds['loading']:.1f} s)" if seconds.get("loading") else ""
    return f" It took: {', '.join(words)}{loading}."


def nuclio_wrong(built: Iterable[Mapping[str, Any]], deployed: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return what went wrong with functions: their images first."""
    return [
        f"The image of {outcome['name']} could not be built; what served before goes on serving.\n{outcome['error']}"
        for outcome in built
        if outcome["error"]
    ] + [result["msg"] for result in deployed if result.get("failed")]


def nuclio_table(functions: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return what the module nuclio_functions_info tells as lines of a table, with the last errors below it."""
    known = list(functions)
    if not known:
        return ["No function is deployed."]
    rows = [("function", "state", "version", "device", "image", "age", "restarts")]
    rows += [
        (
            function["name"],
            function["state"],
            function["version"] or "-",
            function["device"],
            f"{function['image_bytes'] / 1e9:.2f} GB",
            _duration(function["age_seconds"]),
            str(function["restarts"]),
        )
        for function in known
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    for function in known:
        if function["error"]:
            lines += [f"{function['name']}, last error:", *[f"    {line}" for line in function["error"].splitlines()]]
    return lines


def _duration(seconds: int) -> str:
    """Return a duration as people say it: its largest unit."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
