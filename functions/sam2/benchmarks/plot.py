"""One picture of a comparison."""

from __future__ import annotations

from pathlib import Path
from typing import Any

BARS = (
    "guide, every click",
    "ours, first click",
    "ours, after a restart",
    "bare predict",
    "ours, click, mask",
    "ours, click, shapes",
)


def _where(results: dict[str, Any]) -> str:
    return f"{results['threads']} threads" if results["device"] == "cpu" else str(results["device"])


def plot(results: dict[str, Any], path: Path) -> None:
    """Draw the medians as bars on a logarithmic scale."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    values = [results["milliseconds"][name] for name in BARS]
    figure, axes = pyplot.subplots(figsize=(8, 3.2))
    colours = ["#b0413e" if "guide" in name else "#8a8f98" if "bare" in name else "#2a7f62" for name in BARS]
    bars = axes.barh(BARS, values, color=colours)
    axes.bar_label(bars, labels=[f"{value:,.1f} ms" for value in values], padding=4)
    axes.set(xscale="log", xlim=(min(values) / 2, max(values) * 4), xlabel="milliseconds, median (logarithmic)")
    axes.set_title(f"{results['model']}, {results['size']}, {_where(results)}", fontsize=10)
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
