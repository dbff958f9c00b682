#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes what the baselines of SalUn's tables do to the tiny ResNet-18 of unlearning.py, in plain PyTorch.

Usage: baselines.py FOLDER   (needs torch 2.11.0, numpy and safetensors; their versions go into the fixtures)

    l1-sparse-{fp64,fp32}.safetensors           fine-tuning under an l1 penalty that fades over the epochs
    boundary-shrink-{fp64,fp32}.safetensors     each forget sample gets the class next to it
    boundary-expand-{fp64,fp32}.safetensors     all forget samples get a class of their own
    proximal-{fp64,fp32}.safetensors            random labels with a proximal step towards the original weights (SalUn-soft)
    proximal-reference-{fp64,fp32}.safetensors  the same towards the weights of the epoch's start (D11)
    influence.safetensors                       the exact answer to the influence equation, twice, and the script's recursion

A trajectory has `first` and `last`, for the first and the last step: `indices` (positions in dataset order), `labels` (as
taught), `losses` [n], and `parameters` and `statistics` (running means and variances) as the step leaves them, each one
flat tensor in the order of the model; boundary-expand has `final.parameters` besides, without the new class.
`influence` has by how much every weight moves: `inverse` (a linear system solved directly), `woodfisher` (the whole recursion
over ranks) and `reference` (the published script's), in fp64. Settings and the recipe's pipeline are in the metadata.

Images, labels, order and the original classifier are those of unlearning.py, whose fixtures must lie in FOLDER already.
"""

import json
import pathlib
import sys

import numpy
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional as F

import lethe_random
import unlearning
from unlearning import BATCH, CLASSES, DECAY, INSTANCE, LEARNING_RATE, MOMENTUM, SEED, ResNet18, flat, statistics

ALPHA, WITHOUT = 0.003, 1
BOUND = 0.1
RATIO = 0.5
STEP, DAMPING, SAMPLES, SCRIPT_SAMPLES = 2.5, 0.1, 20, 10


def forget_epoch(data, epoch):
    return lethe_random.sequential_epoch(SEED, epoch, data.forget, [], BATCH)


def retain_epoch(data, epoch):
    return lethe_random.sequential_epoch(SEED, epoch, [], data.retain, BATCH)


def both_epoch(data, epoch):
    return lethe_random.sequential_epoch(SEED, epoch, data.forget, data.retain, BATCH)


class Method:
    """Fine-tuning with the true labels; a baseline changes what it must."""

    def __init__(self, state, data, dtype, epochs):
        self.data, self.dtype, self.epochs = data, dtype, epochs
        self.model = ResNet18()
        self.model.load_state_dict(state)
        self.original = ResNet18()
        self.original.load_state_dict(state)
        self.original.eval()

    def images(self, batch):
        return self.data.images[batch].to(self.dtype)

    def labels(self, name, batch, number):
        return self.data.labels[batch]

    def penalty(self, epoch):
        return 0.0

    def after_step(self, epoch, number, length, count):
        """Called with the epoch, the step, the steps of an epoch and of the run."""

    def finish(self):
        """Called when all steps are taken."""


class L1Sparse(Method):
    order = staticmethod(retain_epoch)

    def penalty(self, epoch):
        rest = self.epochs - WITHOUT
        if epoch >= rest:
            return 0.0
        return ALPHA * (1 - epoch / rest) * sum(parameter.abs().sum() for parameter in self.model.parameters())


class BoundaryShrink(Method):
    order = staticmethod(forget_epoch)

    def labels(self, name, batch, number):
        """The original's classes after one step of an attack on it."""
        images = self.images(batch).requires_grad_()
        loss = F.cross_entropy(self.original(images), self.data.labels[batch], reduction="sum")
        (slope,) = torch.autograd.grad(loss, images)
        with torch.no_grad():
            attacked = torch.round(255 * (images + BOUND * slope.sign()).clamp(0, 1)) / 255
            best = self.original(attacked).topk(2, dim=1)
        if (best.values[:, 0] - best.values[:, 1]).min() < 1e-4:
            sys.exit("two classes lie too close after the attack; choose another seed")
        return best.indices[:, 0]


class BoundaryExpand(Method):
    order = staticmethod(forget_epoch)

    def __init__(self, *arguments):
        super().__init__(*arguments)
        old = self.model.fc
        generator = torch.Generator()
        generator.manual_seed(lethe_random.generator_seed(SEED, INSTANCE, "head", 0))
        spread = 1 / old.in_features**0.5
        wide = torch.nn.Linear(old.in_features, CLASSES + 1)
        with torch.no_grad():
            for new, before in [(wide.weight, old.weight), (wide.bias, old.bias)]:
                row = torch.empty_like(before[:1]).uniform_(generator=generator)
                new.copy_(torch.cat([before, 2 * spread * (row - 0.5)]))
        self.model.fc = wide

    def labels(self, name, batch, number):
        return torch.full_like(self.data.labels[batch], CLASSES)

    def finish(self):
        narrow = torch.nn.Linear(self.model.fc.in_features, CLASSES)
        with torch.no_grad():
            narrow.weight.copy_(self.model.fc.weight[:CLASSES])
            narrow.bias.copy_(self.model.fc.bias[:CLASSES])
        self.model.fc = narrow


class Proximal(Method):
    order = staticmethod(both_epoch)
    moves_anchor = False

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.anchor = flat(self.model.parameters()).clone()

    def labels(self, name, batch, number):
        true = self.data.labels[batch]
        return unlearning.wrong_labels(true, number) if name == "forget" else true

    @torch.no_grad()
    def after_step(self, epoch, number, length, count):
        weights = flat(self.model.parameters())
        delta = weights - self.anchor
        k = int(RATIO * (count - (epoch * length + 1)) / count * len(delta))
        if k > 0:
            tau = delta.abs().sort().values[k - 1]
            weights = self.anchor + delta.sign() * (delta.abs() - tau).clamp(min=0)
            torch.nn.utils.vector_to_parameters(weights, self.model.parameters())
        if self.moves_anchor and number % length == length - 1:
            self.anchor = weights.clone()


class MovingProximal(Proximal):
    moves_anchor = True


def trajectory(method):
    """All steps of SGD; the first and the last are kept."""
    optimizer = torch.optim.SGD(method.model.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM, weight_decay=DECAY)
    method.model.train()
    epochs = [method.order(method.data, epoch) for epoch in range(method.epochs)]
    length, count = len(epochs[0]), sum(map(len, epochs))
    out, number = {}, 0
    for epoch, steps in enumerate(epochs):
        for name, batch in steps:
            labels = method.labels(name, batch, number)
            losses = F.cross_entropy(method.model(method.images(batch)), labels, reduction="none")
            optimizer.zero_grad()
            (losses.mean() + method.penalty(epoch)).backward()
            optimizer.step()
            method.after_step(epoch, number, length, count)
            if number in (0, count - 1):
                out |= {
                    f"{'first' if number == 0 else 'last'}.{key}": value.detach().clone()
                    for key, value in [
                        ("indices", torch.tensor(batch)), ("labels", labels), ("losses", losses),
                        ("parameters", flat(method.model.parameters())), ("statistics", statistics(method.model)),
                    ]
                }
            number += 1
    before = len(flat(method.model.parameters()))
    method.finish()
    if len(flat(method.model.parameters())) != before:
        out["final.parameters"] = flat(method.model.parameters()).clone()
    return out


def influence(state, data):
    """By how much every weight moves, and the three ways there."""
    model = ResNet18()
    model.load_state_dict(state)
    model.eval()

    def gradient(batch):
        losses = F.cross_entropy(model(data.images[batch].double()), data.labels[batch])
        return flat(torch.autograd.grad(losses, list(model.parameters())))

    forget, retain = len(data.forget), len(data.retain)
    v = forget / (forget + retain) * (gradient(data.forget) - gradient(data.retain))

    rows = torch.stack([gradient([position]) for position in data.retain[:SAMPLES]])
    count, weights = rows.shape
    damped = DAMPING * torch.eye(weights) + rows.T @ rows / count
    inverse = torch.linalg.solve(damped, v)

    directions, k = [], v / DAMPING
    for g in rows:
        u = g / DAMPING
        for other, size in directions:
            u = u - other * (other @ g) / size
        size = count + g @ u
        k = k - u * (u @ v) / size
        directions.append((u, size))
    print(f"influence: the solution and the recursion differ by {float((k - inverse).norm() / inverse.norm()):.1e}")
    print(f"influence: the inverse changes v by {float((inverse * DAMPING - v).norm() / v.norm()):.1e}")

    script, o = v.clone(), gradient([data.retain[0]])
    for position in data.retain[1 : SCRIPT_SAMPLES + 2]:
        g = gradient([position])
        t = o @ g
        script = script - (script @ g) / (SCRIPT_SAMPLES + t) * o
        o = o - t / (SCRIPT_SAMPLES + t) * o
    return {"inverse": STEP * inverse, "woodfisher": STEP * k, "reference": STEP * script}


def main(folder):
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    data = unlearning.Data(*unlearning.pictures(numpy.random.RandomState(1), unlearning.TRAIN))
    state = load_file(folder / "original.safetensors")
    about = {
        "made by": "scripts/reference/baselines.py",
        "versions": {"python": sys.version.split()[0], "torch": torch.__version__, "numpy": numpy.__version__},
    } | unlearning.settings(data)

    def write(name, tensors, pipeline, epochs):
        text = json.dumps(about | {"pipeline": pipeline, "epochs": epochs})
        save_file(tensors, folder / f"{name}.safetensors", metadata={"about": text})

    l1 = f"objective: {{plugin: l1-sparse, alpha: {ALPHA}, no_l1_epochs: {WITHOUT}}}"
    soft = f"updater: {{plugin: proximal, ratio: {RATIO}}}"
    moving = f"updater: {{plugin: proximal, ratio: {RATIO}, mode: reference}}"
    for name, method, epochs, pipeline in [
        ("l1-sparse", L1Sparse, 3, [l1]),
        ("boundary-shrink", BoundaryShrink, 2, [f"objective: {{plugin: boundary-shrink, bound: {BOUND}}}"]),
        ("boundary-expand", BoundaryExpand, 2, ["objective: boundary-expand"]),
        ("proximal", Proximal, 2, ["objective: random-label", soft]),
        ("proximal-reference", MovingProximal, 2, ["objective: random-label", moving]),
    ]:
        results = {}
        for kind, dtype in [("fp64", torch.float64), ("fp32", torch.float32)]:
            torch.set_default_dtype(dtype)
            results[kind] = trajectory(method(state, data, dtype, epochs))
            write(f"{name}-{kind}", results[kind], pipeline, epochs)
        for key, exact in results["fp64"].items():
            near = results["fp32"][key].double()
            print(f"{name} {key}: {float((near - exact).norm() / exact.double().norm().clamp(min=1e-300)):.1e}")
    torch.set_default_dtype(torch.float64)
    part = f"plugin: influence, alpha: {STEP}, damping: {DAMPING}, tolerance: 1.0e-10, iterations: 500, batch: 7"
    write("influence", influence(state, data), [f"procedure: {{{part}, samples: {SAMPLES}}}"], 1)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
