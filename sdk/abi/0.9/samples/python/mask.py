# @MANIFEST@
"""Only the weights that the forget set pulls at may move:

    score_k = sum over batches b of D_f of  n_b * | d/d theta_k  mean over b of CE |
"""

import lethe
import numpy as np


@lethe.strategy("org.example.my-method")
class MyMethod(lethe.Mask):
    arrays = "numpy"

    def begin(self, parameters):
        self.sums = [np.zeros_like(values) for _, values in parameters]

    def accumulate(self, gradients, count):
        for sums, gradient in zip(self.sums, gradients):
            if gradient is not None:
                sums += count * np.abs(gradient)

    def scores(self):
        return self.sums
