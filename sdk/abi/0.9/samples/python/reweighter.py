# @MANIFEST@
"""Samples with a large loss count more:

    w_i = exp(loss_i / temperature) / sum over the term's samples of exp(loss_j / temperature)
"""

import lethe
import numpy as np


@lethe.strategy("org.example.my-method")
class MyMethod(lethe.Reweighter):
    arrays = "numpy"

    def __init__(self, temperature):
        # The manifest's parameter: its type, range and default are the host's work.
        self.temperature = temperature

    def retune(self, temperature):
        self.temperature = temperature

    def weights(self, term):
        scaled = term.losses / self.temperature
        weights = np.exp(scaled - scaled.max())
        return weights / weights.sum()
