"""Exports of CVAT read back: COCO 1.0, YOLO 1.1, PASCAL VOC 1.1 and CVAT for images 1.1, as CVAT 2.80 writes them.

Sources: cvat/apps/dataset_manager/formats and datumaro's exporters (coco_instances, yolo, voc). Pictures are told apart
by their names without folders and endings, which formats change. Standard library only.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import png_reader
from ansible_collections.annotation.server.plugins.module_utils.annotation_shapes import (
    Picture,
    Runs,
    area,
    base_name,
    joined,
    runs_of_crop,
    runs_of_mask,
)

IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")
#: Pixels by which a rounded coordinate may differ.
ROUNDING = 0.05


@dataclass
class Export:
    """What an archive holds."""

    pictures: dict[str, Picture] = field(default_factory=dict)
    labels: list[str] = field(default_factory=list)
    images: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Format:
    """A format by CVAT's name for it, and what of a shape survives in it."""

    name: str
    read: Callable[[Mapping[str, bytes]], Export]
    masks: str = "each"  # each, together, or none
    polygons: bool = False


def unpack(content: bytes) -> dict[str, bytes]:
    """Return the files of an archive.

    Raises:
        ValueError: it is no ZIP file, or a damaged one.
    """
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    except (zipfile.BadZipFile, EOFError) as problem:
        raise ValueError(f"what CVAT sent is no ZIP file: {problem}") from problem


def images_in(files: Mapping[str, bytes], outside: str = "Segmentation") -> dict[str, bytes]:
    """Return the pictures themselves; those in folders that begin with ``outside`` are answers, not pictures."""
    return {
        base_name(name): content
        for name, content in files.items()
        if name.lower().endswith(IMAGES) and not any(part.startswith(outside) for part in name.split("/")[:-1])
    }


def read_coco(files: Mapping[str, bytes]) -> Export:
    """Read annotations/instances_*.json: boxes without outline, polygons, and masks as run lengths by columns."""
    found = Export(images=images_in(files))
    for name, content in files.items():
        if not name.endswith(".json") or "instances" not in name:
            continue
        data = json.loads(content)
        labels = {item["id"]: item["name"] for item in data["categories"]}
        found.labels = list(labels.values())
        pictures = {}
        for item in data["images"]:
            pictures[item["id"]] = Picture((item["width"], item["height"]))
            found.pictures[base_name(item["file_name"])] = pictures[item["id"]]
        for item in data["annotations"]:
            picture, label = pictures[item["image_id"]], labels[item["category_id"]]
            outline = item.get("segmentation")
            if isinstance(outline, dict):
                picture.masks.append((label, coco_runs(outline)))
            elif outline:
                picture.polygons += [(label, tuple(points)) for points in outline]
            else:
                x, y, width, height = item["bbox"]
                picture.boxes.append((label, (x, y, x + width, y + height)))
    return found


def coco_runs(outline: Mapping[str, Any]) -> Runs:
    """Return the runs of COCO's run lengths, which go down the columns; as numbers, or packed into text."""
    height, width = outline["size"]
    counts = outline["counts"]
    lengths = _unpacked(counts) if isinstance(counts, str) else counts
    if sum(lengths) != height * width:
        raise ValueError(f"run lengths of a mask make {sum(lengths)} pixels, the picture has {height * width}")
    # As if it were a picture on its side, then turned: a run of a column becomes pixels of rows.
    columns = runs_of_crop(lengths, 0, 0, height)
    pixels = ((row, column, column) for column, first, last in columns for row in range(first, last + 1))
    return frozenset(joined(pixels))


def _unpacked(text: str) -> list[int]:
    """Return the run lengths of COCO's packed form (source: cocoapi, maskApi.c, rleFrString)."""
    lengths: list[int] = []
    position = 0
    while position < len(text):
        value, shift, more = 0, 0, True
        while more:
            letter = ord(text[position]) - 48
            value |= (letter & 31) << shift
            position, shift, more = position + 1, shift + 5, bool(letter & 32)
            if not more and letter & 16:
                value |= -1 << shift
        lengths.append(value + (lengths[-2] if len(lengths) > 2 else 0))
    return lengths


