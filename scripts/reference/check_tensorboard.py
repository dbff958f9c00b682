#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads the event files of a run's folder with TensorBoard's own reader and holds them to events.jsonl.

usage: scripts/reference/check_tensorboard.py RUN
exit status: 0 all holds, 1 something does not
"""

import json
import math
import struct
import sys
from importlib.metadata import version
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

run = Path(sys.argv[1])
scalars, histograms = {}, {}
step = 0


def single(value):
    return struct.unpack("f", struct.pack("f", float(value)))[0]


def add(values, tag, at, value):
    """What came later takes the place of what was said of the same step and of later ones."""
    kept = [point for point in values.get(tag, []) if point[0] < at]
    values[tag] = kept + [(at, value)]


for line in (run / "events.jsonl").read_text().splitlines():
    event = json.loads(line)
    kind = event["type"]
    if kind == "run-started":
        step = event.get("resumed_at") or 0
        for values in (scalars, histograms):
            for tag in values:
                values[tag] = [point for point in values[tag] if point[0] <= step]
    elif kind == "step-losses":
        step = event["step"]
        add(scalars, "train/learning_rate", step, event["learning_rate"])
        for term in event["terms"]:
            add(scalars, f"train/loss/{term['name']}", step, term["mean"])
            if term.get("weight_counts"):
                add(histograms, f"train/weights/{term['name']}", step, (term["weights"], term["weight_counts"]))
    elif kind == "mask-density":
        step = event["step"]
        kept, total = (sum(part[key] for part in event["parameters"]) for key in ("kept", "total"))
        add(scalars, "mask/share", step, kept / total)
    elif kind == "evaluated":
        model = event["model"]
        if model.startswith("step "):
            step = int(model.split()[1])
        for metric in event["metrics"]:
            name = metric["id"].split("@")[0]
            if metric.get("set"):
                name = name.removesuffix("-" + metric["set"]) + "/" + metric["set"]
            add(scalars, name + (f"/{model}" if model in ("original", "retrained") else ""), step, metric["value"])

accumulator = EventAccumulator(str(run), size_guidance={"scalars": 0, "histograms": 0})
accumulator.Reload()
faults = []


def near(one, other):
    return math.isnan(one) and math.isnan(other) or one == other


scalars = {tag: points for tag, points in scalars.items() if points}
histograms = {tag: points for tag, points in histograms.items() if points}
if sorted(accumulator.Tags()["scalars"]) != sorted(scalars):
    faults.append(f"scalars are {sorted(accumulator.Tags()['scalars'])}, should be {sorted(scalars)}")
if sorted(accumulator.Tags()["histograms"]) != sorted(histograms):
    faults.append(f"histograms are {sorted(accumulator.Tags()['histograms'])}, should be {sorted(histograms)}")
for tag in set(scalars) & set(accumulator.Tags()["scalars"]):
    read = [(point.step, point.value) for point in accumulator.Scalars(tag)]
    wanted = [(at, single(value)) for at, value in scalars[tag]]
    if len(read) != len(wanted) or not all(a[0] == b[0] and near(a[1], b[1]) for a, b in zip(read, wanted)):
        faults.append(f"'{tag}' is {read}, should be {wanted}")
for tag in set(histograms) & set(accumulator.Tags()["histograms"]):
    for read, (at, (span, counts)) in zip(accumulator.Histograms(tag), histograms[tag]):
        value = read.histogram_value
        edges = [span[0] + (span[1] - span[0]) * place / len(counts) for place in range(1, len(counts))] + [span[1]]
        if (read.step, value.min, value.max, value.num) != (at, *span, sum(counts)) \
                or list(value.bucket) != counts or list(value.bucket_limit) != edges:
            faults.append(f"'{tag}' at step {at} is {value}, should be {span} with {counts}")
    if len(accumulator.Histograms(tag)) != len(histograms[tag]):
        faults.append(f"'{tag}' has {len(accumulator.Histograms(tag))} steps, should have {len(histograms[tag])}")
for fault in faults:
    print(f"error: {fault}")
files = len(list(run.glob("events.out.tfevents.*")))
points = sum(map(len, scalars.values()))
print(f"{len(scalars)} scalars with {points} points and {len(histograms)} histograms in {files} files hold, "
      f"tensorboard {version('tensorboard')}")
sys.exit(1 if faults else 0)
