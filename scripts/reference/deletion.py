#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes losses and weights of SISS, EraseDiff's bilevel steps and SalUn's guided scores, in plain PyTorch and SciPy.

Usage: deletion.py FIXTURE   (needs torch 2.11.0, numpy and scipy; their versions go into the fixture)

`siss`: pairs of six-number images under a network of two layers over (image, t/T). What is drawn is what a run's seed gives
(lethe_random.py); weights come from the two densities as they are written, in binary64, by log-sum-exp:

    w_x = q(m|x) / ((1-lambda) q(m|x) + lambda q(m|a))      w_a = q(m|a) / ((1-lambda) q(m|x) + lambda q(m|a))
    |(m - gamma x) / sigma - eps_theta(m)|^2                 |(m - gamma a) / sigma - eps_theta(m)|^2

`bilevel`: argmin 1/2 |v - g_r|^2 subject to <g_f, v> >= eta |g_f|^2 by a general solver, held to the conditions of Karush,
Kuhn and Tucker.

`inner`: four steps of Adam along g_r + lambda g_f, before each K inner steps on the forget loss that do not stay: with Adam moments
of their own, or with the run's. Each inner step has images and noise of its own, or the step's.

`guided`: |sum over batches of grad mean |(1+s) eps(c) - s eps(null) - eps|^2|, each gradient clipped before it is added.
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


RATE, OUTER, RETAIN = 0.05, 4, 3
GAMMA, SIGMA = float(numpy.float32(0.8)), float(numpy.float32(0.6))


def drawn(label, step, count):
    return torch.Generator().manual_seed(generator_seed(SEED, "erasediff", label, step)), (count, 1, 2, 3)


def erasediff_loss(network, which, images, step, round=0):
    """Variant B on the forget set, the loss of diffusion on the retain set."""
    tag = "" if round == 0 else f"#{round}"
    generator, shape = drawn(f"{which}.noise.0{tag}", step, len(images))
    eps = torch.randn(shape, dtype=torch.float64, generator=generator).reshape(-1, 6)
    target = eps
    if which == "forget":
        generator, shape = drawn(f"target.0{tag}", step, len(images))
        target = torch.empty(shape, dtype=torch.float64).uniform_(generator=generator).reshape(-1, 6)
    return ((predict(network, GAMMA * images + SIGMA * eps) - target) ** 2).sum(1).mean()


def flat_gradient(loss, network):
    return torch.cat([part.flatten() for part in torch.autograd.grad(loss, network)])


def walk(network, gradient, optimizer):
    rest = gradient
    for part in network:
        part.grad, rest = rest[: part.numel()].reshape(part.shape).clone(), rest[part.numel() :]
    optimizer.step()


def inner(start, images, rounds, inner_steps, rule, size, shared, fresh):
    """`images`: [OUTER][FORGET + RETAIN, 6]; `rounds`: [OUTER][5][FORGET, 6]."""
    network = [part.clone().requires_grad_() for part in start]
    optimizer = torch.optim.Adam(network, lr=RATE)
    lambdas, fallen = [], []
    for step in range(OUTER):
        forget, retain = images[step][:FORGET], images[step][FORGET:]
        loss = erasediff_loss(network, "forget", forget, step)
        g_f, g_r = flat_gradient(loss, network), flat_gradient(erasediff_loss(network, "retain", retain, step), network)
        before = [part.detach().clone() for part in network]
        own = optimizer if shared else torch.optim.Adam(network, lr=RATE)
        for number in range(1, inner_steps + 1):
            batch, round = (rounds[step][number - 1], number) if fresh else (forget, 0)
            walk(network, flat_gradient(erasediff_loss(network, "forget", batch, step, round), network), own)
        fallen.append(float((loss - erasediff_loss(network, "forget", forget, step)).detach()))
        with torch.no_grad():
            for part, old in zip(network, before):
                part.copy_(old)
        quotient = {"fixed": None, "paper": g_r @ g_f / (g_f @ g_f), "cosine": g_r @ g_f / (g_r.norm() * g_f.norm())}[rule]
        lam = size if rule == "fixed" else float((size - quotient).clamp(0, 10))
        lambdas.append(lam)
        walk(network, g_r + lam * g_f, optimizer)
    return {"steps": inner_steps, "rule": rule, "size": size, "optimizer": "shared" if shared else "separate",
            "batch": "fresh" if fresh else "same", "lambda": lambdas, "g": fallen,
            "weights": torch.cat([part.detach().flatten() for part in network]).tolist()}


