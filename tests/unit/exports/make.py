"""Makes the archives beside it with datumaro's own exporters, which CVAT's exports go through.

Not part of the tests' environment: ``pip install datumaro==1.11.0``, then run it in this folder.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
from datumaro.components.annotation import Bbox, Mask, Polygon
from datumaro.components.dataset import Dataset
from datumaro.components.dataset_base import DatasetItem
from datumaro.components.media import Image

# Names, labels and shapes are those of test_dataset_exports.py.
picture = Image.from_numpy(np.full((48, 64, 3), 90, np.uint8), ext=".png")
ring = np.zeros((48, 64), np.uint8)
ring[5:20, 8:30] = 1
ring[8:12, 10:20] = 0
bar = np.zeros((48, 64), np.uint8)
bar[25:40, 3:9] = 1
shapes = [
    [
        Bbox(3.25, 4.5, 16.873, 26.375, label=1, attributes={"occluded": False}),
        Mask(ring, label=0),
        Mask(bar, label=1),
        Polygon([1, 2, 30.5, 4.25, 11, 40], label=1),
    ],
    [Bbox(0, 0, 64, 48, label=0)],
]
items = [
    DatasetItem(id=f"set/{name}", subset="default", media=picture, annotations=found)
    for name, found in zip(("one", "two"), shapes, strict=True)
]
dataset = Dataset.from_iterable(items, categories=["sam2", "yolo"])
# As cvat/apps/dataset_manager/formats calls them.
options: dict[str, dict] = {"coco_instances": {"merge_images": False}, "yolo": {}, "voc": {"label_map": "source"}}
for kind, more in options.items():
    with TemporaryDirectory() as folder, ZipFile(f"{kind}.zip", "w", ZIP_DEFLATED) as archive:
        dataset.export(folder, kind, save_media=True, **more)
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
