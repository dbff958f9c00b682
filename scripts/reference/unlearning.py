#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes what five steps of unlearning do to a tiny ResNet-18, in plain PyTorch.

Usage: unlearning.py FOLDER   (needs torch 2.11.0, numpy and safetensors; their versions go into the fixtures)

    data.safetensors                training and test images and labels in the order of the files
    original.safetensors            the classifier to begin with, torchvision's names
    salun-{fp64,fp32}.safetensors   random labels under SalUn's mask
    loreun-{fp64,fp32}.safetensors  random labels, forget and retain losses weighed by LoReUn

A trajectory file has, for step 1 ... 5: `indices` (positions in dataset order), `labels` (as taught), `clean` (losses with
the true labels) and `losses`, `weights`, each [n]; `loss` []; and what the step leaves behind: `parameters` and
`statistics` (running means and variances), each one flat tensor in the order of the model. SalUn's has `mask` and
`scores` besides. All settings are in the metadata.

One epoch of the sequential schedule is five steps: 32 forget samples in batches of 12, 12, 8 and 24 retain samples in
batches of 12, 12. Order, wrong labels and the order of the data set are what the seeds of the run give in Lethe
(lethe_random.py); everything else is PyTorch's own.
"""

import json
import pathlib
import sys

import numpy
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

import lethe_random

SEED = 7
PERMUTATION_SEED = 1
CLASSES = 4
WIDTH = 1
SIDE = 12
TRAIN, TEST, FORGET, BATCH = 56, 16, 32, 12
MEAN, DEVIATION = 0.45, 0.3
LEARNING_RATE, MOMENTUM, DECAY = 0.013, 0.9, 5e-4
KEEP = 0.5
ETA_FORGET, ETA_RETAIN = 0.4, 0.25
INSTANCE = "objective"


class Block(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + shortcut)


class ResNet18(nn.Module):
    """Eight blocks in four stages with a 3x3 stem, after normalisation by constants; torchvision's names."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, WIDTH, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(WIDTH)
        inputs = WIDTH
        for stage in range(4):
            outputs = WIDTH << stage
            blocks = Block(inputs, outputs, 1 if stage == 0 else 2), Block(outputs, outputs, 1)
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
            inputs = outputs
        self.fc = nn.Linear(inputs, CLASSES)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1((x - MEAN) / DEVIATION)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))


class Data:
    """Images and labels in dataset order, and who is to be forgotten."""

    def __init__(self, pixels, labels):
        order = lethe_random.dataset_order(PERMUTATION_SEED, "train", TRAIN)
        # Bytes become floats in binary32, whatever the model's type.
        self.images = pixels[order].float() * (1.0 / 255.0)
        self.labels = labels[order].long()
        chosen = numpy.random.RandomState(SEED).choice(TRAIN, FORGET, replace=False).tolist()
        self.forget = sorted(chosen)
        self.retain = [position for position in range(TRAIN) if position not in set(chosen)]


def pictures(random, count):
    """Noisy patterns, one a class: bytes [count, 1, SIDE, SIDE] and labels."""
    patterns = numpy.random.RandomState(3).randint(60, 196, (CLASSES, 1, SIDE, SIDE))
    labels = numpy.arange(count) % CLASSES
    noisy = patterns[labels] + random.normal(0, 45, (count, 1, SIDE, SIDE))
    return torch.tensor(noisy.clip(0, 255).astype(numpy.uint8)), torch.tensor(labels.astype(numpy.uint8))


def trained(data):
    """A classifier that has learned something, so that gradients and running statistics are no special case."""
    torch.manual_seed(SEED)
    model = ResNet18()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for step in range(20):
        batch = torch.arange(TRAIN)[step % 2 :: 2]
        optimizer.zero_grad()
        F.cross_entropy(model(data.images[batch]), data.labels[batch]).backward()
        optimizer.step()
    return model.state_dict()


def flat(tensors):
    return torch.cat([tensor.detach().reshape(-1) for tensor in tensors])


def statistics(model):
    return flat(buffer for name, buffer in model.named_buffers() if not name.endswith("num_batches_tracked"))


def saliency(model, data):
    """|sum over batches of the forget set of the gradient of the mean loss|, running statistics.

    The batches are those of the first epoch; the last is short, so it matters which samples it has.
    """
    model.eval()
    total = torch.zeros_like(flat(model.parameters()))
    for _, batch in lethe_random.sequential_epoch(SEED, 0, data.forget, [], BATCH):
        logits = model(data.images[batch].to(total.dtype))
        gradients = torch.autograd.grad(F.cross_entropy(logits, data.labels[batch]), list(model.parameters()))
        total += flat(gradients)
    return total.abs()


def chosen(scores):
    """True for the floor(KEEP * P) highest scores, of equal ones the first."""
    order = torch.argsort(scores, descending=True, stable=True)[: int(KEEP * len(scores))]
    mask = torch.zeros_like(scores, dtype=torch.bool)
    mask[order] = True
    lowest, highest = scores[mask].min(), scores[~mask].max()
    if (lowest - highest) / lowest < 1e-4:
        sys.exit(f"scores {lowest} and {highest} on either side of the mask's edge lie too close; choose another seed")
    return mask


