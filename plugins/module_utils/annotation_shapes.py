"""Shapes as CVAT keeps them, in a form that can be compared with what an export holds.

A mask in CVAT is a list of run lengths of its box, row by row, beginning with zeros, then left, top, right, bottom
(inclusive). Here it is the set of runs in the picture: ``(row, first column, last column)``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

Box = tuple[float, float, float, float]
Runs = frozenset[tuple[int, int, int]]


@dataclass
class Picture:
    """What is drawn on one picture: label and geometry of each shape."""

    size: tuple[int, int] | None = None  # width, height; None where the format does not say
    boxes: list[tuple[str, Box]] = field(default_factory=list)
    masks: list[tuple[str, Runs]] = field(default_factory=list)
    polygons: list[tuple[str, tuple[float, ...]]] = field(default_factory=list)
    #: All masks as one, where the format does not keep them apart.
    covered: Runs | None = None


def cvat_mask(mask: bytearray, width: int) -> list[int]:
    """Return a mask of a whole picture (0 and 1, row by row) as CVAT keeps it.

    Raises:
        ValueError: the mask is empty.
    """
    columns = [column for column in range(width) if any(mask[column::width])]
    rows = [row for row in range(len(mask) // width) if any(mask[row * width : (row + 1) * width])]
    if not rows:
        raise ValueError("an empty mask cannot be kept")
    left, top, right, bottom = columns[0], rows[0], columns[-1], rows[-1]
    crop = [value for row in range(top, bottom + 1) for value in mask[row * width + left : row * width + right + 1]]
    runs = [(value, len(list(group))) for value, group in groupby(crop)]
    return [*([0] if runs[0][0] else []), *(length for _value, length in runs), left, top, right, bottom]


def runs_of_crop(lengths: Iterable[int], left: int, top: int, width: int) -> Runs:
    """Return the runs of a mask that is given by run lengths of a box, beginning with zeros.

    Args:
        lengths: run lengths, row by row over the box.
        left: the box's first column.
        top: the box's first row.
        width: the box's width in pixels.
    """
    found: list[tuple[int, int, int]] = []
    position, value = 0, 0
    for length in lengths:
        if value and length:
            end = position + length
            while position < end:  # cut at the ends of rows
                row, column = divmod(position, width)
                last = min(column + end - position, width) - 1
                found.append((top + row, left + column, left + last))
                position += last - column + 1
        else:
            position += length
        value = 1 - value
    return frozenset(joined(found))


def joined(runs: Iterable[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Return runs of pixels, in order, with those that touch or overlap put together."""
    result: list[tuple[int, int, int]] = []
    for row, first, last in sorted(runs):
        if result and result[-1][0] == row and first <= result[-1][2] + 1:
            result[-1] = (row, result[-1][1], max(last, result[-1][2]))
        else:
            result.append((row, first, last))
    return result


def runs_of_mask(mask: Sequence[int], width: int) -> Runs:
    """Return the runs of a whole picture's mask, 0 and 1 row by row."""
    found = []
    for row in range(len(mask) // width):
        column = 0
        for value, group in groupby(mask[row * width : (row + 1) * width]):
            length = len(list(group))
            if value:
                found.append((row, column, column + length - 1))
            column += length
    return frozenset(found)


def area(runs: Runs) -> int:
    """Return how many pixels runs cover."""
    return sum(last - first + 1 for _row, first, last in runs)


def union(masks: Iterable[Runs]) -> Runs:
    """Return what masks cover together."""
    return frozenset(joined(run for mask in masks for run in mask))


def of_cvat(
    annotations: Mapping[str, Any], frames: Sequence[Mapping[str, Any]], labels: Mapping[int, str]
) -> dict[str, Picture]:
    """Return what CVAT has saved, by the picture's name without folders.

    Args:
        annotations: answer of ``GET /api/tasks/{id}/annotations``.
        frames: name, width and height of every frame.
        labels: label id -> name.
    """
    found = {base_name(frame["name"]): Picture((frame["width"], frame["height"])) for frame in frames}
    for shape in annotations.get("shapes") or []:
        picture = found[base_name(frames[shape["frame"]]["name"])]
        label, points = labels.get(shape["label_id"], "?"), shape["points"]
        if shape["type"] == "rectangle":
            picture.boxes.append((label, (points[0], points[1], points[2], points[3])))
        elif shape["type"] == "mask":
            *lengths, left, top, right, _bottom = (int(value) for value in points)
            picture.masks.append((label, runs_of_crop(lengths, left, top, right - left + 1)))
        elif shape["type"] == "polygon":
            picture.polygons.append((label, tuple(points)))
    for picture in found.values():
        picture.covered = union(runs for _label, runs in picture.masks)
    return found


def base_name(path: str) -> str:
    """Return a picture's name without folders and without ending: formats change both."""
    name = path.replace("\\", "/").rpartition("/")[2]
    return name.rpartition(".")[0] or name
