#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes records of an event file with the writer and the messages of the tensorboard package.

usage: scripts/reference/tensorboard_records.py > Tests/RunsTests/Fixtures/tensorboard.json
"""

import io
import json
import sys
from importlib.metadata import version

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary
from tensorboard.summary.writer.record_writer import RecordWriter


class Sink(io.BytesIO):
    def close(self):
        pass


def record(event):
    sink = Sink()
    writer = RecordWriter(sink)
    writer.write(event.SerializeToString())
    writer.flush()
    return sink.getvalue().hex()


def scalars(step, wall_time, values):
    return Event(wall_time=wall_time, step=step,
                 summary=Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values]))


histogram = HistogramProto(min=0.5, max=2.0, num=7, bucket_limit=[1.0, 1.5, 2.0], bucket=[4, 0, 3])
json.dump({
    "made_by": "scripts/reference/tensorboard_records.py",
    "versions": {"tensorboard": version("tensorboard"), "protobuf": version("protobuf"),
                 "python": sys.version.split()[0]},
    "version": record(Event(wall_time=1700000000.25, file_version="brain.Event:2")),
    "start": record(Event(wall_time=1700000000.5, step=8, session_log=SessionLog(status=SessionLog.START))),
    "scalars": record(scalars(300, 1700000001.5, [("train/loss/forget", 2.5), ("va/ü", -0.1), ("nan", float("nan"))])),
    "histogram": record(Event(wall_time=2.0, step=4294967297, summary=Summary(
        value=[Summary.Value(tag="train/weights/retain", histo=histogram)]))),
}, sys.stdout, indent=1, ensure_ascii=False)
print()
