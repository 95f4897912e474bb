"""From an HTTP request to a JSON answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from segmenter.disk_cache import DiskCache
from segmenter.errors import RequestError
from segmenter.kinds import make_service
from segmenter.loading import choose_device, fingerprint, load_model, use_bfloat16
from segmenter.predictor import Predictor
from segmenter.settings import Settings

HERE = Path(__file__).resolve().parent
FOLDERS = [HERE / "checkpoints", HERE]
NO_ROOM = "the GPU's memory is full: set CACHE_MIB lower, take fewer workers or a smaller model"


@dataclass(frozen=True)
class Reply:
    """An answer: JSON text and HTTP status; ``error`` is its message for the log."""

    body: str
    status: int = 200
    error: str | None = None
    is_fatal: bool = False


class ModelHandler:
    """Holds the model of one worker and answers requests with it.

    Args:
        environment: the function's settings; see segmenter.settings.
        worker: number of this worker, which chooses among several GPUs.
    """

    def __init__(self, environment: Mapping[str, str], worker: int = 0) -> None:
        settings = Settings.from_environment(environment)
        if settings.threads:
            torch.set_num_threads(settings.threads)
        device = choose_device(settings.device, worker)
        if device.type == "cuda":
            torch.backends.cuda.matmul.allow_tf32 = True
            torch.backends.cudnn.allow_tf32 = True
        half = use_bfloat16(settings.precision, device)
        model = load_model(settings.model, settings.model_cfg, device, FOLDERS)
        predictor = Predictor(model, settings.decoder == "fast", half)
        if settings.compile:
            predictor.compile()
        disk, identity = None, b""
        if settings.cache_dir:
            # A tracker scales its pictures in another way, so that its embeddings are not those of the others.
            how = f"{device.type} {half} {settings.compile} {settings.kind == 'tracker'}"
            identity = fingerprint(settings.model, settings.model_cfg, how, FOLDERS)
            disk = DiskCache(Path(settings.cache_dir), settings.cache_dir_bytes, identity)
        self.service = make_service(predictor, settings, disk, identity)
        self.service.warm_up()

    def about(self) -> dict[str, Any]:
        """Return what is loaded, for the log."""
        health = self.service.health()
        return {name: health[name] for name in ("kind", "model", "model_cfg", "device", "precision", "answer")}

    def handle(self, method: str | bytes | None, path: str | bytes | None, content_type: Any, body: Any) -> Reply:
        """Answer a request.

        ``GET`` with any path and ``{"health": true}`` give the state of this worker; everything else goes to the model.
        A wrong request gets a 4xx with ``{"error": {"field": ..., "message": ...}}``; a GPU that is full or broken is
        a 503 of the same form.
        """
        try:
            request = _decode(body)
            if _text(method) == "GET" or (isinstance(request, Mapping) and request.get("health") is True):
                return Reply(json.dumps(self.service.health()))
            return Reply(self.service.answer(request).decode("ascii"))
        except RequestError as error:
            text = json.dumps({"error": {"field": error.field, "message": error.message}})
            return Reply(text, error.status, str(error))
        except torch.OutOfMemoryError as error:
            # For the second time: the service has let go of all embeddings and tried once more.
            text = json.dumps({"error": {"field": None, "message": NO_ROOM}})
            return Reply(text, 503, str(error))
        except RuntimeError as error:
            if not _is_broken_gpu(error):
                raise
            text = json.dumps({"error": {"field": None, "message": "the GPU failed; the function is starting again"}})
            return Reply(text, 503, str(error), is_fatal=True)


def _decode(body: Any) -> Any:
    """Return the request's JSON. Nuclio decodes it itself only if the content type is exactly application/json."""
    if isinstance(body, bytes | bytearray | memoryview | str):
        if not len(body):
            return {}
        try:
            return json.loads(bytes(body) if isinstance(body, memoryview) else body)
        except (ValueError, RecursionError) as error:
            raise RequestError("body", "is not JSON") from error
    return {} if body is None else body


def _text(value: str | bytes | None) -> str:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else value or ""


def _is_broken_gpu(error: RuntimeError) -> bool:
    """Tell an error that poisons the CUDA context of this process from one that concerns a single request."""
    return isinstance(error, getattr(torch, "AcceleratorError", ())) or "CUDA error" in str(error)
