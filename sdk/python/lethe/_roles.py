# SPDX-License-Identifier: Apache-2.0
"""What an author writes: a class of one of five roles. Arrays are those of `arrays`."""

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


class MeasuredBatch:
    """A batch that a metric is shown. What the manifest's "sees" does not list is None."""

    def __init__(self, arrays, call, raw, set):
        self._arrays, self._call, self._raw = arrays, call, raw
        #: 'forget', 'retain', 'test' or 'validation'; None for samples that the model drew.
        self.set = set
        #: n, above 0.
        self.count = raw.count

    def _view(self, name):
        return self._arrays.view(self._call, getattr(self._raw, name))

    @property
    def labels(self):
        """int64 [n]: the true labels, or the class that each sample was drawn as."""
        return self._view("labels")

    @property
    def indices(self):
        """int64 [n]: the position of each sample in the data that the set is of."""
        return self._view("indices")

    @property
    def outputs(self):
        """float32 [n, C]: a classifier's logits."""
        return self._view("outputs")

    @property
    def losses(self):
        """float32 [n]: cross-entropy, or the squared error of the predicted noise at `timesteps`."""
        return self._view("losses")

    @property
    def timesteps(self):
        """int64 [n], beside the losses of diffusion."""
        return self._view("timesteps")

    @property
    def inputs(self):
        """float [n, C, H, W]."""
        return self._view("inputs")

    @property
    def samples(self):
        """float [n, C, H, W] in [-1, 1]: images that a diffusion model drew."""
        return self._view("samples")


@dataclass
class Result:
    """A number for the report. `name` ([a-z][a-z0-9_-]*) is unique with `set`."""

    name: str
    #: Finite; what is not there is not reported.
    value: float
    #: The set it was measured on, or None for several.
    set: Optional[str] = None
    #: 'higher', 'lower', 'retrained' (as near to the retrained model's as can be) or 'neutral'.
    direction: str = "neutral"
    unit: str = ""
    #: What it depends on, 'bins=15'; None for the parameters.
    protocol: Optional[str] = None
    #: The ends of a 95 % interval.
    interval: Any = None
    #: How many samples it was measured on; 0 where that says nothing.
    samples: int = 0


class Metric(Strategy):
    """A number that a report has of every model. It changes nothing."""

    def begin(self, model, sets):
        """Starts to measure a model ('original', 'retrained', 'unlearned') of which these sets will be shown, and forgets
        what was shown before."""
        raise NotImplementedError("a metric needs 'begin(self, model, sets)'")

    def update(self, batch):
        """Is shown a `MeasuredBatch`; its arrays are gone when this returns."""
        raise NotImplementedError("a metric needs 'update(self, batch)'")

    def results(self):
        """A list of `Result`, at least one where it was shown anything."""
        raise NotImplementedError("a metric needs 'results(self)'")
