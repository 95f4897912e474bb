"""The ways to answer a click that are compared: JSON in, JSON out."""

from __future__ import annotations

import base64
import io
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from model_handler import ModelHandler
from PIL import Image
from segmenter.answers import mask_json
from segmenter.predictor import Predictor

Way = Callable[[bytes], str]


def wait_for(device: torch.device) -> None:
    """Wait until a GPU has done what it was given: it is only told what to do when a call comes back."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


class GuidesWay:
    """The handler of the guide: embeds the picture at every click and writes the mask as a list of lists of floats."""

    def __init__(self, predictor: Any) -> None:
        self.predictor = predictor

    def __call__(self, body: bytes) -> str:
        """Answer a request with one box."""
        request = json.loads(body)
        picture = Image.open(io.BytesIO(base64.b64decode(request["image"]))).convert("RGB")
        self.predictor.set_image(np.array(picture))
        masks, scores, _ = self.predictor.predict(box=np.array(request["obj_bbox"]).reshape(4), multimask_output=True)
        return json.dumps({"mask": masks[int(np.argmax(scores))].tolist()})


class BarePredictor:
    """sam2's own predictor, without JSON: set_image and predict, or predict alone on a picture that was set.

    It computes in the same precision as ours.
    """

    def __init__(self, predictor: Any, ours: Predictor, picture: np.ndarray, box: np.ndarray) -> None:
        self.predictor, self.arithmetic, self.picture, self.box = predictor, ours.arithmetic, picture, box
        self.both()

    def predict(self, _: bytes = b"") -> str:
        """Answer one box on the picture that is set."""
        with self.arithmetic():
            self.predictor.predict(box=self.box, multimask_output=False)
        return ""

    def both(self, _: bytes = b"") -> str:
        """Embed the picture and answer one box."""
        with self.arithmetic():
            self.predictor.set_image(self.picture)
        return self.predict()


class OurWay:
    """This project's function, from the request's bytes to the answer's text."""

    def __init__(self, handler: ModelHandler) -> None:
        self.handler = handler
        self.model_seconds = 0.0
        predictor = handler.service.predictor
        decoder, device = predictor.decoder, predictor.device
        original = decoder.decode

        def timed(*arguments: Any) -> Any:
            wait_for(device)
            started = time.perf_counter()
            result = original(*arguments)
            wait_for(device)
            self.model_seconds += time.perf_counter() - started
            return result

        decoder.decode = timed

    def __call__(self, body: bytes) -> str:
        """Answer a request."""
        # As Nuclio's wrapper does for application/json.
        reply = self.handler.handle("POST", "/", "application/json", json.loads(body))
        if reply.status != 200:
            raise RuntimeError(reply.body)
        return reply.body

    def embed(self, picture: np.ndarray) -> str:
        """Embed a picture, and nothing else."""
        predictor = self.handler.service.predictor
        predictor.embed(picture)
        wait_for(predictor.device)
        return ""


def request(picture: np.ndarray, box: np.ndarray, quality: int = 90) -> bytes:
    """Return what CVAT sends for one box: JSON with a JPEG in base64."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    corners = box.reshape(2, 2).tolist()
    image = base64.b64encode(buffer.getvalue()).decode()
    return json.dumps({"image": image, "pos_points": [], "neg_points": [], "obj_bbox": corners}).encode()


def write_mask(mask: np.ndarray) -> str:
    """Write a mask (H x W, bool) as the answer of form ``mask`` holds it."""
    mask_json(mask)
    return ""
