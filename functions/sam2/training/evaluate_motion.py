"""Follow shapes that training never drew through videos of 30 frames, and say how well. Always the same figures.

python -m training.evaluate_motion [--weights FILE] [--videos 12]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from segmenter.predictor import Predictor
from segmenter.tracker import VideoTracker

from . import model as models
from .evaluate import iou
from .motion import MovingScene, held_out_motion

FRAMES = 30
# An object of which less than this share of its first size is to be seen has no IoU worth a mean.
HIDDEN = 0.2


def follow(tracker: VideoTracker, scene: MovingScene, by: str) -> np.ndarray:
    """Follow every object, begun ``by`` its "box" or its "mask"; returns IoU per frame and object, NaN while hidden."""
    features = [tracker.prepare(tracker.encode(frame)) for frame in scene.frames]
    values = np.full(scene.masks.shape[:2], np.nan)
    for i in range(scene.masks.shape[1]):
        truth = scene.masks[:, i]
        if by == "box":
            mask, track = tracker.start_with_box(features[0], box_around(truth[0]))
        else:
            mask, track = tracker.start_with_mask(features[0], truth[0])
        for number, seen in enumerate(truth):
            if number:
                mask, track = tracker.follow(features[number], track)
            if seen.sum() > HIDDEN * truth[0].sum():
                values[number, i] = iou(mask, seen)
    return values


def box_around(mask: np.ndarray) -> np.ndarray:
    """Return left, top, right, bottom of a mask, the latter two exclusive."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float32)


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, default=models.WEIGHTS)
    parser.add_argument("--videos", type=int, default=12)
    parser.add_argument("--side", type=int, default=1024, help="pixels of the model's picture")
    args = parser.parse_args()
    torch.set_num_threads(1)
    tracker = VideoTracker(Predictor(models.build(image_size=args.side, weights=args.weights).eval()))
    scenes = held_out_motion(args.videos, FRAMES)
    objects = sum(scene.masks.shape[1] for scene in scenes)
    print(f"| {args.videos} videos, {objects} objects | all {FRAMES} frames | the last frame | worst object |")
    print("|---|---|---|---|")
    for by in ("mask", "box"):
        values = np.concatenate([follow(tracker, scene, by) for scene in scenes], axis=1)
        worst = np.nanmin(np.nanmean(values, axis=0))
        figures = (np.nanmean(values), np.nanmean(values[-1]), worst)
        print(
            f"| mean IoU, begun by its {by} | " + " | ".join(f"{figure:.3f}" for figure in figures) + " |", flush=True
        )


if __name__ == "__main__":
    main()
