"""The tracker as CVAT calls it: shapes and states in, shapes and states of the next frame out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from .disk_cache import DiskCache, Features
from .errors import RequestError
from .folder import BoundedFolder
from .gallery import Gallery
from .predictor import Predictor
from .service import Service
from .settings import Settings
from .shapes import Shape, answer_shape
from .tracker import Track, VideoTracker
from .tracking_request import State, parse_tracking
from .tracks import SUFFIX, Tracks


class TrackingService(Service):
    """Follows objects: ``{"shapes": [...], "states": [...]}``.

    A track that is gone (another worker, a restart, too old) begins anew on the frame at hand, with the box of the
    last shape. An object that is out of sight is ``null``; a rectangle stays where it was seen last, because CVAT's
    sidebar, which tracks rectangles, stops at a ``null``.
    """

    def __init__(
        self, predictor: Predictor, settings: Settings, disk: DiskCache | None = None, model: bytes = b""
    ) -> None:
        self.tracker = VideoTracker(predictor)
        super().__init__(predictor, settings, Gallery(self.tracker, settings, disk))
        files = None
        if settings.cache_dir:
            folder = Path(settings.cache_dir) / "tracks"
            files = BoundedFolder(folder, SUFFIX, settings.tracks_bytes, settings.tracks_seconds)
        self.tracks = Tracks(settings.tracks_bytes, settings.tracks_seconds, predictor.device, files, model)
        self.recovered = 0

    def warm_up(self) -> None:
        """Run the model once."""
        features = self.tracker.encode(np.zeros((64, 64, 3), np.uint8))
        _, track = self.tracker.start_with_box(features, np.array([8, 8, 40, 40], np.float32))
        self.tracker.follow(features, track)

    def health(self) -> dict[str, Any]:
        """Say what runs here and how it fares."""
        tracks = {"kept": len(self.tracks), "bytes": self.tracks.nbytes, "recovered": self.recovered}
        return {**super().health(), "tracks": tracks}

    def _answer(self, body: Any) -> tuple[bytes, bool]:
        request = parse_tracking(body, self.settings)

        def work() -> tuple[list[tuple[Any, State]], bool]:
            _, features, was_known = self.gallery.look_up(request.image)
            pairs = zip(request.shapes, request.states, strict=True)
            return [self._next(features, shape, state) for shape, state in pairs], was_known

        found, was_known = self.gallery.with_room(work)
        answer = {"shapes": [shape for shape, _ in found], "states": [state.as_json() for _, state in found]}
        return json.dumps(answer, separators=(",", ":")).encode(), was_known

    def _next(self, features: Features, shape: Shape | None, state: State | None) -> tuple[Any, State]:
        """Return an object's shape on this frame and the state to go on from."""
        if state is None:
            if shape is None:
                raise RequestError("shapes", "a track needs a shape to begin with", 422)
            return self._begin(features, shape)
        track = self.tracks.get(state.token)
        if track is None:
            return self._begin_anew(features, shape, state)
        mask, track = self.tracker.follow(features, track)
        return self._write(mask, track, state.form, state.box, state.token)

    def _begin(self, features: Features, shape: Shape) -> tuple[Any, State]:
        """Begin a track; the shape that an annotator drew is answered as it came."""
        box = shape.box(features.height, features.width)
        if shape.is_box:
            _, track = self.tracker.start_with_box(features, box)
        else:
            _, track = self.tracker.start_with_mask(features, shape.mask(features.height, features.width))
        state = State(self.tracks.put(track), shape.form, tuple(box.tolist()))
        numbers = shape.points.astype(int).tolist() if shape.form == "mask" else shape.points.tolist()
        return (numbers if shape.form == "points" else {"type": shape.form, "points": numbers}), state

    def _begin_anew(self, features: Features, shape: Shape | None, state: State) -> tuple[Any, State]:
        """Begin with the last shape's box, which older interfaces send and newer ones bring back in the state."""
        height, width = features.height, features.width
        last = shape or Shape("points", np.array(state.box), "states")
        try:
            box = last.box(height, width)
        except RequestError:
            box = np.array([0, 0, width, height], np.float32)
        mask, track = self.tracker.start_with_box(features, box)
        self.recovered += 1
        return self._write(mask, track, state.form, tuple(box.tolist()), None)

    def _write(
        self, mask: np.ndarray, track: Track, form: str, box: tuple[float, ...], before: str | None
    ) -> tuple[Any, State]:
        """Return a mask in the form in which the track began, and its state; ``box`` is that of the frame before."""
        seen = answer_shape("points", mask)
        token = self.tracks.put(track, before)
        if seen is None:
            kept = list(box) if form == "points" else {"type": form, "points": list(box)}
            return (kept if form in ("points", "rectangle") else None), State(token, form, box)
        return answer_shape(form, mask), State(token, form, tuple(seen))
