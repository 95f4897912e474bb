"""Train the small SAM 2 that tests and the demo use, on pictures drawn while training. One CPU core is enough.

python -m training.train --stage 512:6000 --stage 1024:1500 --output checkpoints/my.pt
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from . import model as models
from . import prompts
from .scenes import Scene, draw_scene


def mask_loss(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Balanced cross-entropy and dice loss per mask. logits: N x M x H x W, target: N x 1 x H x W in 0..1; gives N x M.

    Inside and outside weigh the same however small the object is: with a plain mean the network falls into "nothing
    is there" and stays there.
    """
    target = target.expand_as(logits)
    probability = logits.sigmoid()
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none").flatten(2)
    inside, both = target.flatten(2), (probability * target).flatten(2).sum(2)
    balanced = (entropy * inside).sum(2) / (inside.sum(2) + 1) + (entropy * (1 - inside)).sum(2) / (1 - inside).sum(2)
    dice = 1 - (2 * both + 1) / ((probability + target).flatten(2).sum(2) + 1)
    return 0.4 * balanced + 3 * entropy.mean(2) + dice


def iou_of(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """IoU of thresholded logits (N x M x H x W) with targets (N x 1 x H x W); returns N x M."""
    found, wanted = logits > 0, target > 0.5
    return (found & wanted).flatten(2).sum(2) / (found | wanted).flatten(2).sum(2).clamp(min=1)


def decode(
    net: torch.nn.Module,
    levels: list[torch.Tensor],
    coords: torch.Tensor,
    labels: torch.Tensor,
    previous: torch.Tensor | None,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Run prompt encoder and mask decoder for N prompts on one picture.

    Returns logits (N x 4 x h x w), predicted IoU (N x 4) and the score of "there is an object" (N x 1).
    """
    sparse, dense = net.sam_prompt_encoder(points=(coords, labels), boxes=None, masks=previous)
    logits, iou, _, score = net.sam_mask_decoder.predict_masks(
        image_embeddings=levels[2],
        image_pe=net.sam_prompt_encoder.get_dense_pe(),
        sparse_prompt_embeddings=sparse,
        dense_prompt_embeddings=dense,
        repeat_image=True,
        high_res_features=levels[:2],
    )
    return logits, iou, score


def round_loss(logits: torch.Tensor, iou: torch.Tensor, score: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Loss of one round: the single mask, the best of the three others, predicted IoU, and "there is an object"."""
    per_mask = mask_loss(logits, target)
    others = per_mask[:, 1:].min(1).values.mean() + 0.2 * per_mask[:, 1:].mean()
    quality = F.mse_loss(iou, iou_of(logits.detach(), target)) + F.l1_loss(iou, iou_of(logits.detach(), target))
    present = F.softplus(-score).mean()
    return per_mask[:, 0].mean() + others + quality + 0.02 * present


def scene_loss(
    net: torch.nn.Module, scene: Scene, levels: list[torch.Tensor], rng: np.random.Generator, simple: bool
) -> tuple[torch.Tensor, dict[str, float]]:
    """Ask for up to six objects of one picture, then correct the answers; returns the loss and IoU per round.

    ``simple`` asks with boxes only and corrects nothing.
    """
    side = scene.picture.shape[0]
    names, shares = zip(*prompts.LAYOUT_SHARES.items(), strict=True)
    layout = "box" if simple else str(rng.choice(names, p=shares))
    chosen = rng.permutation(len(scene.masks))[:6]
    masks, boxes = scene.masks[chosen], scene.boxes()[chosen]
    jitter = float(rng.choice([0.0, 0.01, 0.04]))
    asked = [prompts.first_prompt(rng, layout, m, b, jitter) for m, b in zip(masks, boxes, strict=True)]
    coords, labels = np.stack([a[0] for a in asked]), np.stack([a[1] for a in asked])
    target = F.avg_pool2d(torch.from_numpy(masks[:, None].astype(np.float32)), 4)
    previous: torch.Tensor | None = None
    total, seen = torch.zeros(()), {}
    rounds = 1 if simple else int(rng.choice([1, 2, 3], p=[0.4, 0.35, 0.25]))
    for number in range(rounds):
        logits, iou, score = decode(net, levels, torch.from_numpy(coords), torch.from_numpy(labels), previous)
        total = total + round_loss(logits, iou, score, target)
        first = 1 if coords.shape[1] == 1 else 0
        best = iou[:, 1:].argmax(1) + 1 if first else torch.zeros(len(iou), dtype=torch.long)
        answer = logits[torch.arange(len(best)), best].detach()
        seen[f"{layout} {number}" if number == 0 else f"round {number}"] = float(iou_of(answer[:, None], target).mean())
        full = F.interpolate(answer[:, None], side, mode="bilinear")[:, 0].numpy() > 0
        clicks = [prompts.correction(rng, m, a) for m, a in zip(masks, full, strict=True)]
        coords = np.concatenate([coords, np.array([[c] for c, _ in clicks], np.float32)], axis=1)
        labels = np.concatenate([labels, np.array([[lab] for _, lab in clicks], np.int32)], axis=1)
        previous = answer[:, None].clamp(-32, 32) if rng.random() < 0.7 else None
    return total, seen


def run_stage(
    net: torch.nn.Module,
    average: torch.nn.Module,
    side: int,
    steps: int,
    rate: float,
    seed: int,
    args: argparse.Namespace,
) -> None:
    """Train at one picture size with a one-cycle learning rate; writes the averaged weights every few minutes.

    Pictures below 256 pixels are for learning what a box is, and nothing else: with all prompts at once a fresh
    network takes many times longer to find that a prompt matters.
    """
    simple, batch = side < 256, args.batch * (2 if side < 256 else 1)
    rng = np.random.default_rng(seed)
    optimiser = torch.optim.AdamW(net.parameters(), lr=rate, betas=(0.9, 0.99), weight_decay=0.01)
    seen: dict[str, list[float]] = {}
    written = started = time.monotonic()
    for step in range(steps):
        share = step / steps
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / 100) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share)))
        scenes: list[Scene] = []
        while len(scenes) < batch:
            scene = draw_scene(
                (seed, step, int(rng.integers(2**31))), side, side, span=(0.2 if side < 512 else 0.09, 0.8)
            )
            if len(scene.masks):
                scenes.append(scene)
        levels = models.features(net, torch.stack([models.normalise(torch.from_numpy(s.picture)) for s in scenes]))
        loss = torch.zeros(())
        for i, scene in enumerate(scenes):
            part, ious = scene_loss(net, scene, [level[i : i + 1] for level in levels], rng, simple)
            loss = loss + part / batch
            for name, value in ious.items():
                seen.setdefault(name, []).append(value)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        keep = min(0.998, (step + 1) / (step + 10))
        with torch.no_grad():
            for mean, value in zip(average.parameters(), net.parameters(), strict=True):
                mean.lerp_(value, 1 - keep)
        if step % 100 == 99:
            line = {name: round(float(np.mean(values)), 3) for name, values in sorted(seen.items())}
            seconds = (time.monotonic() - started) / (step + 1)
            print(f"{side} {step + 1}/{steps} {seconds:.2f} s/step", json.dumps(line), flush=True)
            seen = {}
        if time.monotonic() - written > args.write_every or step == steps - 1:
            models.save(average, args.output)
            written = time.monotonic()


def main() -> None:
    """Parse the command line and train stage after stage."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stage", action="append", required=True, metavar="SIDE:STEPS:RATE")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--start", type=Path, help="weights to start from")
    parser.add_argument("--batch", type=int, default=2, help="pictures per step")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write-every", type=float, default=180.0, metavar="SECONDS")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    source = models.build(weights=args.start)
    if args.start is None:
        models.give_sense_of_place(source)
    for number, text in enumerate(args.stage):
        side, steps, rate = text.split(":")
        net, average = models.build(image_size=int(side)), models.build(image_size=int(side))
        net.load_state_dict(source.state_dict())
        average.load_state_dict(source.state_dict())
        run_stage(net, average, int(side), int(steps), float(rate), args.seed * 1000 + number, args)
        source = copy.deepcopy(average)


if __name__ == "__main__":
    main()
