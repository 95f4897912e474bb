"""In which form an interactor answers the CVAT of this server.

Older interfaces read full masks only and stop at anything else. Newer ones take run lengths too, a hundredth of the
bytes, and one shape for each box. Source: cvat-ai/cvat pull 10329, of March 2026; 2.63 of April is the first release
that is certainly later.
"""

from __future__ import annotations

import re

FIRST_WITH_SHAPES = (2, 63)


def answer_form(cvat_version: str) -> str:
    """Return ``shapes`` for a release that takes them; for others, and unknown ones, ``mask``, which all take."""
    numbers = re.match(r"v?(\d+)\.(\d+)", cvat_version.strip())
    return "shapes" if numbers and (int(numbers[1]), int(numbers[2])) >= FIRST_WITH_SHAPES else "mask"
