"""Nuclio's entry points. What they do with SAM 2 stands in model_handler.py and the package segmenter."""

from __future__ import annotations

import os
from typing import Any

from model_handler import ModelHandler


def init_context(context: Any) -> None:
    """Load the model; runs once per worker. What is raised here ends the container, so its message must be enough."""
    context.logger.info("Loading the model")
    context.user_data.model = ModelHandler(os.environ, worker=int(context.worker_id or 0))
    context.logger.info_with("The model is ready", **context.user_data.model.about())


def handler(context: Any, event: Any) -> Any:
    """Answer one request; always with JSON."""
    reply = context.user_data.model.handle(event.method, event.path, event.content_type, event.body)
    if reply.error is not None:
        context.logger.warn_with("Refused a request", status=reply.status, error=reply.error)
    if reply.is_fatal:
        # A poisoned CUDA context fails every later request of this process; Nuclio starts a new one.
        context.logger.error("The GPU's context is broken: ending this process")
        os._exit(1)
    return context.Response(body=reply.body, headers={}, content_type="application/json", status_code=reply.status)