def inner_part(random, network):
    images = torch.tensor(random.uniform(-1, 1, (OUTER, FORGET + RETAIN, 6)))
    rounds = torch.tensor(random.uniform(-1, 1, (OUTER, 5, FORGET, 6)))
    cases = [inner(network, images, rounds, k, rule, size, shared, fresh)
             for k in (0, 1, 2, 5) for rule, size in (("paper", 1.0), ("fixed", 0.25), ("cosine", 1.0))
             for shared in (False, True) for fresh in (True, False) if k > 0 or not (shared or fresh)]
    plain = {case["rule"]: case["weights"] for case in cases if case["steps"] == 0}
    for case in cases:
        apart = numpy.abs(numpy.subtract(case["weights"], plain[case["rule"]])).max()
        if case["steps"] > 0 and (apart > 1e-3) != (case["optimizer"] == "shared"):
            sys.exit(f"{case['steps']} {case['optimizer']} steps end {apart} from none")
    return {"rate": RATE, "forget": FORGET, "retain": RETAIN, "images": images.tolist(), "rounds": rounds.tolist(),
            "cases": cases}


def guided(random, strength, clip):
    """Scores from three batches under a network conditioned on two classes; the null condition is a row of zeros."""
    network = [torch.tensor(random.randn(*shape)).requires_grad_() for shape in ((5, 9), (5,), (6, 5), (6,))]
    total, batches = 0, []
    for size in (4, 4, 2):
        noisy, eps = (torch.tensor(random.randn(size, 6)) for _ in range(2))
        labels = torch.tensor(random.randint(0, 2, size))
        classes = torch.nn.functional.one_hot(labels, 2).double()
        time = torch.zeros(size, 1, dtype=torch.float64)

        def prediction(condition):
            first, first_bias, second, second_bias = network
            return torch.tanh(torch.cat([noisy, time, condition], 1) @ first.T + first_bias) @ second.T + second_bias

        found = (1 + strength) * prediction(classes) - strength * prediction(0 * classes)
        for part in network:
            part.grad = None
        ((found - eps) ** 2).sum(1).mean().backward()
        if clip > 0:
            torch.nn.utils.clip_grad_norm_(network, clip)
        total = total + torch.cat([part.grad.flatten() for part in network])
        batches.append({"noisy": noisy.tolist(), "noise": eps.tolist(), "labels": labels.tolist()})
    return {"guidance": strength, "clip": clip, "network": [part.detach().flatten().tolist() for part in network],
            "batches": batches, "scores": total.abs().tolist()}


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
    parts["inner"] = inner_part(numpy.random.RandomState(5), network)
    parts["guided"] = {"cases": [guided(numpy.random.RandomState(6), *known) for known in ((2.0, 1.0), (2.0, 0.0), (0.0, 1.0))]}
    with open(fixture, "w", encoding="utf-8") as out:
        json.dump(parts, out)
        out.write("\n")
    for case in parts["siss"]["cases"]:
        print(case["lambda"], case["t"], [f"{w:.4g}" for w in case["keep"]["weights"]],
              [f"{w:.4g}" for w in case["forget"]["weights"]])
    for case in parts["bilevel"]["cases"]:
        print(case["name"], case["lambda"])
    for case in parts["inner"]["cases"]:
        print(*[case[key] for key in ("steps", "rule", "optimizer", "batch")], [f"{x:.3g}" for x in case["lambda"]],
              [f"{x:.3g}" for x in case["g"]])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
