"""Pictures for the report: what a model was asked, and what it answered, to be laid over the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils.known_picture import data_uri, encode_overlay

NO_BOX = (0, 0, -1, -1)


@dataclass
class Figure:
    """One answer. Coordinates are pixels of the picture."""

    title: str
    kind: str
    frame: int
    size: tuple[int, int]
    seconds: float | None = None
    text: str = ""
    mask: bytearray | None = None
    #: As CVAT keeps them; masks among them are painted into the one.
    shapes: Sequence[Mapping[str, Any]] = ()
    #: The prompt: points, and a box as left, top, right, bottom.
    points: list[list[int]] = field(default_factory=list)
    box: list[float] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for the report."""
        width, height = self.size
        mask = self.mask
        for shape in self.shapes:
            if shape["type"] == "mask":
                mask = mask or bytearray(width * height)
                _paint(mask, width, shape["points"])
        return {
            "title": self.title,
            "kind": self.kind,
            "frame": self.frame,
            "width": width,
            "height": height,
            "seconds": self.seconds,
            "text": self.text,
            "overlay": data_uri(encode_overlay(width, height, mask, NO_BOX)) if mask else "",
            "shapes": [
                {"type": shape["type"], "points": list(shape["points"])}
                for shape in self.shapes
                if shape["type"] in ("rectangle", "polygon")
            ],
            "points": self.points,
            "box": self.box,
        }


def _paint(mask: bytearray, width: int, points: Sequence[float]) -> None:
    """Paint a mask as CVAT keeps it into that of a whole picture."""
    *lengths, left, top, right, _bottom = (int(value) for value in points)
    crop, position, value = right - left + 1, 0, 0
    for length in lengths:
        if value:
            for i in range(position, position + length):
                mask[(top + i // crop) * width + left + i % crop] = 1
        position, value = position + length, 1 - value
