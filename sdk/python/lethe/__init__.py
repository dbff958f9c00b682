# SPDX-License-Identifier: Apache-2.0
"""The Python kit: a method is a class in one file, whose manifest stands in the comments at the top of it.

    # /// lethe
    # {"schema": 1, "id": "org.example.mine", ...}
    # ///
    import lethe

    @lethe.strategy("org.example.mine")
    class Mine(lethe.Reweighter):
        def __init__(self, temperature): ...      # the manifest's parameters, by their keys
        def weights(self, term): ...

Lethe runs the file in its own process, by the Python that LETHE_PYTHON names or `python3`. Tensors arrive as arrays of
NumPy, or of torch where that Python has the very torch whose libraries Lethe uses: the class says which (`arrays`). What
is lent is never written to. One file is one plugin: its hash is what a run records, so that it imports installed packages
only, never files beside it.
"""

from ._host import Cancelled, Failure
from ._roles import (Batch, Mask, MeasuredBatch, Metric, Objective, Progress, Result, Reweighter, SeenTerm, StepTerm,
                     Strategy, Term, Updater, strategy)
from ._running import bits, log, report

__all__ = ["Batch", "Cancelled", "Failure", "Mask", "MeasuredBatch", "Metric", "Objective", "Progress", "Result",
           "Reweighter", "SeenTerm", "StepTerm", "Strategy", "Term", "Updater", "bits", "log", "report", "strategy"]
