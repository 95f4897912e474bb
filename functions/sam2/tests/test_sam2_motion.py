"""Drawn videos are what they claim to be, and training on them moves nothing that single pictures use."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from training import model as models
from training.evaluate import iou
from training.motion import draw_motion, held_out_motion
from training.train_memory import MEMORY, clip_loss, memory_parameters


def test_the_same_seed_draws_the_same_video_and_things_move() -> None:
    first, again = (draw_motion((3, 4), 6, 96, 128) for _ in range(2))
    assert np.array_equal(first.frames, again.frames) and np.array_equal(first.masks, again.masks)
    assert first.frames.shape == (6, 96, 128, 3) and first.masks.shape[2:] == (96, 128)
    assert not (first.masks.sum(1) > 1).any(), "a pixel shows one object"


def test_standing_still_would_not_pass_for_tracking() -> None:
    values = [
        iou(video.masks[0, i], masks[i])
        for video in held_out_motion(4, 30, 96, 128)
        for masks in video.masks
        for i in range(len(masks))
    ]
    assert np.mean(values) < 0.5


def test_a_step_of_training_reaches_the_memory_and_nothing_else() -> None:
    net: Any = models.build(image_size=256, weights=models.WEIGHTS).eval()
    parameters = memory_parameters(net)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    scene = next(s for s in (draw_motion((1, i), 4, 256, 256) for i in range(9)) if s.masks.shape[1])
    loss, seen = clip_loss(net, scene, np.random.default_rng(1), lead=1)
    loss.backward()
    torch.optim.SGD(parameters, lr=0.1).step()
    changed = {name for name, value in net.state_dict().items() if not torch.equal(value, before[name])}
    assert len(seen) == 3 and changed and all(name.startswith(MEMORY) for name in changed)
