"""Answers with numbers where the real one answers with the picture's embedding."""

import base64
import json
from typing import Any

import numpy as np


def init_context(context: Any) -> None:
    """Nothing to load."""


def handler(context: Any, event: Any) -> Any:
    """Answer an interactor's request."""
    blob = base64.b64encode(np.full((1, 4), len(event.body["image"]) % 7, np.float32).tobytes()).decode()
    return context.Response(
        body=json.dumps({"blob": blob}), headers={}, content_type="application/json", status_code=200
    )