def wrong_labels(labels, step):
    """y' = y + U{1 ... C-1} modulo C, from LibTorch's generator as the run seeds it."""
    generator = torch.Generator()
    generator.manual_seed(lethe_random.generator_seed(SEED, INSTANCE, "labels.0", step))
    return (labels + torch.empty_like(labels).random_(1, CLASSES, generator=generator)) % CLASSES


def loreun_weights(name, clean):
    """exp(-eta_f (l - lo)) or exp(+eta_r (l - lo)) over their sum; lo, whatever it is, cancels."""
    eta = -ETA_FORGET if name == "forget" else ETA_RETAIN
    raw = torch.exp(eta * (clean - clean.mean()))
    return raw / raw.sum()


def steps(state, data, dtype, masked, weighed):
    """Five steps of SGD. Entries outside the mask keep their value, and their momentum stays zero."""
    torch.set_default_dtype(dtype)
    model = ResNet18()
    model.load_state_dict(state)
    parameters = list(model.parameters())
    out = {}
    allowed = None
    if masked:
        out["scores"] = saliency(model, data)
        allowed = chosen(out["scores"])
        out["mask"] = allowed.to(torch.uint8)
        allowed = [part.reshape(p.shape) for part, p in zip(allowed.split([p.numel() for p in parameters]), parameters)]
    anchor = [parameter.detach().clone() for parameter in parameters]

    model.train()
    optimizer = torch.optim.SGD(parameters, lr=LEARNING_RATE, momentum=MOMENTUM, weight_decay=DECAY)
    plan = lethe_random.sequential_epoch(SEED, 0, data.forget, data.retain, BATCH)
    for number, (name, batch) in enumerate(plan):
        true = data.labels[batch]
        labels = wrong_labels(true, number) if name == "forget" else true
        logits = model(data.images[batch].to(dtype))
        losses = F.cross_entropy(logits, labels, reduction="none")
        clean = F.cross_entropy(logits, true, reduction="none").detach()
        weights = loreun_weights(name, clean) if weighed else torch.full_like(clean, 1 / len(batch))
        loss = (weights * losses).sum()
        optimizer.zero_grad()
        loss.backward()
        if allowed is not None:
            for parameter, part in zip(parameters, allowed):
                parameter.grad.mul_(part)
        optimizer.step()
        if allowed is not None:
            with torch.no_grad():
                for parameter, part, before in zip(parameters, allowed, anchor):
                    parameter[~part] = before[~part]
                    optimizer.state[parameter]["momentum_buffer"][~part] = 0
        out |= {
            f"step{number + 1}.{key}": value.detach().clone()
            for key, value in [
                ("indices", torch.tensor(batch)), ("labels", labels), ("losses", losses), ("clean", clean),
                ("weights", weights), ("loss", loss), ("parameters", flat(parameters)), ("statistics", statistics(model)),
            ]
        }
    torch.set_default_dtype(torch.float32)
    return out


def settings(data):
    """What a test needs to know to make the same run."""
    return {
        "seed": SEED, "permutationSeed": PERMUTATION_SEED, "classes": CLASSES, "width": WIDTH, "batch": BATCH,
        "mean": MEAN, "deviation": DEVIATION, "learningRate": LEARNING_RATE, "momentum": MOMENTUM, "weightDecay": DECAY,
        "keep": KEEP, "etaForget": ETA_FORGET, "etaRetain": ETA_RETAIN, "forget": data.forget,
        "retain": data.retain, "parameters": [name for name, _ in ResNet18().named_parameters()],
        "statistics": [name for name, _ in ResNet18().named_buffers() if not name.endswith("num_batches_tracked")],
    }


def main(folder):
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    train, test = pictures(numpy.random.RandomState(1), TRAIN), pictures(numpy.random.RandomState(2), TEST)
    data = Data(*train)
    state = trained(data)
    about = {
        "made by": "scripts/reference/unlearning.py",
        "versions": {"python": sys.version.split()[0], "torch": torch.__version__, "numpy": numpy.__version__},
    } | settings(data)

    def write(name, tensors):
        # One key: the order of several is not fixed.
        save_file(tensors, folder / f"{name}.safetensors", metadata={"about": json.dumps(about)})

    write("data", {"train.images": train[0], "train.labels": train[1], "test.images": test[0], "test.labels": test[1]})
    write("original", state)
    results = {}
    for name, masked, weighed in [("salun", True, False), ("loreun", False, True)]:
        for kind, dtype in [("fp64", torch.float64), ("fp32", torch.float32)]:
            results[name, kind] = steps(state, data, dtype, masked, weighed)
            write(f"{name}-{kind}", results[name, kind])
        for key, exact in results[name, "fp64"].items():
            near = results[name, "fp32"][key].double()
            print(f"{name} {key}: {float((near - exact).norm() / exact.double().norm().clamp(min=1e-300)):.1e}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
