#!/usr/bin/env python3
"""Writes one small set of images as .npz and as safetensors in several layouts, with the pixels to expect.

Usage: arrays.py FOLDER   (needs numpy and safetensors; their versions go into arrays.json)
"""

import json
import pathlib
import sys

import numpy
import safetensors
from safetensors.numpy import save_file


def main(folder):
    random = numpy.random.RandomState(3)
    images = {"train": random.randint(0, 256, (5, 6, 4, 3)).astype(numpy.uint8),
              "test": random.randint(0, 256, (3, 6, 4, 3)).astype(numpy.uint8)}
    labels = {"train": numpy.array([2, 0, 1, 1, 0]), "test": numpy.array([1, 2, 0])}
    first = {part: numpy.ascontiguousarray(array.transpose(0, 3, 1, 2)) for part, array in images.items()}
    grey = {part: numpy.ascontiguousarray(array[..., 0]) for part, array in images.items()}
    numpy.savez(folder / "channels-last.npz", x_train=images["train"], y_train=labels["train"], x_test=images["test"],
                y_test=labels["test"], unrelated=numpy.array(["text"]))
    numpy.savez_compressed(
        folder / "channels-first.npz", train_images=first["train"], test_images=first["test"],
        train_labels=labels["train"].astype(numpy.uint8)[:, None], test_labels=labels["test"].astype(numpy.int16)[:, None])
    numpy.savez(folder / "grey.npz", train_x=grey["train"], train_y=labels["train"].astype(numpy.int32),
                test_x=grey["test"], test_y=labels["test"].astype(numpy.uint64))
    save_file({"x_train": images["train"], "y_train": labels["train"], "x_test": images["test"], "y_test": labels["test"],
               "unrelated": numpy.ones((2, 2), numpy.float32)}, folder / "channels-last.safetensors")
    expected = {
        "made by": "scripts/reference/arrays.py",
        "versions": {"python": sys.version.split()[0], "numpy": numpy.__version__,
                     "safetensors": safetensors.__version__},
        "colour": {part: array.flatten().tolist() for part, array in first.items()},
        "grey": {part: array.flatten().tolist() for part, array in grey.items()},
        "labels": {part: array.tolist() for part, array in labels.items()},
    }
    (folder / "arrays.json").write_text(json.dumps(expected) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