def read_yolo(files: Mapping[str, bytes]) -> Export:
    """Read obj.names and obj_*_data/*.txt: boxes only, relative to the picture's size."""
    found = Export(images=images_in(files))
    names = next((content for name, content in files.items() if name.rpartition("/")[2] == "obj.names"), b"")
    found.labels = names.decode().splitlines()
    for name, content in files.items():
        folder, _, file = name.rpartition("/")
        if not (folder.split("/")[0].startswith("obj_") and file.endswith(".txt")):
            continue
        picture = found.pictures.setdefault(base_name(name), Picture())
        size = png_or_jpeg_size(found.images.get(base_name(name), b""))
        for line in content.decode().splitlines():
            label, *numbers = line.split()
            x, y, width, height = map(float, numbers)
            box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
            scaled = (box[0] * size[0], box[1] * size[1], box[2] * size[0], box[3] * size[1])
            picture.boxes.append((found.labels[int(label)], scaled))
    return found


def read_voc(files: Mapping[str, bytes]) -> Export:
    """Read Annotations/*.xml (boxes) and SegmentationObject/*.png (all masks of a picture in one)."""
    found = Export(images=images_in(files))
    found.pictures = {name: Picture() for name in found.images}
    for name, content in files.items():
        parts = name.split("/")
        if "Annotations" in parts and name.endswith(".xml"):
            root = ElementTree.fromstring(content)  # noqa: S314 - written by our own server
            picture = found.pictures.setdefault(base_name(name), Picture())
            width, height = root.findtext("size/width"), root.findtext("size/height")
            picture.size = (int(width), int(height)) if width and height else None
            for item in root.iter("object"):
                corners = [float(item.findtext(f"bndbox/{end}") or "nan") for end in ("xmin", "ymin", "xmax", "ymax")]
                picture.boxes.append((item.findtext("name") or "?", (corners[0], corners[1], corners[2], corners[3])))
        elif "SegmentationObject" in parts:
            picture = found.pictures.setdefault(base_name(name), Picture())
            width_of_png, _height = png_reader.size(content)
            picture.covered = runs_of_mask(png_reader.not_black(content), width_of_png)
        elif parts[-1] == "labelmap.txt":
            lines = [line for line in content.decode().splitlines() if line.strip() and not line.startswith("#")]
            found.labels = [line.split(":")[0] for line in lines if not line.startswith("background:")]
    return found


def read_cvat(files: Mapping[str, bytes]) -> Export:
    """Read annotations.xml: everything, rounded to hundredths of a pixel."""
    found = Export(images=images_in(files))
    content = next((content for name, content in files.items() if name.rpartition("/")[2] == "annotations.xml"), None)
    if content is None:
        raise ValueError("annotations.xml is missing")
    root = ElementTree.fromstring(content)  # noqa: S314 - written by our own server
    found.labels = [label.text or "" for label in root.iterfind("meta//labels/label/name")]
    for image in root.iter("image"):
        picture = Picture((int(image.attrib["width"]), int(image.attrib["height"])))
        found.pictures[base_name(image.attrib["name"])] = picture
        for shape in image:
            label, value = shape.attrib.get("label", "?"), shape.attrib
            if shape.tag == "box":
                ends = [float(value[end]) for end in ("xtl", "ytl", "xbr", "ybr")]
                picture.boxes.append((label, (ends[0], ends[1], ends[2], ends[3])))
            elif shape.tag == "polygon":
                picture.polygons.append((label, tuple(map(float, value["points"].replace(";", ",").split(",")))))
            elif shape.tag == "mask":
                lengths = [int(length) for length in value["rle"].split(",")]
                runs = runs_of_crop(lengths, int(value["left"]), int(value["top"]), int(value["width"]))
                picture.masks.append((label, runs))
    return found


FORMATS = (
    Format("COCO 1.0", read_coco, polygons=True),
    Format("YOLO 1.1", read_yolo, masks="none"),
    Format("PASCAL VOC 1.1", read_voc, masks="together"),
    Format("CVAT for images 1.1", read_cvat, polygons=True),
)


