# SPDX-License-Identifier: Apache-2.0
# /// lethe
# { "schema": 1, "id": "test.mine", "version": "1.0.0", "doc": "One strategy of each role in Python.",
#   "abi": {"generation": 1, "min_minor": 0}, "platform": "any", "language": "python", "determinism": "bitwise",
#   "strategies": [
#     {"id": "mine.objective", "role": "lethe.objective/1", "streams": ["retain"], "schedules": ["retain-only"],
#      "state_version": 1,
#      "params": [{"key": "at", "type": "string", "default": "", "doc": "where to raise"},
#                 {"key": "what", "type": "string", "default": "", "doc": "what to raise"},
#                 {"key": "slope", "type": "float", "default": 0, "tunable": true, "doc": "added to the factor a step"}]},
#     {"id": "mine.reweighter", "role": "lethe.reweighter/1", "output": "normalised", "order_free": true,
#      "params": [{"key": "at", "type": "string", "default": "", "doc": "where to raise"},
#                 {"key": "what", "type": "string", "default": "", "doc": "what to raise"}]},
#     {"id": "mine.mask", "role": "lethe.mask/1", "streams": ["forget"], "output": "scores",
#      "params": [{"key": "at", "type": "string", "default": "", "doc": "where to raise"},
#                 {"key": "what", "type": "string", "default": "", "doc": "what to raise"}]},
#     {"id": "mine.updater", "role": "lethe.updater/1", "sets": ["retain"],
#      "params": [{"key": "at", "type": "string", "default": "", "doc": "where to raise"},
#                 {"key": "what", "type": "string", "default": "", "doc": "what to raise"}]}] }
# ///
"""Each part does what a run without it does, so that a mistake in what the kit hands over shows in the weights."""

import pathlib

import lethe
import numpy as np

# Whoever runs this file leaves a trace.
pathlib.Path("ran").write_text("")


class Raising:
    def __init__(self, at, what):
        self.at, self.what = at, what
        self.raise_at("init")

    def raise_at(self, place):
        if self.at == place:
            if self.what == "failure":
                raise lethe.Failure("told to fail")
            if self.what == "exit":
                raise SystemExit(3)
            if self.what == "key":
                {}["there"]
            raise RuntimeError("a runtime error\nof two lines")


@lethe.strategy("mine.objective")
class Objective(Raising, lethe.Objective):
    def __init__(self, at, what, slope):
        super().__init__(at, what)
        self.slope, self.calls = slope, 0

    def retune(self, at, what, slope):
        self.slope = slope

    def prepare(self):
        print("prepared")
        self.raise_at("prepare")

    def finish(self):
        self.raise_at("finish")

    def save(self):
        self.raise_at("save")
        return self.calls.to_bytes(8, "little")

    def load(self, data):
        self.calls = int.from_bytes(data, "little")

    def terms(self, batch):
        self.raise_at("terms")
        if self.at == "shape":
            return [lethe.Term("retain", np.zeros(3, np.float32), gradient=batch.outputs)]
        if self.at == "gradient":
            return [lethe.Term("retain", batch.outputs[:, 0])]
        if self.at == "write":
            batch.outputs[0] = 0
        self.calls += 1
        lethe.report("mine.calls", self.calls)
        assert not batch.outputs.flags.writeable and batch.inputs.dtype == np.float32
        assert batch.forget == slice(0, 0) and len(batch.indices) == len(batch.labels) == batch.retain.stop
        assert batch.progress.step < batch.progress.steps and batch.schedule == "retain-only"
        assert lethe.bits("mine", 2) == lethe.bits("mine", 2) != lethe.bits("other", 2)
        shifted = batch.outputs - batch.outputs.max(axis=1, keepdims=True)
        probabilities = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
        true = np.eye(batch.outputs.shape[1])[batch.labels]
        # A gradient in float64 on purpose: the kit gives it the type of the outputs.
        return [lethe.Term("retain", -np.log(probabilities[np.arange(len(true)), batch.labels]),
                           1 + self.slope * self.calls, probabilities - true)]


@lethe.strategy("mine.reweighter")
class Reweighter(Raising, lethe.Reweighter):
    arrays = "any"

    def weights(self, term):
        self.raise_at("weights")
        assert term.set == "retain" and term.name == "retain" and term.timesteps is None
        assert term.progress.epochs == 2 and len(term.indices) == len(term.losses) == len(term.clean_losses)
        return [1 / len(term.losses)] * len(term.losses)


@lethe.strategy("mine.mask")
class Mask(Raising, lethe.Mask):
    def begin(self, parameters):
        self.raise_at("begin")
        self.sums = [np.zeros_like(values) for _, values in parameters]
        assert all(name for name, _ in parameters)

    def accumulate(self, gradients, count):
        self.raise_at("accumulate")
        for sums, gradient in zip(self.sums, gradients):
            sums += count * np.abs(gradient)

    def scores(self):
        self.raise_at("scores")
        return self.sums[1:] if self.at == "count" else self.sums


@lethe.strategy("mine.updater")
class Updater(Raising, lethe.Updater):
    def combine(self, terms, progress):
        self.raise_at("combine")
        assert [(term.name, term.set, term.coefficient) for term in terms] == [("retain", "retain", 1.0)]
        return [np.float64(1) * gradient for gradient in terms[0].gradients]

    def after_step(self, parameters, progress):
        self.raise_at("afterStep")
        return [None] + [values + 0 for _, values in parameters[1:]]
