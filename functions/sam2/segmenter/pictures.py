"""From base64 text to an RGB picture, with every way in which a picture can be bad named."""

from __future__ import annotations

import binascii
import io
import warnings

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from .errors import RequestError

# What CVAT sends is JPEG or PNG; the others are common in data sets. Formats whose decoders start programs or follow
# file names (EPS, PDF, ...) stay out.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "MPO")
DATA_URI = ";base64,"


def decode_base64(text: str) -> bytes:
    """Decode base64 text, with or without a ``data:`` prefix and line ends.

    Raises:
        RequestError: the text is not base64 or holds nothing.
    """
    if text.startswith("data:") and DATA_URI in text[:128]:
        text = text.split(DATA_URI, 1)[1]
    try:
        content = binascii.a2b_base64(text.encode("ascii"))
    except (UnicodeEncodeError, binascii.Error) as error:
        raise RequestError("image", "is not base64") from error
    if not content:
        raise RequestError("image", "holds no bytes")
    return content


def decode_picture(content: bytes, max_pixels: int) -> np.ndarray:
    """Decode a picture into H x W x 3, uint8, RGB, turned upright as its EXIF data says (CVAT shows it so).

    Args:
        content: bytes of the file.
        max_pixels: pictures with more pixels are refused before they are decoded.

    Raises:
        RequestError: not a picture, damaged, or too large.
    """
    try:
        with warnings.catch_warnings():
            # Our own limit below is the one that counts, and it comes before any pixel is decoded.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(content), formats=FORMATS)
        width, height = picture.size
        if width * height > max_pixels:
            message = f"is {width} x {height} pixels; at most {max_pixels} pixels are taken"
            raise RequestError("image", message, 413)
        picture.load()
        upright = ImageOps.exif_transpose(picture)
        return np.asarray(_as_rgb(upright))
    except RequestError:
        raise
    except Image.DecompressionBombError as error:
        raise RequestError("image", "has far too many pixels", 413) from error
    except UnidentifiedImageError as error:
        raise RequestError("image", f"is not a picture in one of the formats {', '.join(FORMATS)}", 415) from error
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, TypeError, KeyError, OverflowError) as error:
        # Pillow's decoders raise all of these on damaged files.
        raise RequestError("image", "is damaged or incomplete", 415) from error


def _as_rgb(picture: Image.Image) -> Image.Image:
    """Convert any mode to RGB; 16-bit and floating point values are spread over what the picture uses."""
    if picture.mode == "RGB":
        return picture
    if picture.mode in ("I", "F") or picture.mode.startswith("I;"):
        values = np.nan_to_num(np.asarray(picture, dtype=np.float64))
        low, high = float(values.min()), float(values.max())
        values = (values - low) * (255.0 / (high - low)) if high > low else np.zeros_like(values)
        return Image.fromarray(values.astype(np.uint8)).convert("RGB")
    if picture.mode in ("P", "PA", "LA", "La", "RGBa") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
    return picture.convert("RGB")
