#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The statistics of audits, written down a second time in NumPy: LiRA, U-LiRA, KLOM, and the curve they are read off.

usage: audits.py FIXTURE          writes reference values for the tests (needs numpy, scipy, scikit-learn)
       audits.py --check FOLDER   computes the numbers of an audit's folder again from its margins, and compares
                                  (needs numpy, safetensors)
"""

import json
import math
import sys

import numpy

from lethe_random import Stream

BINS, FLOOR, LIMIT = 20, 1e-5, 100.0
RATES = (0.01, 0.001)


def curve(members, others, rates=RATES):
    """Area under the curve by comparing all pairs, and the largest share found at each rate of false positives."""
    members, others = numpy.asarray(members, float), numpy.asarray(others, float)
    ordered = numpy.sort(others)
    below = numpy.searchsorted(ordered, members, "left")
    upto = numpy.searchsorted(ordered, members, "right")
    area = (below.sum() + (upto - below).sum() / 2) / (len(members) * len(others))
    shares = []
    for rate in rates:
        allowed = math.floor(len(others) * rate + 1e-9)
        if allowed < 1:
            shares.append(None)
            continue
        # The lowest threshold that at most so many of the others reach.
        thresholds = numpy.unique(numpy.concatenate([members, others]))
        reached = len(others) - numpy.searchsorted(ordered, thresholds, "left")
        good = thresholds[reached <= allowed]
        shares.append(float((members >= good[0]).mean()) if len(good) else 0.0)
    return float(area), shares


def bootstrap(members, others, replicas, seed=1):
    """Areas and shares of samples drawn with replacement, with Lethe's random numbers."""
    members, others = numpy.asarray(members, float), numpy.asarray(others, float)
    readings = []
    for replica in range(replicas):
        stream = Stream(seed, "audit.bootstrap", replica)
        first = [stream.below(len(members)) for _ in members]
        second = [stream.below(len(others)) for _ in others]
        readings.append(curve(members[first], others[second]))
    return readings


def interval(values):
    return [float(x) for x in numpy.percentile(values, [2.5, 97.5])]


def gaussians(margins, chosen, variance):
    """Mean and variance of each column over the chosen rows; the variance for all columns or for each."""
    counts = chosen.sum(0)
    means = numpy.where(chosen, margins, 0).sum(0) / counts
    squares = numpy.where(chosen, (margins - means) ** 2, 0).sum(0)
    if variance == "per-sample":
        return means, numpy.maximum(1e-12, squares / (counts - 1))
    return means, numpy.full(len(means), max(1e-12, squares.sum() / (counts - 1).sum()))


def ratios(margins, is_first, target, variance):
    """Log-likelihood ratio of the target's margins: Gaussians of the rows where `is_first`, over those where not."""
    margins, target = numpy.asarray(margins, float), numpy.asarray(target, float)

    def density(chosen):
        mean, spread = gaussians(margins, chosen, variance)
        return -0.5 * (numpy.log(2 * numpy.pi * spread) + (target - mean) ** 2 / spread)

    return density(is_first) - density(~is_first)


def leave_one_out(margins, is_first, variance):
    """The same for each row in turn, by the others."""
    rows = numpy.arange(len(margins))
    return [ratios(margins[rows != i], is_first[rows != i], margins[i], variance) for i in rows]


def klom(unlearned, retrained):
    """KL divergence of each column's margins in shared bins."""
    p, q = (numpy.clip(numpy.asarray(x, float), -LIMIT, LIMIT) for x in (unlearned, retrained))
    values = []
    for ours, theirs in zip(p.T, q.T):
        low, high = min(ours.min(), theirs.min()), max(ours.max(), theirs.max())
        if high <= low:
            high = low + 1
        edges = numpy.linspace(low, high, BINS + 1)

        def shares(x):
            # The last bin has its upper edge too: numpy.digitize alone would lose the largest margin.
            bins = numpy.clip(numpy.searchsorted(edges, x, "right") - 1, 0, BINS - 1)
            return numpy.bincount(bins, minlength=BINS) / len(x)

        mine, other = shares(ours), shares(theirs)
        other = numpy.where(mine > 0, numpy.maximum(other, FLOOR), other)
        other = other / other.sum()
        there = mine > 0
        values.append(float((mine[there] * numpy.log(mine[there] / other[there])).sum()))
    return values


def klom_shuffled(unlearned, retrained, times, seed=1):
    """KLOM of the same models dealt out at random."""
    everything = numpy.concatenate([unlearned, retrained])
    results = []
    for repetition in range(times):
        order = Stream(seed, "audit.klom", repetition).shuffled(range(len(everything)))
        results.append(klom(everything[order[: len(unlearned)]], everything[order[len(unlearned):]]))
    return results


