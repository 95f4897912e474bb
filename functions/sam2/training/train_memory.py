"""Train what only videos use (memory attention, memory encoder, object pointers), on videos drawn while training.

python -m training.train_memory --minutes 30 --side 512 --start checkpoints/a.pt --output checkpoints/b.pt

Everything that single pictures use stays as it is: a checkpoint's figures for clicks and boxes do not change.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from . import model as models
from .motion import MovingScene, draw_motion
from .train import iou_of, mask_loss

# Parameters by the beginning of their names; no others are touched.
MEMORY = (
    "memory_attention.",
    "memory_encoder.",
    "maskmem_tpos_enc",
    "obj_ptr_proj.",
    "obj_ptr_tpos_proj.",
    "no_obj_ptr",
    "no_obj_embed_spatial",
    "mask_downsample.",
)
MOST_OBJECTS = 3


def memory_parameters(net: torch.nn.Module) -> list[torch.nn.Parameter]:
    """Freeze a model but for its memory, and return what is left to train."""
    for name, parameter in net.named_parameters():
        parameter.requires_grad_(name.startswith(MEMORY))
    return [parameter for parameter in net.parameters() if parameter.requires_grad]


@torch.no_grad()
def give_sense_of_before(net: torch.nn.Module, levels: list[torch.Tensor], strength: float = 2.0) -> None:
    """Start a fresh memory where it can learn: a place looks at the same place before, and features keep their size.

    With equal biases for queries and keys the rotary encoding alone makes the attention a hill around the same place.
    The last layer norm gives back the scale and the mean that the mask decoder knows.

    Args:
        net: the model.
        levels: features of some pictures, as ``_levels`` gives them.
        strength: how steep the hill is.
    """
    attention = net.memory_attention.layers[0].cross_attn_image
    attention.q_proj.bias.fill_(strength)
    attention.k_proj.bias.fill_(strength)
    coarse = levels[-1].flatten(0, 1)
    wanted = coarse + net.no_mem_embed[0]
    normal = F.layer_norm(coarse, coarse.shape[-1:])
    centred = normal - normal.mean(0)
    slope = (centred * (wanted - wanted.mean(0))).sum(0) / centred.square().sum(0)
    net.memory_attention.norm.weight.copy_(slope)
    net.memory_attention.norm.bias.copy_(wanted.mean(0) - slope * normal.mean(0))


@torch.no_grad()
def _levels(net: torch.nn.Module, frames: np.ndarray) -> tuple[list[torch.Tensor], list[torch.Tensor], list[Any]]:
    """Embed frames (F x S x S x 3); returns levels and positions (each hw x F x C) and the levels' sizes."""
    pixels = torch.stack([models.normalise(torch.from_numpy(frame)) for frame in frames])
    _, levels, positions, sizes = net._prepare_backbone_features(net.forward_image(pixels))
    return levels, positions, sizes


