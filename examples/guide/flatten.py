# /// lethe
# {
#   "schema": 1, "id": "org.example.flatten", "version": "0.1.0", "license": "Apache-2.0",
#   "doc": "What is forgotten looks like nothing that the model knows",
#   "abi": {"generation": 1, "min_minor": 0}, "requires": ["lethe.ops/1", "lethe.task/1"],
#   "platform": "any", "language": "python", "determinism": "bitwise",
#   "strategies": [{
#     "id": "org.example.flatten", "role": "lethe.objective/1", "tasks": ["classification"],
#     "doc": "cross-entropy of the retain set, and of the forget set with a target that has every class alike",
#     "streams": ["forget", "retain"], "schedules": ["paired", "joint"],
#     "params": [
#       {"key": "strength", "type": "float", "default": 0.5, "min": 0, "max": 100, "tunable": true,
#        "doc": "how much the forget set counts against the retain set"}
#     ]
#   }]
# }
# ///
"""What is forgotten should look like nothing that the model knows: every class as likely as any other.

    L(theta) = mean over D_r of CE(theta; x, y)  -  strength/C * mean over D_f of  sum_c log p_c(x)
"""

import lethe
import numpy as np


@lethe.strategy("org.example.flatten")
class Flatten(lethe.Objective):
    arrays = "numpy"

    def __init__(self, strength):
        # The manifest's parameter: its type, range and default are the host's work.
        self.strength = strength

    def retune(self, strength):
        self.strength = strength

    def terms(self, batch):
        logarithms = log_softmax(batch.outputs)
        losses = -logarithms[np.arange(len(batch.labels)), batch.labels]
        # d losses / d outputs: what the probabilities are, minus what they should be.
        flat = np.exp(logarithms) - 1 / logarithms.shape[1]
        true = np.exp(logarithms)
        true[np.arange(len(batch.labels)), batch.labels] -= 1
        terms = []
        for name, coefficient, values, gradient in (
                ("forget", self.strength, -logarithms.mean(axis=1), flat), ("retain", 1.0, losses, true)):
            rows = batch.rows(name)
            if rows.start < rows.stop:
                # Reweighters ask how well a sample is known: that is its loss with the true label.
                terms.append(lethe.Term(name, values[rows], coefficient, gradient[rows], clean_losses=losses[rows]))
        return terms


def log_softmax(outputs):
    shifted = outputs - outputs.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
