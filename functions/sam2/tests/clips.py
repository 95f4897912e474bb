"""Short videos of moving shapes, and what sam2's own video predictor makes of them."""

from __future__ import annotations

import base64
import io
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Clip:
    """Frames as JPEG files, and the first frame's masks (N x H x W, bool)."""

    files: list[bytes]
    masks: np.ndarray

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        height, width = self.masks.shape[1:]
        return height, width

    def images(self) -> list[str]:
        """Return the frames as CVAT sends them."""
        return [base64.b64encode(file).decode() for file in self.files]


def rolling_clip(count: int, height: int = 180, width: int = 270) -> Clip:
    """Make a clip of shapes that wander across the picture, ``count`` frames long."""
    from training.scenes import held_out_scenes

    scene = next(s for s in held_out_scenes(20, height, width, seed=6) if len(s.masks) >= 2)
    files = []
    for number in range(count):
        buffer = io.BytesIO()
        moved = np.roll(scene.picture, (number, 2 * number), (0, 1))
        Image.fromarray(moved).save(buffer, "JPEG", quality=92)
        files.append(buffer.getvalue())
    return Clip(files, scene.masks)


def sam2s_own(environment: dict[str, str], clip: Clip, prompts: list[np.ndarray], most: int) -> list[np.ndarray]:
    """Track with ``SAM2VideoPredictor``; a prompt is a box (4) or a mask (H x W, bool).

    Returns:
        for each of the frames up to number ``most`` the logits in the size of the picture, N x H x W.
    """
    from benchmarks.bare import build_as_sam2_does

    predictor: Any = build_as_sam2_does(environment["MODEL"], environment["MODEL_CFG"], video=True)
    # Written in CUDA; where sam2 was built without it, the predictor leaves it out with a warning.
    predictor.fill_hole_area = 0
    with tempfile.TemporaryDirectory() as folder:
        for number, file in enumerate(clip.files):
            (Path(folder) / f"{number:05d}.jpg").write_bytes(file)
        state = predictor.init_state(folder)
    for number, prompt in enumerate(prompts):
        if prompt.ndim == 1:
            predictor.add_new_points_or_box(state, 0, number, box=prompt)
        else:
            predictor.add_new_mask(state, 0, number, prompt)
    tracked = predictor.propagate_in_video(state, max_frame_num_to_track=most)
    return [logits[:, 0].numpy() for _, _, logits in tracked]
