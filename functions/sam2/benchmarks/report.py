"""Figures of a comparison: medians, ratios, and what of them this project has set itself as a target."""

from __future__ import annotations

from typing import Any

import numpy as np


def report(seconds: dict[str, list[float]], share: list[float], answers: dict[str, str]) -> dict[str, Any]:
    """Sum up.

    Args:
        seconds: of every turn of every way.
        share: seconds of our clicks that were not spent in the model.
        answers: the last answer of every way; its length counts.
    """
    median = {name: float(np.median(values)) for name, values in seconds.items()}

    def ratio(slow: str, fast: str) -> float:
        if len(seconds[slow]) != len(seconds[fast]):
            return round(median[slow] / median[fast], 3)
        return round(float(np.median(np.array(seconds[slow]) / np.array(seconds[fast]))), 3)

    return {
        "milliseconds": {name: round(value * 1e3, 1) for name, value in median.items()},
        "p95": {name: round(float(np.quantile(values, 0.95)) * 1e3, 1) for name, values in seconds.items()},
        "ratios": {
            "guide / our click (shapes)": ratio("guide, every click", "ours, click, shapes"),
            "guide / our click (mask)": ratio("guide, every click", "ours, click, mask"),
            "our click (shapes) / bare predict": ratio("ours, click, shapes", "bare predict"),
            "our first click / bare set_image + predict": ratio("ours, first click", "bare set_image + predict"),
            "bare set_image + predict / our click after a restart": ratio(
                "bare set_image + predict", "ours, after a restart"
            ),
        },
        "our own share of a click": {
            "milliseconds": round(float(np.median(share)) * 1e3, 2),
            "part": round(float(np.median(np.array(share) / np.array(seconds["ours, click, shapes"]))), 3),
        },
        "bytes": {name: len(text) for name, text in answers.items() if text},
        "mask / shapes": round(len(answers["ours, click, mask"]) / len(answers["ours, click, shapes"]), 1),
    }


def has_targets(results: dict[str, Any]) -> bool:
    """Tell whether the targets are meant for this run: they are for sam2.1_hiera_tiny on two CPU cores."""
    return results["model"] == "sam2.1_hiera_tiny" and results["device"] == "cpu"


def targets(results: dict[str, Any]) -> list[tuple[str, float, str, float]]:
    """Return name, figure, comparison and target."""
    ratios, own = results["ratios"], results["our own share of a click"]
    return [
        ("guide / our click (shapes)", ratios["guide / our click (shapes)"], ">=", 30),
        ("our click (shapes) / bare predict", ratios["our click (shapes) / bare predict"], "<=", 1),
        ("our first click / bare", ratios["our first click / bare set_image + predict"], "<=", 1.03),
        ("bare / our click after a restart", ratios["bare set_image + predict / our click after a restart"], ">=", 10),
        ("our own share of a click, ms", own["milliseconds"], "<=", 15),
        ("our own share of a click, part", own["part"], "<=", 0.25),
        ("writing the mask, ms", results["milliseconds"]["writing the mask"], "<=", 40),
        ("mask / shapes, bytes", results["mask / shapes"], ">=", 100),
    ]


def as_table(results: dict[str, Any]) -> str:
    """Return times and ratios as tables in Markdown, the latter with their targets where those are meant."""
    title = f"{results['model']}, {results['size']}, {results['device']}"
    lines = [f"| {title} | p50, ms | p95, ms |", "|---|---|---|"]
    lines += [f"| {name} | {value:g} | {results['p95'][name]:g} |" for name, value in results["milliseconds"].items()]
    if crowd := results.get("annotators"):
        name = f"click, {crowd['count']} annotators at once ({crowd['clicks per second']:g} clicks/s)"
        lines.append(f"| {name} | {crowd['p50']:g} | {crowd['p95']:g} |")
    lines += ["", f"| {title} | figure | target | |", "|---|---|---|---|"]
    for name, figure, sign, target in targets(results):
        met = figure >= target if sign == ">=" else figure <= target
        verdict = ("met" if met else "missed") if has_targets(results) else "-"
        lines.append(f"| {name} | {figure:g} | {sign} {target:g} | {verdict} |")
    return "\n".join(lines)
