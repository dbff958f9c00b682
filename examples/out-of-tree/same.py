#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the weights that one method gave in several languages.

usage: same.py FOLDER [LIMIT]       FOLDER has ROLE-LANGUAGE.safetensors

The languages call the same operators; what differs is the order of some roundings in float32, which the steps of a run
make larger. exit status: 0 all within LIMIT (1e-3) of each other, 1 otherwise.
"""

import json
import sys
from pathlib import Path

import numpy

LIMIT = float(sys.argv[2]) if len(sys.argv) > 2 else 1e-3
TYPES = {"F32": numpy.float32, "F64": numpy.float64, "I64": numpy.int64}


def read(path):
    """The tensors of a file, by name."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + length])
    return {name: numpy.frombuffer(data[8 + length + about["data_offsets"][0]:8 + length + about["data_offsets"][1]],
                                   TYPES[about["dtype"]])
            for name, about in header.items() if name != "__metadata__"}


failed = False
files = sorted(Path(sys.argv[1]).glob("*.safetensors"))
for role in sorted({file.stem.split("-")[0] for file in files}):
    mine = [file for file in files if file.stem.split("-")[0] == role]
    first = read(mine[0])
    for file in mine[1:]:
        other = read(file)
        if first.keys() != other.keys():
            print(f"error: {mine[0].stem} and {file.stem} have other tensors", file=sys.stderr)
            failed = True
            continue
        apart = max(float(numpy.abs(first[name].astype(float) - other[name].astype(float)).max()) for name in first)
        print(f"{mine[0].stem} and {file.stem}: largest difference of a weight {apart:.1e}")
        if not apart <= LIMIT:
            print(f"error: more than {LIMIT}", file=sys.stderr)
            failed = True
sys.exit(failed)
