# @MANIFEST@
"""Forgetting does not work against keeping. With the gradients f and r of the forget and of the retain term:

    direction = f + r - min(0, <f, r>) / max(<r, r>, floor) * r
"""

import lethe
import numpy as np


@lethe.strategy("org.example.my-method")
class MyMethod(lethe.Updater):
    arrays = "numpy"

    def __init__(self, floor):
        # The manifest's parameter: its type, range and default are the host's work.
        self.floor = floor

    def combine(self, terms, progress):
        gradients = {term.set: term.gradients for term in terms}
        if len(terms) != 2 or set(gradients) != {"forget", "retain"}:
            raise lethe.Failure("my-method joins a forget and a retain term, no others")
        f, r = gradients["forget"], gradients["retain"]
        share = min(0.0, dot(f, r)) / max(dot(r, r), self.floor)
        return [a + (1 - share) * b for a, b in zip(f, r)]


def dot(a, b):
    """sum over all parameters of <a_i, b_i>."""
    return sum(float(np.vdot(x, y)) for x, y in zip(a, b))
