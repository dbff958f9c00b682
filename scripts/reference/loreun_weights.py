#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes LoReUn's weights for given losses, in plain PyTorch and checked with fifty decimal digits.

Usage: loreun_weights.py FIXTURE   (needs torch and numpy; their versions go into the fixture)

A case has a set, an eta, the losses of a batch (numbers of binary32), and the weights in binary64 and binary32:

    forget:  exp(-eta (l - lo)) over its sum        retain:  exp(+eta (l - lo)) over its sum

where lo is a mean loss of the original model: each case has one, as the paper's formula does, and it must not matter.
"""

import json
import sys
from decimal import Decimal, getcontext

import numpy
import torch

getcontext().prec = 50


def exact(losses, eta, reference):
    """The paper's formula as it stands, without a maximum being subtracted first."""
    raw = [(Decimal(eta) * (Decimal(loss) - Decimal(reference))).exp() for loss in losses]
    return [weight / sum(raw) for weight in raw]


def torch_weights(losses, eta, reference, dtype):
    distance = eta * (torch.tensor(losses, dtype=dtype) - torch.tensor(reference, dtype=dtype))
    raw = torch.exp(distance - distance.max())
    return (raw / raw.sum()).tolist()


def case(name, of, eta, losses, reference):
    # 2^-10 steps: adding 1000 is exact in binary32 too.
    losses = [round(float(loss) * 1024) / 1024 for loss in losses]
    signed = -eta if of == "forget" else eta
    right = exact(losses, signed, reference)
    found = {"fp64": torch_weights(losses, signed, reference, torch.float64),
             "fp32": torch_weights(losses, signed, reference, torch.float32)}
    for (kind, weights), tolerance in zip(found.items(), (1e-12, 5e-6)):
        for weight, true in zip(weights, right):
            # What binary32 cannot hold is 0 there.
            if abs(Decimal(weight) - true) > Decimal(tolerance) * true + Decimal(1e-37):
                sys.exit(f"case '{name}': {kind} gives {weight} for {true:.20e}; choose other losses")
    return {"name": name, "set": of, "eta": eta, "reference": reference, "losses": losses} | found


def main(fixture):
    random = numpy.random.RandomState(1)
    usual = random.gamma(1.0, 1.5, 12)
    cases = [
        case("the paper's eta for forget", "forget", 0.1, usual, 0.25),
        case("the paper's eta for retain", "retain", 0.25, usual, 0.25),
        case("class-wise, forget", "forget", 0.2, random.gamma(0.5, 2.0, 7), 0.125),
        case("class-wise, retain", "retain", 0.1, random.gamma(0.5, 2.0, 7), 0.125),
        case("a strong eta, forget", "forget", 4.0, usual, 0.25),
        case("a strong eta, retain", "retain", 4.0, usual, 0.25),
        case("one sample, forget", "forget", 0.1, [3.5], 0.25),
        case("one sample, retain", "retain", 0.25, [3.5], 0.25),
        case("two samples", "forget", 0.5, [0.0, 2.0], 1.0),
        case("equal losses", "retain", 0.25, [1.75] * 5, 0.5),
        case("large losses, forget", "forget", 0.25, [900, 1000, 1001.5, 1003, 5000], 0.5),
        case("large losses, retain", "retain", 0.25, [900, 1000, 1001.5, 1003, 990], 0.5),
        case("a constant added, forget", "forget", 0.5, [round(loss * 1024) / 1024 + 1000 for loss in usual], 0.25),
        case("the same without it", "forget", 0.5, usual, 0.25),
    ]
    about = {"made by": "scripts/reference/loreun_weights.py",
             "versions": {"python": sys.version.split()[0], "torch": torch.__version__, "numpy": numpy.__version__}}
    with open(fixture, "w", encoding="utf-8") as out:
        json.dump(about | {"cases": cases}, out)
        out.write("\n")
    for known in cases:
        print(known["name"], [f"{weight:.4g}" for weight in known["fp64"]])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
