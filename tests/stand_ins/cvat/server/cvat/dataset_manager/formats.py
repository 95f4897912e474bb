"""The formats. Each takes a dataset and gives files by name, laid out as CVAT's exporters (and datumaro's) do it."""

import json
from collections.abc import Callable
from io import BytesIO
from itertools import groupby
from xml.etree import ElementTree

from PIL import Image

from .dataset import Dataset, Item, bitmap

Files = dict[str, bytes]


def coco(data: Dataset) -> Files:
    """COCO 1.0: boxes have no outline, masks are run lengths down the columns."""
    annotations: list[dict] = []
    for item in data.items:
        for shape in item.shapes:
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": item.number + 1,
                    "category_id": shape["label"] + 1,
                    "attributes": {"occluded": shape["occluded"]},
                    **_outline(shape, item),
                }
            )
    document = {
        "licenses": [{"name": "", "id": 0, "url": ""}],
        "info": {"contributor": "", "date_created": "", "description": "", "url": "", "version": "", "year": ""},
        "categories": [{"id": i + 1, "name": name, "supercategory": ""} for i, name in enumerate(data.labels)],
        "images": [
            {"id": item.number + 1, "width": item.width, "height": item.height, "file_name": item.name, "license": 0}
            for item in data.items
        ],
        "annotations": annotations,
    }
    return {"annotations/instances_default.json": json.dumps(document).encode(), **_images(data, "images/default")}


def _outline(shape: dict, item: Item) -> dict:
    points = shape["points"]
    if shape["type"] == "mask":
        rows = bitmap(shape, item.width, item.height)
        bits = [row[column] for column in range(item.width) for row in rows]
        runs = [(bit, len(list(group))) for bit, group in groupby(bits)]
        counts = ([0] if runs[0][0] else []) + [length for _, length in runs]
        left, top, right, bottom = points[-4:]
        box = [left, top, right - left + 1, bottom - top + 1]
        return {
            "segmentation": {"counts": counts, "size": [item.height, item.width]},
            "area": float(sum(bits)),
            "bbox": box,
            "iscrowd": 1,
        }
    xs, ys = points[0::2], points[1::2]
    box = [round(value, 2) for value in (min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))]
    outline = [points] if shape["type"] == "polygon" else []
    return {"segmentation": outline, "area": box[2] * box[3], "bbox": box, "iscrowd": 0}


def yolo(data: Dataset) -> Files:
    """YOLO 1.1: boxes only, their middle and size relative to the picture's."""
    files: Files = {
        "obj.names": "".join(f"{name}\n" for name in data.labels).encode(),
        "obj.data": f"classes = {len(data.labels)}\ntrain = data/train.txt\nnames = data/obj.names\n".encode()
        + b"backup = backup/\n",
        "train.txt": "".join(f"data/obj_train_data/{item.name}\n" for item in data.items).encode(),
    }
    for item in data.items:
        lines = []
        for shape in item.of_type("rectangle"):
            x1, y1, x2, y2 = shape["points"]
            middle = ((x1 + x2) / 2 / item.width, (y1 + y2) / 2 / item.height)
            size = ((x2 - x1) / item.width, (y2 - y1) / item.height)
            lines.append(" ".join([str(shape["label"]), *(f"{value:.6f}" for value in (*middle, *size))]) + "\n")
        files[f"obj_train_data/{item.stem}.txt"] = "".join(lines).encode()
    return {**files, **_images(data, "obj_train_data")}


def voc(data: Dataset) -> Files:
    """PASCAL VOC 1.1: boxes as XML, where there are any; all masks of a picture in one PNG, each in its own colour."""
    files: Files = {
        "labelmap.txt": "".join(
            ["# label:color_rgb:parts:actions\n", "background:0,0,0::\n"]
            + [f"{name}:{','.join(map(str, _colour(i + 1)))}::\n" for i, name in enumerate(data.labels)]
        ).encode(),
        "ImageSets/Main/default.txt": "".join(f"{item.stem}\n" for item in data.items).encode(),
    }
    for item in data.items:
        if boxes := item.of_type("rectangle"):
            files[f"Annotations/{item.stem}.xml"] = _voc_xml(data, item, boxes)
        if masks := item.of_type("mask"):
            for folder in ("SegmentationClass", "SegmentationObject"):
                picture = Image.new("RGB", (item.width, item.height))
                pixels = picture.load()
                for number, shape in enumerate(masks):
                    colour = _colour(shape["label"] + 1 if folder == "SegmentationClass" else number + 1)
                    for y, row in enumerate(bitmap(shape, item.width, item.height)):
                        for x, bit in enumerate(row):
                            if bit:
                                pixels[x, y] = colour
                out = BytesIO()
                picture.save(out, "PNG")
                files[f"{folder}/{item.stem}.png"] = out.getvalue()
    return {**files, **_images(data, "JPEGImages")}


