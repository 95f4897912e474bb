"""What the functions share."""

import base64
import io
from typing import Any

import numpy as np
from PIL import Image


def read(body: dict[str, Any]) -> np.ndarray:
    """Return the picture of a request: H x W x 3, uint8."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(body["image"]))).convert("RGB"))
