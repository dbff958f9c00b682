#!/usr/bin/env python3
"""Writes small image folders as a tar.xz and a zip, with the pixels that Pillow reads in them.

Usage: images.py FOLDER   (needs Pillow and numpy; their versions go into images.json)
"""

import io
import json
import pathlib
import sys
import tarfile
import zipfile

import numpy
import PIL
from PIL import Image


def picture(random, mode):
    shape = (16, 12) if mode == "L" else (16, 12, 3)
    # Smooth, as photographs are: noise would hide what chroma subsampling does.
    coarse = Image.fromarray(random.randint(0, 256, (4, 3) + shape[2:]).astype(numpy.uint8), mode)
    return coarse.resize((12, 16), Image.BICUBIC)


def packed(image, suffix):
    out = io.BytesIO()
    image.save(out, {"jpg": "JPEG", "jpeg": "JPEG", "png": "PNG"}[suffix])
    return out.getvalue()


def main(folder):
    random = numpy.random.RandomState(1)
    expected = {}
    for mode in ["L", "RGB"]:
        files = {}
        for part, count in [("train", 3), ("test", 2)]:
            for name in ["cat", "Dog"]:
                for number in range(count):
                    suffix = ["jpg", "png", "jpeg"][number]
                    files[f"{part}/{name}/{number}.{suffix}"] = packed(picture(random, mode), suffix)
        kind = "grey" if mode == "L" else "rgb"
        if mode == "L":
            with zipfile.ZipFile(folder / f"{kind}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
                for path, data in sorted(files.items(), reverse=True):
                    archive.writestr(zipfile.ZipInfo(f"top/{path}"), data)
        else:
            with tarfile.open(folder / f"{kind}.tar.xz", "w:xz", format=tarfile.PAX_FORMAT) as archive:
                for path, data in sorted(files.items(), reverse=True):
                    member = tarfile.TarInfo(f"./{path}")
                    member.size = len(data)
                    archive.addfile(member, io.BytesIO(data))
        expected[kind] = {}
        for path, data in files.items():
            pixels = numpy.asarray(Image.open(io.BytesIO(data)))
            pixels = pixels[None] if mode == "L" else pixels.transpose(2, 0, 1)
            expected[kind][path] = pixels.flatten().tolist()
    versions = {"python": sys.version.split()[0], "numpy": numpy.__version__, "pillow": PIL.__version__}
    with open(folder / "images.json", "w", encoding="utf-8") as out:
        json.dump({"made by": "scripts/reference/images.py", "versions": versions, "pixels": expected}, out)
        out.write("\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