def _voc_xml(data: Dataset, item: Item, boxes: list[dict]) -> bytes:
    root = ElementTree.Element("annotation")
    ElementTree.SubElement(root, "folder")
    ElementTree.SubElement(root, "filename").text = item.name
    size = ElementTree.SubElement(root, "size")
    for name, value in (("width", item.width), ("height", item.height), ("depth", "")):
        ElementTree.SubElement(size, name).text = str(value)
    ElementTree.SubElement(root, "segmented").text = str(int(bool(item.of_type("mask"))))
    for shape in boxes:
        entry = ElementTree.SubElement(root, "object")
        ElementTree.SubElement(entry, "name").text = data.labels[shape["label"]]
        ElementTree.SubElement(entry, "occluded").text = str(int(shape["occluded"]))
        box = ElementTree.SubElement(entry, "bndbox")
        for name, value in zip(("xmin", "ymin", "xmax", "ymax"), shape["points"], strict=True):
            ElementTree.SubElement(box, name).text = str(value)
    return ElementTree.tostring(root)


def _colour(index: int) -> tuple[int, int, int]:
    """The colour of a number in VOC's own order: its bits, spread over the three channels."""
    channels = [0, 0, 0]
    for bit in range(8):
        for channel in range(3):
            channels[channel] |= (index >> channel & 1) << (7 - bit)
        index >>= 3
    return channels[0], channels[1], channels[2]


def cvat(data: Dataset) -> Files:
    """CVAT for images 1.1: everything, coordinates to two digits."""
    root = ElementTree.Element("annotations")
    ElementTree.SubElement(root, "version").text = "1.1"
    task = ElementTree.SubElement(ElementTree.SubElement(root, "meta"), "task")
    for name, value in (("id", data.task_id), ("name", data.name), ("size", len(data.items))):
        ElementTree.SubElement(task, name).text = str(value)
    labels = ElementTree.SubElement(task, "labels")
    for name in data.labels:
        ElementTree.SubElement(ElementTree.SubElement(labels, "label"), "name").text = name
    for item in data.items:
        about = {"id": item.number, "name": item.name, "width": item.width, "height": item.height}
        image = ElementTree.SubElement(root, "image", {key: str(value) for key, value in about.items()})
        for shape in item.shapes:
            common = {
                "label": data.labels[shape["label"]],
                "source": shape["source"],
                "occluded": str(int(shape["occluded"])),
            }
            tag, values = _cvat_shape(shape)
            ElementTree.SubElement(image, tag, {**common, **values, "z_order": str(shape["z_order"])})
    return {"annotations.xml": ElementTree.tostring(root), **_images(data, "images")}


def _cvat_shape(shape: dict) -> tuple[str, dict[str, str]]:
    points = shape["points"]
    if shape["type"] == "rectangle":
        ends = zip(("xtl", "ytl", "xbr", "ybr"), points, strict=True)
        return "box", {name: f"{value:.2f}" for name, value in ends}
    if shape["type"] == "mask":
        *runs, left, top, right, bottom = (int(value) for value in points)
        place = {"left": left, "top": top, "width": right - left + 1, "height": bottom - top + 1}
        return "mask", {"rle": ", ".join(map(str, runs)), **{name: str(value) for name, value in place.items()}}
    pairs = zip(points[0::2], points[1::2], strict=True)
    return shape["type"], {"points": ";".join(f"{x:.2f},{y:.2f}" for x, y in pairs)}


def _images(data: Dataset, folder: str) -> Files:
    return {f"{folder}/{item.name}": item.content for item in data.items if item.content}


FORMATS: dict[str, Callable[[Dataset], Files]] = {
    "COCO 1.0": coco,
    "YOLO 1.1": yolo,
    "PASCAL VOC 1.1": voc,
    "CVAT for images 1.1": cvat,
}
