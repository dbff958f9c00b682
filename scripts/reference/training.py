#!/usr/bin/env python3
"""Writes steps of PyTorch's optimizers, its learning rates and its gradient clipping, in binary64.

Usage: training.py FOLDER   (needs torch); FOLDER gets training.json
"""

import json
import pathlib
import sys

import torch
from torch.optim import lr_scheduler

STEPS = 6


def gradients(numbers):
    shapes = [(3,), (2, 2)]
    return [[torch.randn(shape, generator=numbers, dtype=torch.double) for shape in shapes] for _ in range(STEPS)]


def steps(make, start, given):
    parameters = [tensor.clone().requires_grad_() for tensor in start]
    optimizer = make(parameters)
    after = []
    for step, values in enumerate(given):
        for group in optimizer.param_groups:
            group["lr"] = 0.1 / (step + 1)
        for parameter, value in zip(parameters, values):
            parameter.grad = value.clone()
        optimizer.step()
        after.append([parameter.flatten().tolist() for parameter in parameters])
    return after


def rates(make, count, per_epoch=1):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.4)
    schedule = make(optimizer)
    out = []
    for step in range(count):
        out.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if (step + 1) % per_epoch == 0:
            schedule.step()
    return out


def main(folder):
    numbers = torch.Generator().manual_seed(5)
    start = [torch.randn(shape, generator=numbers, dtype=torch.double) for shape in [(3,), (2, 2)]]
    given = gradients(numbers)
    optim = torch.optim
    rules = {
        "sgd": lambda p: optim.SGD(p, lr=0.1),
        "sgd-decay": lambda p: optim.SGD(p, lr=0.1, weight_decay=0.05),
        "sgd-momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.05),
        "sgd-nesterov": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.05),
        "adam": lambda p: optim.Adam(p, lr=0.1, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.05),
        "adamw": lambda p: optim.AdamW(p, lr=0.1, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.05),
    }
    # Ten epochs of three steps.
    schedules = {
        "constant": rates(lambda o: lr_scheduler.ConstantLR(o, 1.0), 30),
        "constant-warmup": rates(lambda o: lr_scheduler.LinearLR(o, 1 / 6, 1.0, 5), 30),
        "milestones": rates(lambda o: lr_scheduler.MultiStepLR(o, [4, 7], 0.1), 30, per_epoch=3),
        "cosine": rates(lambda o: lr_scheduler.CosineAnnealingLR(o, 30), 30),
        "one-cycle": rates(lambda o: lr_scheduler.OneCycleLR(o, 0.4, total_steps=30), 30),
    }
    clipped = []
    for norm in [0.5, 100.0]:
        parameters = [tensor.clone().requires_grad_() for tensor in start]
        for parameter, value in zip(parameters, given[0]):
            parameter.grad = value.clone()
        length = torch.nn.utils.clip_grad_norm_(parameters, norm).item()
        clipped.append({"norm": norm, "length": length, "gradients": [p.grad.flatten().tolist() for p in parameters]})
    out = {
        "torch": torch.__version__,
        "shapes": [[3], [2, 2]],
        "start": [tensor.flatten().tolist() for tensor in start],
        "gradients": [[tensor.flatten().tolist() for tensor in values] for values in given],
        "after": {name: steps(make, start, given) for name, make in rules.items()},
        "rates": schedules,
        "clipped": clipped,
    }
    (folder / "training.json").write_text(json.dumps(out) + "\n")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
