# @MANIFEST@
"""Descent on what is kept, ascent on what is forgotten:

    L(theta) = mean over D_r of CE(theta; x, y)  -  ascent * mean over D_f of CE(theta; x, y)
"""

import lethe
import numpy as np


@lethe.strategy("org.example.my-method")
class MyMethod(lethe.Objective):
    arrays = "numpy"

    def __init__(self, ascent):
        # The manifest's parameter: its type, range and default are the host's work.
        self.ascent = ascent

    def retune(self, ascent):
        self.ascent = ascent

    def terms(self, batch):
        terms = []
        for name, coefficient in (("forget", -self.ascent), ("retain", 1.0)):
            rows = batch.rows(name)
            if rows.start < rows.stop:
                losses, gradient = cross_entropy(batch.outputs[rows], batch.labels[rows])
                terms.append(lethe.Term(name, losses, coefficient, gradient))
        return terms


def cross_entropy(outputs, labels):
    """-log softmax(outputs)_label of each sample, and its derivative: softmax(outputs) minus 1 at the label."""
    shifted = outputs - outputs.max(axis=1, keepdims=True)
    sums = np.exp(shifted).sum(axis=1, keepdims=True)
    samples = np.arange(len(labels))
    losses = (np.log(sums) - shifted[samples, labels][:, None])[:, 0]
    gradient = np.exp(shifted) / sums
    gradient[samples, labels] -= 1
    return losses, gradient
