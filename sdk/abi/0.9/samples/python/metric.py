# @MANIFEST@
"""How sure a model is of the true class, set by set:

    confidence(D) = mean over D of  exp(-CE(theta; x, y))
"""

import lethe
import numpy as np


@lethe.strategy("org.example.my-method")
class MyMethod(lethe.Metric):
    arrays = "numpy"

    def begin(self, model, sets):
        self.sums = {name: 0.0 for name in sets}
        self.counts = {name: 0 for name in sets}

    def update(self, batch):
        self.sums[batch.set] += float(np.exp(-batch.losses.astype(np.float64)).sum())
        self.counts[batch.set] += batch.count

    def results(self):
        return [
            lethe.Result("confidence", self.sums[name] / count, set=name, direction="retrained", samples=count)
            for name, count in self.counts.items() if count > 0
        ]
