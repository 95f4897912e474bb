"""Measure a checkpoint on shapes that training never drew. The same checkpoint always gives the same figures.

python -m training.evaluate [--weights FILE] [--scenes 40]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from segmenter.predictor import Predictor, Prompt

from . import model as models
from . import prompts
from .scenes import BUSY, PLAIN, Scene, box_fill, held_out_scenes

Ask = Callable[[np.random.Generator, Scene, int], Prompt]


def layout(name: str) -> Ask:
    """Return a function that makes one prompt of a layout of ``prompts.POINT_LAYOUTS``."""

    def ask(rng: np.random.Generator, scene: Scene, i: int) -> Prompt:
        coords, labels = prompts.first_prompt(rng, name, scene.masks[i], scene.boxes()[i], jitter=0.0)
        if prompts.has_box(name):
            return Prompt(coords[2:], labels[2:], coords[:2].reshape(4))
        return Prompt(coords, labels)

    return ask


def iou(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two masks."""
    return float((a & b).sum() / max(1, (a | b).sum()))


def measure(predictor: Predictor, scenes: list[Scene], names: list[str]) -> dict[str, list[float]]:
    """Ask for every object once per layout, and correct the single point twice; returns IoU values per row."""
    found: dict[str, list[float]] = {}
    for number, scene in enumerate(scenes):
        embedding = predictor.embed(scene.picture)
        for i, mask in enumerate(scene.masks):
            rng = np.random.default_rng((number, i))
            for name in names:
                prompt = layout(name)(rng, scene, i)
                answer = predictor.predict(embedding, prompt)
                found.setdefault(name, []).append(iou(answer.mask, mask))
                found.setdefault(f"{name}: error of predicted IoU", []).append(abs(answer.score - found[name][-1]))
                if name != "point":
                    continue
                for clicks in (2, 3):
                    point, label = prompts.correction(rng, mask, answer.mask)
                    prompt = Prompt(
                        np.vstack([prompt.points, [point]]).astype(np.float32), np.append(prompt.labels, label)
                    )
                    blind = predictor.predict(embedding, prompt)
                    answer = predictor.predict(embedding, prompt, answer.logits)
                    found.setdefault(f"{clicks} clicks, with feedback", []).append(iou(answer.mask, mask))
                    found.setdefault(f"{clicks} clicks, without feedback", []).append(iou(blind.mask, mask))
    return found


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, default=models.WEIGHTS)
    parser.add_argument("--scenes", type=int, default=40)
    args = parser.parse_args()
    torch.set_num_threads(1)
    predictor = Predictor(models.build(weights=args.weights).eval())
    columns = {}
    for name, style in (("plain", PLAIN), ("busy", BUSY)):
        scenes = held_out_scenes(args.scenes, 720, 960, style=style)
        columns[name] = measure(predictor, scenes, list(prompts.POINT_LAYOUTS))
        columns[name]["filling the box"] = [box_fill(mask) for scene in scenes for mask in scene.masks]
    counts = {name: len(values["box"]) for name, values in columns.items()}
    print("| mean IoU | " + " | ".join(f"{name} ({counts[name]} shapes)" for name in columns) + " |")
    print("|---|" + "---|" * len(columns))
    for row in sorted(columns["plain"]):
        print(f"| {row} | " + " | ".join(f"{np.mean(values[row]):.3f}" for values in columns.values()) + " |")


if __name__ == "__main__":
    main()