def fixture(path):
    import scipy.special
    import scipy.stats
    import sklearn
    from sklearn.metrics import roc_auc_score

    random = numpy.random.RandomState(7)
    models, samples = 12, 40
    centre = random.normal(2, 3, samples)
    is_in = numpy.zeros((models, samples), bool)
    for pair in range(models // 2):
        is_in[2 * pair] = random.uniform(size=samples) < 0.5
        is_in[2 * pair + 1] = ~is_in[2 * pair]
    margins = centre + 1.5 * is_in + random.normal(0, 1, (models, samples))
    margins = numpy.round(margins, 4).astype(numpy.float32)
    target = numpy.round(centre + random.normal(0.7, 1, samples), 4).astype(numpy.float32)

    attacks = []
    for variance in ("pooled", "per-sample"):
        scores = ratios(margins, is_in, target, variance)
        # A second witness for the densities: SciPy's.
        for sample in range(0, samples, 7):
            sides = []
            for chosen in (is_in, ~is_in):
                mean, spread = gaussians(margins.astype(float), chosen, variance)
                sides.append(scipy.stats.norm.logpdf(float(target[sample]), mean[sample], math.sqrt(spread[sample])))
            assert abs(sides[0] - sides[1] - scores[sample]) < 1e-9
        attacks.append(
            {
                "variance": variance,
                "scores": scores.tolist(),
                "leftOut": [row.tolist() for row in leave_one_out(margins, is_in, variance)],
            }
        )

    curves = []
    for name, members, others in [
        ("apart", random.normal(1, 1, 300), random.normal(0, 1, 1200)),
        ("alike", random.normal(0, 1, 250), random.normal(0, 1, 1500)),
        ("with ties", numpy.round(random.normal(0.5, 1, 200)), numpy.round(random.normal(0, 1, 400))),
        ("few others", random.normal(0.5, 1, 50), random.normal(0, 1, 60)),
    ]:
        members, others = numpy.round(members, 4), numpy.round(others, 4)
        area, shares = curve(members, others)
        labels = [1] * len(members) + [0] * len(others)
        assert abs(roc_auc_score(labels, numpy.concatenate([members, others])) - area) < 1e-12
        readings = bootstrap(members, others, 40)
        curves.append(
            {
                "name": name, "members": members.tolist(), "others": others.tolist(), "area": area, "shares": shares,
                "replicas": 40, "areaInterval": interval([a for a, _ in readings]),
                "shareIntervals": [
                    None if share is None else interval([r[1][i] for r in readings]) for i, share in enumerate(shares)
                ],
            }
        )

    ours = numpy.round(random.normal(1, 1, (16, 30)) + random.normal(0, 2, 30), 4).astype(numpy.float32)
    theirs = numpy.round(random.normal(0, 1.3, (16, 30)) + random.normal(0, 2, 30), 4).astype(numpy.float32)
    # Odd columns: all equal, equal on each side, beyond the limit.
    ours[:, 0], theirs[:, 0] = 3, 3
    ours[:, 1], theirs[:, 1] = 3, 4
    ours[:3, 2], theirs[:3, 2] = 250, -250
    divergences = klom(ours, theirs)
    # A second witness for the divergence: SciPy's, on one column.
    edges = numpy.linspace(min(ours[:, 5].min(), theirs[:, 5].min()), max(ours[:, 5].max(), theirs[:, 5].max()), BINS + 1)
    mine, other = (numpy.histogram(x[:, 5].astype(float), edges.astype(float))[0] / 16 for x in (ours, theirs))
    other = numpy.where(mine > 0, numpy.maximum(other, FLOOR), other)
    assert abs(scipy.stats.entropy(mine, other) - divergences[5]) < 1e-9

    logits = numpy.round(random.normal(0, 4, (6, 5)), 3).astype(numpy.float32)
    logits[0] = [800, -800, 3, 4, 5]
    labels = [0, 1, 2, 3, 4, 0]
    own = logits[numpy.arange(6), labels].astype(float)
    rest = [numpy.delete(row, label).astype(float) for row, label in zip(logits, labels)]
    values = [own[i] - scipy.special.logsumexp(rest[i]) for i in range(6)]

    result = {
        "made by": "scripts/reference/audits.py",
        "versions": {
            "python": sys.version.split()[0], "numpy": numpy.__version__, "scipy": scipy.__version__,
            "scikit-learn": sklearn.__version__,
        },
        "ratio": {
            "margins": margins.tolist(), "isIn": is_in.tolist(), "target": target.tolist(), "attacks": attacks,
        },
        "curves": curves,
        "klom": {
            "unlearned": ours.tolist(), "retrained": theirs.tolist(), "values": divergences,
            "mean": float(numpy.mean(divergences)), "percentile95": float(numpy.percentile(divergences, 95)),
            "shuffled": klom_shuffled(ours, theirs, 3),
        },
        "margins": {"logits": logits.tolist(), "labels": labels, "values": values},
    }
    with open(path, "w", encoding="utf-8") as out:
        # The fixture holds float32 values: with nine digits they are read back as they were.
        json.dump(shortened(result), out)
        out.write("\n")


def shortened(value):
    """Floats as NumPy prints them, so that single precision does not drag noise along."""
    if isinstance(value, dict):
        return {key: shortened(x) for key, x in value.items()}
    if isinstance(value, list):
        return [shortened(x) for x in value]
    if isinstance(value, float) and float(numpy.float32(value)) == value:
        return float(str(numpy.float32(value)))
    return value


def check(folder):
    from safetensors import safe_open

    with open(f"{folder}/report.json", encoding="utf-8") as file:
        report = json.load(file)
    with safe_open(f"{folder}/margins.safetensors", "numpy") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}
        ranges = {name: slice(*map(int, text.split("..<"))) for name, text in file.metadata().items()}
    variance, wrong, compared = report["variance"], 0, 0

    def same(what, ours, theirs):
        nonlocal wrong, compared
        compared += 1
        if (ours is None) != (theirs is None) or (ours is not None and abs(ours - theirs) > 1e-9):
            wrong += 1
            print(f"{what}: {theirs} in the report, {ours} computed here")

    def attack(name, section, margins, is_first, groups):
        for row, (members, others) in zip(section["rows"], groups):
            area, shares = curve(members, others)
            same(f"{name} {row['model']} {row['positives']} AUC", area, row["auc"]["value"])
            for share, key in zip(shares, ("tpr_at_fpr_0.01", "tpr_at_fpr_0.001")):
                told = row.get(key)
                same(f"{name} {row['model']} {row['positives']} {key}", share, told and told["value"])
        areas = [curve(scores[is_first[i]], scores[~is_first[i]])[0]
                 for i, scores in enumerate(leave_one_out(margins, is_first, variance))]
        same(f"{name} leave-one-out mean", float(numpy.mean(areas)), section["leave_one_out"]["auc_mean"])
        same(f"{name} leave-one-out deviation", float(numpy.std(areas, ddof=1)),
             section["leave_one_out"]["auc_deviation"])

    forget = ranges["forget"]
    if report.get("lira"):
        is_in = tensors["shadow.in"].astype(bool)
        margins = tensors["shadow.trained"][:, : is_in.shape[1]].astype(float)
        groups = []
        for row in report["lira"]["rows"]:
            target = tensors[f"target.{row['model']}"][0, : is_in.shape[1]]
            scores = ratios(margins, is_in, target, variance)
            groups.append((scores[ranges[row["positives"]]], scores[ranges["held-out"]]))
        attack("lira", report["lira"], margins, is_in, groups)
    if report.get("u_lira"):
        is_in = tensors["shadow.in"].astype(bool)[:, forget]
        margins = numpy.where(is_in, tensors["shadow.unlearned"][:, forget], tensors["shadow.trained"][:, forget])
        margins = margins.astype(float)
        sides = [ratios(margins, is_in, tensors[f"target.{name}"][0, forget], variance)
                 for name in ("unlearned", "retrained")]
        attack("u-lira", report["u_lira"], margins, is_in, [sides])
    for row in report.get("klom") or []:
        here = ranges[row["set"]]
        for state in ("unlearned", "original"):
            ours = tensors["original.unlearned" if state == "unlearned" else "original.trained"][:, here]
            values = klom(ours, tensors["retrained.trained"][:, here])
            same(f"klom {row['set']} {state} mean", float(numpy.mean(values)), row[state]["mean"])
            same(f"klom {row['set']} {state} p95", float(numpy.percentile(values, 95)), row[state]["percentile_95"])
    print(f"{compared} numbers compared, {wrong} differ")
    sys.exit(1 if wrong or not compared else 0)


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "--check":
        check(sys.argv[2])
    elif len(sys.argv) == 2 and not sys.argv[1].startswith("-"):
        fixture(sys.argv[1])
    else:
        sys.exit(__doc__)
