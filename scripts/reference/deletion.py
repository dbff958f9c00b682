#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes losses and weights of SISS and directions of EraseDiff's bilevel step, in plain PyTorch and SciPy.

Usage: deletion.py FIXTURE   (needs torch 2.11.0, numpy and scipy; their versions go into the fixture)

`siss`: pairs of six-number images under a network of two layers over (image, t/T). What is drawn is what a run's seed gives
(lethe_random.py); weights come from the two densities as they are written, in binary64, by log-sum-exp:

    w_x = q(m|x) / ((1-lambda) q(m|x) + lambda q(m|a))      w_a = q(m|a) / ((1-lambda) q(m|x) + lambda q(m|a))
    |(m - gamma x) / sigma - eps_theta(m)|^2                 |(m - gamma a) / sigma - eps_theta(m)|^2

`bilevel`: argmin 1/2 |v - g_r|^2 subject to <g_f, v> >= eta |g_f|^2 by a general solver, held to the conditions of Karush,
Kuhn and Tucker.
"""

import json
import sys

import numpy
import scipy
import torch
from scipy.optimize import minimize

from lethe_random import Stream, generator_seed

SEED = 1
FORGET, PAIRS = 2, 6
T = 1000


def schedule():
    """gamma and sigma of linear betas, as binary32 numbers."""
    products = numpy.cumprod(1 - numpy.linspace(1e-4, 0.02, T))
    return [(float(numpy.float32(g)), float(numpy.float32(s))) for g, s in zip(products**0.5, (1 - products) ** 0.5)]


def predict(network, noisy):
    first, first_bias, second, second_bias = network
    # The one timestep that the test's schedule has is 0.
    rows = torch.cat([noisy, torch.zeros(len(noisy), 1, dtype=torch.float64)], 1)
    return torch.tanh(rows @ first.T + first_bias) @ second.T + second_bias


def siss(network, images, lam, t, step):
    gamma, sigma = schedule()[t]
    eps = torch.randn(
        PAIRS, 1, 2, 3, dtype=torch.float64,
        generator=torch.Generator().manual_seed(generator_seed(SEED, "siss", "noise.0", step))).reshape(PAIRS, 6)
    words = Stream(SEED, "siss/source.0", step).words
    from_a = [next(words) < lam * 2**32 for _ in range(PAIRS)]
    x = images[FORGET:]
    a = images[[i % FORGET for i in range(PAIRS)]]
    clean = torch.where(torch.tensor(from_a)[:, None], a, x)
    m = gamma * clean + sigma * eps

    def log_density(mean):
        return -((m - gamma * mean) ** 2).sum(1) / (2 * sigma**2)

    parts = [torch.full((PAIRS,), share, dtype=torch.float64).log() + log_density(mean)
             for share, mean in ((1 - lam, x), (lam, a))]
    mixture = torch.logaddexp(*parts)
    prediction = predict(network, m)
    found = {"lambda": lam, "t": t, "gamma": gamma, "sigma": sigma, "step": step}
    for name, mean in (("keep", x), ("forget", a)):
        found[name] = {"weights": (log_density(mean) - mixture).exp().tolist(),
                       "losses": (((m - gamma * mean) / sigma - prediction) ** 2).sum(1).tolist()}
    return found


def bilevel(name, retain, forget, eta):
    square = forget @ forget
    solved = minimize(
        lambda v: 0.5 * ((v - retain) ** 2).sum(), retain, jac=lambda v: v - retain, method="SLSQP",
        constraints={"type": "ineq", "fun": lambda v: forget @ v - eta * square, "jac": lambda v: forget},
        options={"ftol": 1e-16, "maxiter": 500})
    v = solved.x
    multiplier = (v - retain) @ forget / square
    slack = forget @ v - eta * square
    # Stationarity, feasibility of both kinds, complementary slackness.
    conditions = [numpy.abs(v - retain - multiplier * forget).max(), max(-slack, 0), max(-multiplier, 0),
                  abs(multiplier * slack)]
    if max(conditions) > 1e-7:
        sys.exit(f"case '{name}': the solver stopped at {conditions}")
    return {"name": name, "eta": eta, "retain": retain.tolist(), "forget": forget.tolist(), "direction": v.tolist(),
            "lambda": float(multiplier)}


def main(fixture):
    random = numpy.random.RandomState(3)
    network = [torch.tensor(random.randn(*shape)) for shape in ((5, 7), (5,), (6, 5), (6,))]
    images = torch.tensor(random.uniform(-1, 1, (FORGET + PAIRS, 6)))
    retain, forget = random.randn(2, 76)
    about = {"made by": "scripts/reference/deletion.py",
             "versions": {"python": sys.version.split()[0], "torch": torch.__version__, "numpy": numpy.__version__,
                          "scipy": scipy.__version__}}
    parts = {
        "about": about,
        "siss": {
            "network": [tensor.flatten().tolist() for tensor in network], "images": images.tolist(),
            "cases": [siss(network, images, lam, t, step)
                      for step, (lam, t) in enumerate((lam, t) for lam in (0.0, 0.5, 1.0) for t in (0, 100, 700, 999))],
        },
        "bilevel": {"cases": [
            bilevel("apart", retain, forget, 0.1),
            bilevel("against each other", retain - 2 * forget, forget, 0.1),
            bilevel("along each other", retain + 2 * forget, forget, 0.1),
            bilevel("a strong eta", retain, forget, 3.0),
            bilevel("a small forget gradient", retain, 0.3 * forget, 0.5),
        ]},
    }
    with open(fixture, "w", encoding="utf-8") as out:
        json.dump(parts, out)
        out.write("\n")
    for case in parts["siss"]["cases"]:
        print(case["lambda"], case["t"], [f"{w:.4g}" for w in case["keep"]["weights"]],
              [f"{w:.4g}" for w in case["forget"]["weights"]])
    for case in parts["bilevel"]["cases"]:
        print(case["name"], case["lambda"])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