def clip_loss(
    net: torch.nn.Module, scene: MovingScene, rng: np.random.Generator, lead: int = 0
) -> tuple[torch.Tensor, list[float]]:
    """Follow some objects of a video; returns the loss, and the mean IoU per frame after the first.

    Args:
        net: the model, for frames of the video's size.
        scene: the video.
        rng: chooses the objects, and whether they are shown by box or by mask.
        lead: frames after the first on which nothing is learnt: their memories have the errors of a long way.
    """
    levels, positions, sizes = _levels(net, scene.frames)
    chosen = rng.permutation(scene.masks.shape[1])[:MOST_OBJECTS]
    masks, count, last = scene.masks[:, chosen], len(chosen), len(scene.frames) - 1
    known: dict[str, Any] = {"cond_frame_outputs": {}, "non_cond_frame_outputs": {}}
    shown: tuple[Any, Any] = (None, torch.from_numpy(masks[0][:, None]).float())
    if rng.random() < 0.5:
        shown = (_box_prompt(masks[0]), None)
    # The ages of pointers count against the length of the video; a real one is not shorter than their row.
    length = max(last + 1, net.max_obj_ptrs_in_encoder)
    total, seen = torch.zeros(()), []
    for frame in range(last + 1):
        now, where = ([level[:, frame : frame + 1].expand(-1, count, -1) for level in of] for of in (levels, positions))
        points, given = shown if frame == 0 else (None, None)
        with torch.set_grad_enabled(frame == 0 or frame > lead):
            current, outputs, _, _ = net._track_step(
                frame, frame == 0, now, where, sizes, points, given, known, length, False, None
            )
            every, _, quality, low, high, pointer, score = outputs
            net._encode_memory_in_output(now, sizes, points, frame < last, high, score, current)
        current["obj_ptr"] = pointer
        known["non_cond_frame_outputs" if frame else "cond_frame_outputs"][frame] = current
        if frame == 0:
            continue
        target = F.avg_pool2d(torch.from_numpy(masks[frame][:, None].astype(np.float32)), 4)
        visible = (target.flatten(1).sum(1) > 8).float() / max(1, count)
        seen.append(float((iou_of(low, target)[:, 0] * visible).sum() / visible.sum().clamp(min=1e-6)))
        if frame > lead:
            each = mask_loss(every, target)
            answer = each.gather(1, quality.argmax(1, keepdim=True))[:, 0]
            lost = answer + 0.5 * each.mean(1) + 0.1 * F.softplus(-score[:, 0])
            total = total + (lost * visible).sum() / (last - lead)
    return total, seen


def _box_prompt(masks: np.ndarray) -> dict[str, torch.Tensor]:
    """Return the boxes of masks (N x H x W) as sam2 takes them: two points labelled 2 and 3."""
    boxes = []
    for mask in masks:
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        boxes.append([[columns[0], rows[0]], [columns[-1] + 1, rows[-1] + 1]])
    labels = torch.tensor([[2, 3]], dtype=torch.int32).expand(len(boxes), -1)
    return {"point_coords": torch.tensor(boxes, dtype=torch.float), "point_labels": labels}


def main() -> None:
    """Parse the command line and train for some minutes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--start", type=Path, default=models.WEIGHTS)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--side", type=int, default=512, help="pixels of a frame")
    parser.add_argument("--frames", type=int, default=4, help="frames of a video on which something is learnt")
    parser.add_argument("--lead", type=int, default=0, help="up to so many frames before them, after the first")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--fresh", action="store_true", help="begin with a memory that has learnt nothing")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    net = models.build(image_size=args.side, weights=args.start).eval()
    parameters = memory_parameters(net)
    if args.fresh:
        scene = draw_motion(args.seed, 4, args.side, args.side)
        give_sense_of_before(net, _levels(net, scene.frames)[0])
    average = [parameter.detach().clone() for parameter in parameters]
    optimiser = torch.optim.AdamW(parameters, lr=args.rate, betas=(0.9, 0.99), weight_decay=0.01)
    started, step, seen = time.monotonic(), 0, []
    while (share := (time.monotonic() - started) / (60 * args.minutes)) < 1:
        for group in optimiser.param_groups:
            group["lr"] = args.rate * min(1.0, (step + 1) / 50) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share)))
        lead = int(rng.integers(args.lead + 1))
        scene = draw_motion((args.seed, step), 1 + lead + args.frames, args.side, args.side, speed=0.03)
        step += 1
        if not scene.masks.shape[1]:
            continue
        loss, ious = clip_loss(net, scene, rng, lead)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        keep = min(0.998, step / (step + 10))
        for mean, value in zip(average, parameters, strict=True):
            mean.lerp_(value.detach(), 1 - keep)
        seen.append([ious[0], ious[-1]])
        if step % 20 == 0:
            line = ", ".join(f"{value:.3f}" for value in np.mean(seen, axis=0))
            seconds = time.monotonic() - started
            print(f"{args.side} step {step}, {seconds:.0f} s, IoU on the second and the last frame {line}", flush=True)
            seen = []
    for parameter, mean in zip(parameters, average, strict=True):
        parameter.data.copy_(mean)
    models.save(net, args.output)


if __name__ == "__main__":
    main()