def differences(kind: Format, export: Export, saved: Mapping[str, Picture], labels: Iterable[str]) -> list[str]:
    """Return what an export has otherwise than CVAT itself, a phrase each; empty when they agree.

    Args:
        kind: the format, which says what of masks and polygons it keeps.
        export: what was read back.
        saved: what CVAT answered (:func:`annotation_shapes.of_cvat`).
        labels: the task's labels.
    """
    found = []
    if missing := sorted(set(labels) - set(export.labels)):
        found.append(f"the label {', '.join(missing)} is missing")
    if set(export.pictures) != set(saved):
        found.append(f"it is about {_names(export.pictures)} instead of {_names(saved)}")
    if lost := sorted(set(saved) - set(export.images)):
        found.append(f"the picture {', '.join(lost)} is not in it")
    for name, picture in saved.items():
        other = export.pictures.get(name)
        if other is None:
            continue
        sizes = {size for size in (other.size, png_or_jpeg_size(export.images.get(name, b""))) if size and all(size)}
        if picture.size and sizes - {picture.size}:
            found.append(f"{name} has {sizes} pixels instead of {picture.size}")
        found += [f"{name}: {text}" for text in _shape_differences(kind, other, picture)]
    return found


def _shape_differences(kind: Format, other: Picture, picture: Picture) -> list[str]:
    found = _compare("box", other.boxes, picture.boxes)
    if kind.polygons:
        found += _compare("polygon", other.polygons, picture.polygons)
    if kind.masks == "each":
        ours, theirs = (sorted((label, sorted(runs)) for label, runs in each.masks) for each in (picture, other))
        if ours != theirs:
            found.append(f"masks {_areas(other)} instead of {_areas(picture)}")
    elif kind.masks == "together" and (other.covered or frozenset()) != (picture.covered or frozenset()):
        before, after = area(picture.covered or frozenset()), area(other.covered or frozenset())
        found.append(f"its masks cover {after} pixels instead of {before}, or other ones")
    return found


def _compare(what: str, found: list[tuple[str, Any]], wanted: list[tuple[str, Any]]) -> list[str]:
    """Return a phrase for every wanted shape that has no equal, and for what is left over."""
    left = list(found)
    phrases = []
    for label, points in wanted:
        equal = next((each for each in left if each[0] == label and _close(each[1], points)), None)
        if equal is None:
            phrases.append(f"the {what} {_shown(points)} of {label} is missing")
        else:
            left.remove(equal)
    return phrases + [
        f"there is a {what} {_shown(points)} of {label} that CVAT does not have" for label, points in left
    ]


def _close(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return len(a) == len(b) and all(abs(x - y) <= ROUNDING for x, y in zip(a, b, strict=True))


def _shown(points: tuple[float, ...]) -> str:
    text = ", ".join(f"{value:.2f}".rstrip("0").rstrip(".") for value in points[:4])
    return f"({text}{', ...' if len(points) > 4 else ''})"


def _areas(picture: Picture) -> str:
    return ", ".join(f"{label} ({area(runs)} pixels)" for label, runs in picture.masks) or "none"


def _names(pictures: Iterable[str]) -> str:
    return ", ".join(sorted(pictures)) or "no picture"


def png_or_jpeg_size(content: bytes) -> tuple[int, int]:
    """Return width and height of a PNG or JPEG file; zeros where it is neither."""
    if content.startswith(png_reader.SIGNATURE):
        return png_reader.size(content)
    position = 2
    while content.startswith(b"\xff\xd8") and position + 9 < len(content):
        marker, length = content[position + 1], int.from_bytes(content[position + 2 : position + 4], "big")
        # Start of frame (ITU T.81, table B.1), but not the tables DHT, JPG and DAC between them.
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(content[position + 7 : position + 9], "big"), int.from_bytes(
                content[position + 5 : position + 7], "big"
            )
        position += 2 + length
    return 0, 0
