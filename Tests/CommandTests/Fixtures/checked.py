# SPDX-License-Identifier: Apache-2.0
# /// lethe
# { "schema": 1, "id": "test.checked", "version": "1.0.0", "doc": "Keeps to every rule of the check.",
#   "abi": {"generation": 1, "min_minor": 0}, "platform": "any", "language": "python", "determinism": "bitwise",
#   "strategies": [
#     {"id": "checked.objective", "role": "lethe.objective/1", "doc": "Cross-entropy of what is kept.",
#      "streams": ["retain"], "schedules": ["retain-only"], "state_version": 1,
#      "params": [{"key": "scale", "type": "float", "default": 1, "min": 0.1, "max": 10, "doc": "factor of the losses"}]},
#     {"id": "checked.reweighter", "role": "lethe.reweighter/1", "doc": "exp(-eta * loss).", "output": "normalised",
#      "order_free": true,
#      "params": [{"key": "eta", "type": "float", "default": 0.5, "min": 0, "max": 10, "tunable": true, "doc": "strength"}]},
#     {"id": "checked.mask", "role": "lethe.mask/1", "doc": "Sums of absolute gradients.", "streams": ["forget"],
#      "output": "scores", "params": []},
#     {"id": "checked.updater", "role": "lethe.updater/1", "doc": "The sum of all gradients.",
#      "sets": ["forget", "retain"], "params": []}] }
# ///
"""A plugin in Python that a test breaks in one place at a time."""

import lethe
import numpy as np


@lethe.strategy("checked.objective")
class Objective(lethe.Objective):
    def __init__(self, scale):
        self.scale, self.calls = scale, 0

    def save(self):
        return self.calls.to_bytes(8, "little")

    def load(self, data):
        if len(data) != 8:
            raise lethe.Failure("the state has another length")
        self.calls = int.from_bytes(data, "little")

    def terms(self, batch):
        self.calls += 1
        rows = batch.rows("retain")
        if rows.start == rows.stop:
            raise lethe.Failure("there is nothing to retain")
        outputs, labels = batch.outputs[rows], batch.labels[rows]
        shifted = outputs - outputs.max(axis=1, keepdims=True)
        sums = np.exp(shifted).sum(axis=1, keepdims=True)
        samples = np.arange(len(labels))
        gradient = np.exp(shifted) / sums
        gradient[samples, labels] -= 1
        losses = (np.log(sums) - shifted[samples, labels][:, None])[:, 0]
        return [lethe.Term("retain", losses, self.scale, gradient)]


@lethe.strategy("checked.reweighter")
class Reweighter(lethe.Reweighter):
    def __init__(self, eta):
        self.eta = eta

    def retune(self, eta):
        self.eta = eta

    def weights(self, term):
        scaled = -self.eta * term.losses
        weights = np.exp(scaled - scaled.max())
        return weights / weights.sum()


@lethe.strategy("checked.mask")
class Mask(lethe.Mask):
    def begin(self, parameters):
        self.sums = [np.zeros_like(values) for _, values in parameters]

    def accumulate(self, gradients, count):
        for sums, gradient in zip(self.sums, gradients):
            sums += count * np.abs(gradient)

    def scores(self):
        return self.sums


@lethe.strategy("checked.updater")
class Updater(lethe.Updater):
    def combine(self, terms, progress):
        return [sum(parts) for parts in zip(*(term.gradients for term in terms))]
