"""Follows one object from frame to frame with SAM 2's memory: the same masks as ``sam2.sam2_video_predictor``.

What sam2's predictor keeps of a whole video is here an immutable ``Track``, so that a frame may be asked again, two
annotators may go on from the same frame, and a track may move to another worker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from .disk_cache import Features
from .predictor import Predictor
from .transforms import enlarge, prepare_frame, prepare_points


@dataclass(frozen=True)
class Memory:
    """What is remembered of one frame.

    Args:
        frame: number of the frame, from 0 where the track begins.
        pointer: the object's own token, 1 x C.
        spatial: the frame with its mask, 1 x M x h x w, bfloat16; None when it is too old to be looked at again.
    """

    frame: int
    pointer: torch.Tensor
    spatial: torch.Tensor | None

    @property
    def nbytes(self) -> int:
        """Bytes on the device."""
        spatial = 0 if self.spatial is None else self.spatial.numel() * self.spatial.element_size()
        return spatial + self.pointer.numel() * self.pointer.element_size()


@dataclass(frozen=True)
class Track:
    """An object's memories, oldest first; the first is that of the frame on which the object was shown."""

    memories: tuple[Memory, ...]

    @property
    def frame(self) -> int:
        """Number of the last frame."""
        return self.memories[-1].frame


class VideoTracker:
    """Starts tracks and follows them with one model on one device."""

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor
        self.device = predictor.device
        self.model = predictor.model
        stride = self.model.memory_temporal_stride_for_eval
        self._seen = (self.model.num_maskmem - 1) * stride
        self._pointers = self.model.max_obj_ptrs_in_encoder
        self._place: list[torch.Tensor] = []

    def encode(self, picture: np.ndarray) -> Features:
        """Embed a frame (H x W x 3, uint8), for all objects on it."""
        return self.predictor.encode(picture, prepare_frame)

    def prepare(self, features: Features) -> Features:
        """Bring features, from the disk perhaps, to the device."""
        return features.to(self.device)

    @torch.inference_mode()
    def start_with_box(self, features: Features, box: np.ndarray) -> tuple[np.ndarray, Track]:
        """Begin a track with a box (left, top, right, bottom; pixels); returns the mask (H x W, bool) and the track."""
        corners = torch.as_tensor(box.reshape(1, 2, 2), dtype=torch.float)
        coords = prepare_points(corners, features.height, features.width, self.predictor.side)
        labels = torch.tensor([[2, 3]], dtype=torch.int32, device=self.device)
        return self._start(features, {"point_coords": coords.to(self.device), "point_labels": labels}, None)

    @torch.inference_mode()
    def start_with_mask(self, features: Features, mask: np.ndarray) -> tuple[np.ndarray, Track]:
        """Begin a track with a mask (H x W, bool); returns the mask as the model sees it, and the track."""
        side = self.predictor.side
        given = torch.from_numpy(np.ascontiguousarray(mask))[None, None].float().to(self.device)
        if mask.shape != (side, side):
            given = F.interpolate(given, size=(side, side), align_corners=False, mode="bilinear", antialias=True)
            given = (given >= 0.5).float()
        return self._start(features, None, given)

    @torch.inference_mode()
    def follow(self, features: Features, track: Track) -> tuple[np.ndarray, Track]:
        """Find the object on the next frame; returns its mask (H x W, bool; empty if it is not seen) and the track."""
        first, *others = track.memories
        known = {
            "cond_frame_outputs": {first.frame: self._as_output(first)},
            "non_cond_frame_outputs": {memory.frame: self._as_output(memory) for memory in others},
        }
        frame = track.frame + 1
        with self.predictor.arithmetic():
            out = self._step(features, frame, known, None, None, remember=True)
            memory = Memory(frame, out["obj_ptr"], out["maskmem_features"].to(torch.bfloat16))
        return self._mask(out, features), Track((first, *self._recent((*others, memory), frame)))

    def _start(
        self, features: Features, points: dict[str, torch.Tensor] | None, mask: torch.Tensor | None
    ) -> tuple[np.ndarray, Track]:
        model, side = self.model, self.predictor.side
        nothing: dict[str, Any] = {"cond_frame_outputs": {}, "non_cond_frame_outputs": {}}
        with self.predictor.arithmetic():
            out = self._step(features, 0, nothing, points, mask, remember=False)
            # The memory of the first frame is made of the coarse mask, as sam2 does once all prompts are given.
            fine = F.interpolate(out["pred_masks"], size=(side, side), mode="bilinear", align_corners=False)
            spatial, _ = model._encode_new_memory(
                self._levels(features), self._sizes(features), fine, out["object_score_logits"], True
            )
        memory = Memory(0, out["obj_ptr"], spatial.to(torch.bfloat16))
        return self._mask(out, features), Track((memory,))

    def _step(
        self,
        features: Features,
        frame: int,
        known: dict[str, Any],
        points: dict[str, torch.Tensor] | None,
        mask: torch.Tensor | None,
        remember: bool,
    ) -> dict[str, Any]:
        out: dict[str, Any] = self.model.track_step(
            frame_idx=frame,
            is_init_cond_frame=frame == 0,
            current_vision_feats=self._levels(features),
            current_vision_pos_embeds=self._positions(features),
            feat_sizes=self._sizes(features),
            point_inputs=points,
            mask_inputs=mask,
            output_dict=known,
            # Only says that the video is not shorter than the row of pointers that the model looks back at.
            num_frames=max(frame + 1, self._pointers),
            run_mem_encoder=remember,
        )
        return out

    def _as_output(self, memory: Memory) -> dict[str, Any]:
        """Return a memory as sam2 stores it."""
        if memory.spatial is None:
            return {"obj_ptr": memory.pointer}
        if not self._place:
            encoder = self.model.memory_encoder.position_encoding
            self._place = [encoder(memory.spatial.float()).to(memory.pointer.dtype)]
        return {"obj_ptr": memory.pointer, "maskmem_features": memory.spatial, "maskmem_pos_enc": self._place}

    def _recent(self, memories: tuple[Memory, ...], frame: int) -> list[Memory]:
        """Leave out of the memories after the first what no later frame will look at."""
        kept = []
        for memory in memories:
            age = frame + 1 - memory.frame
            if age <= self._seen:
                kept.append(memory)
            elif age < self._pointers:
                kept.append(Memory(memory.frame, memory.pointer, None) if memory.spatial is not None else memory)
        return kept

    def _mask(self, out: dict[str, Any], features: Features) -> np.ndarray:
        mask: np.ndarray = (enlarge(out["pred_masks"], features.height, features.width)[0, 0] > 0).cpu().numpy()
        return mask

    @staticmethod
    def _levels(features: Features) -> list[torch.Tensor]:
        """Return levels as sam2's blocks take them, each hw x 1 x C."""
        return [level.flatten(2).permute(2, 0, 1) for level in features.levels]

    def _positions(self, features: Features) -> list[torch.Tensor]:
        """Return the positional encoding of the coarsest level, hw x 1 x C; the finer ones are not looked at."""
        coarsest = features.levels[-1]
        encoded = self.model.image_encoder.neck.position_encoding(coarsest).to(coarsest.dtype)
        return [encoded.flatten(2).permute(2, 0, 1)]

    @staticmethod
    def _sizes(features: Features) -> list[tuple[int, ...]]:
        return [tuple(level.shape[-2:]) for level in features.levels]
