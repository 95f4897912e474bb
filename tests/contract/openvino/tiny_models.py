"""Two models of a few kilobytes with the inputs, outputs and file names of the real ones. Runs beside OpenVINO.

tiny_models.py FOLDER     yolo-v3-tf.xml, dextr.xml and their weights (.bin)

They know nothing but brightness: what is brighter than mid-grey is the object.
"""

from __future__ import annotations

import sys
from math import log
from pathlib import Path

import numpy as np
from openvino.runtime import Model, Node, serialize
from openvino.runtime import opset8 as ops

# YOLO v3: three grids, and for each three of nine anchors (width, height, in pixels of the 416 x 416 input).
ANCHORS = [float(n) for n in (10, 13, 16, 30, 33, 23, 30, 61, 62, 45, 59, 119, 116, 90, 156, 198, 373, 326)]
GRIDS = {13: [6, 7, 8], 26: [3, 4, 5], 52: [0, 1, 2]}
SIZE, CLASSES, CAR = 416, 80, 2


def grey(picture: Node, channels: int) -> Node:
    """Return the mean of the first three channels: 1 x 1 x H x W."""
    weights = np.zeros((1, channels, 1, 1), np.float32)
    weights[0, :3] = 1 / 3
    return ops.convolution(picture, ops.constant(weights), [1, 1], [0, 0], [0, 0], [1, 1])


def dextr() -> Model:
    """DEXTR: a picture and a heat map of the points, 1 x 4 x 512 x 512, to a probability for each pixel."""
    given = ops.parameter([1, 4, 512, 512], np.float32, name="input")
    bright = ops.subtract(grey(given, 4), ops.constant(np.float32(128)))
    return Model([ops.sigmoid(ops.multiply(bright, ops.constant(np.float32(0.1))))], [given], "dextr")


def yolo() -> Model:
    """YOLO v3: in the coarsest grid a bright cell is a car as large as the cell; the others find nothing."""
    given = ops.parameter([1, 3, SIZE, SIZE], np.float32, name="input_1")
    outputs = []
    for side, mask in GRIDS.items():
        cell = SIZE // side
        weights = np.full((1, 1, cell, cell), 1 / cell**2, np.float32)
        mean = ops.convolution(grey(given, 3), ops.constant(weights), [cell, cell], [0, 0], [0, 0], [1, 1])
        factors = np.zeros((len(mask), CLASSES + 5, 1, 1), np.float32)
        constants = np.zeros_like(factors)
        constants[:, 4:] = -20.0
        if side == 13:
            # Of the first anchor: how sure, how wide and how high it is, and what it is.
            factors[0, 4], constants[0, 4] = 0.2, -128 * 0.2
            constants[0, 2:4, 0, 0] = [log(cell / ANCHORS[2 * mask[0]]), log(cell / ANCHORS[2 * mask[0] + 1])]
            constants[0, 5 + CAR] = 20.0
        shape = (1, len(mask) * (CLASSES + 5), 1, 1)
        cells = ops.add(ops.multiply(mean, factors.reshape(shape)), constants.reshape(shape))
        outputs.append(ops.region_yolo(cells, 4, CLASSES, 9, False, mask, 1, 3, ANCHORS))
    return Model(outputs, [given], "yolo-v3-tf")


def main() -> None:
    """Write both."""
    for model in (yolo(), dextr()):
        path = Path(sys.argv[1]) / f"{model.friendly_name}.xml"
        serialize(model, str(path), str(path.with_suffix(".bin")))


if __name__ == "__main__":
    main()
