# SPDX-License-Identifier: Apache-2.0
"""What an author writes: a class of one of four roles. Arrays are those of `arrays`."""

from dataclasses import dataclass
from typing import Any, Optional

registered = {}


def strategy(identifier):
    """Marks the class of the manifest's strategy with that id."""

    def mark(kind):
        registered[identifier] = kind
        return kind

    return mark


class Strategy:
    """What all roles have. `__init__` gets the manifest's parameters by their keys: types, ranges and defaults are the
    host's work.

    Optional methods: `prepare(self)` before the first step, `finish(self)` after the last; `save(self)` -> bytes and
    `load(self, data)` for what must outlive an interruption, both or neither; `retune(self, **parameters)` for parameters
    that the manifest calls tunable."""

    #: 'numpy', 'torch' (refused where it cannot be had) or 'any' (torch where it can be had).
    arrays = "numpy"


@dataclass
class Progress:
    """Where the run stands, all counted from 0; `steps` and `epochs` are totals."""

    step: int
    steps: int
    epoch: int
    epochs: int
    step_in_epoch: int
    steps_in_epoch: int


@dataclass
class Term:
    """A term of the loss: a loss for each sample of one set, never reduced.

    The host's loss is  coefficient * sum_i weight_i * importance_i * losses_i,  weights being 1/n without a reweighter."""

    #: 'forget' or 'retain': the samples that `losses` belongs to, all those of the batch.
    set: str
    #: [n]. With torch computed from `batch.outputs`, whose gradient autograd takes.
    losses: Any
    coefficient: float = 1.0
    #: [n, C]: d losses_i / d outputs_i. For NumPy, which keeps no graph.
    gradient: Any = None
    #: [n]: the cross-entropy with the true labels, where `losses` is something else.
    clean_losses: Any = None
    #: [n], at least 0: multiplies the weights.
    importance: Any = None
    #: Unique in the step; by default the set's.
    name: Optional[str] = None


class Batch:
    """Samples that went through the model together, those to forget first."""

    def __init__(self, arrays, call, raw, outputs, progress, schedule):
        self._arrays, self._call, self._raw = arrays, call, raw
        #: [n, C]: the model's logits. With torch a leaf that autograd sees.
        self.outputs = arrays.leaf(arrays.view(call, outputs.handle))
        #: Where the run stands.
        self.progress = progress
        #: How the batch was drawn: 'paired', 'joint', ...
        self.schedule = schedule
        #: The rows of each set.
        self.forget = slice(0, raw.forget_count)
        self.retain = slice(raw.forget_count, raw.forget_count + raw.retain_count)

    @property
    def labels(self):
        """int64 [n]: the true labels."""
        return self._arrays.view(self._call, self._raw.labels)

    @property
    def indices(self):
        """int64 [n]: the position of each sample in the training data."""
        return self._arrays.view(self._call, self._raw.indices)

    @property
    def inputs(self):
        """float [n, C, H, W] in [0, 1]."""
        return self._arrays.view(self._call, self._raw.inputs)

    def rows(self, set):
        """The rows of a set, a slice that may be empty."""
        return {"forget": self.forget, "retain": self.retain}[set]


class Objective(Strategy):
    """Which losses a step has. A sample's loss may depend on its own outputs alone."""

    def terms(self, batch):
        """The terms of a `Batch`, a list of `Term`; none for a set that the batch has no samples of."""
        raise NotImplementedError("an objective needs 'terms(self, batch)'")


@dataclass
class SeenTerm:
    """A term as a reweighter sees it: numbers without a graph, [n]."""

    name: str
    set: str
    losses: Any
    #: The loss with the true labels; None where nobody knows it.
    clean_losses: Any
    importance: Any
    timesteps: Any
    indices: Any
    progress: Progress


class Reweighter(Strategy):
    """How much each sample counts."""

    def weights(self, term):
        """Weights [n] for a `SeenTerm`, or None for 1/n each. The manifest's "output" says what they promise."""
        raise NotImplementedError("a reweighter needs 'weights(self, term)'")


class Mask(Strategy):
    """Which weights may move."""

    def begin(self, parameters):
        """Starts a walk over the data; `parameters` is a list of (name, values)."""
        raise NotImplementedError("a mask needs 'begin(self, parameters)'")

    def accumulate(self, gradients, count):
        """Takes the gradients of the mean loss over a batch of `count` samples, in parameter order; None is zero."""
        raise NotImplementedError("a mask needs 'accumulate(self, gradients, count)'")

    def scores(self):
        """A score for every weight, a list of arrays of the parameters' shapes: finite, at least 0, higher is kept first."""
        raise NotImplementedError("a mask needs 'scores(self)'")


@dataclass
class StepTerm:
    """A term as an updater sees it: its gradients, with the coefficient and the mask in them."""

    name: str
    set: Optional[str]
    coefficient: float
    gradients: list


class Updater(Strategy):
    """How the terms' gradients become one direction, and what follows a step: `combine`, `after_step`, or both.

    `combine(self, terms, progress)` gives the direction, an array of the shape of each parameter. `after_step(self,
    parameters, progress)` sees (name, values) and gives new values, a list with None for what stays, or None."""
