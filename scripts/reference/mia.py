#!/usr/bin/env python3
"""Writes the reference for the membership attacks: confidences, and what scikit-learn's SVC and a plain search say of them.

Usage: mia.py FIXTURE   (needs numpy and scikit-learn; their versions go into the fixture)
"""

import json
import sys

import numpy
import sklearn
from sklearn.svm import SVC


def confidences(random, count, sharpness):
    """Probabilities as a trained classifier gives them: most near 1, a tail to 0. As float32, with few digits."""
    values = 1 - random.beta(0.25, sharpness, count)
    return numpy.round(values, 6).astype(numpy.float32)


def svc(case):
    members, others = case["retain"][: len(case["test"])], case["test"]
    features = numpy.concatenate([members, others]).astype(numpy.float64).reshape(-1, 1)
    labels = numpy.concatenate([numpy.ones(len(members)), numpy.zeros(len(others))])
    machine = SVC(C=3, gamma="auto", kernel="rbf").fit(features, labels)
    forget = case["forget"].astype(numpy.float64).reshape(-1, 1)
    # Both sides stop within a tolerance: a sample that lies on the border itself proves nothing.
    margin = float(numpy.abs(machine.decision_function(forget)).min())
    return 100 * float(numpy.mean(machine.predict(forget) == 0)), margin


def threshold(case):
    members, others = case["retain"][: len(case["test"])], case["test"]
    best, chosen = -1, None
    for value in sorted(set(members) | set(others) | {numpy.float32(numpy.inf)}, reverse=True):
        score = int((members >= value).sum()) * len(others) + int((others < value).sum()) * len(members)
        if score > best:
            best, chosen = score, value
    return 100 * float(numpy.mean(case["forget"] < chosen)), float(chosen)


def main(fixture):
    cases = []
    for name, seed, retain, test, forget in [
        ("overfitted", 1, (700, 30.0), (500, 1.5), (200, 12.0)),
        ("barely overfitted", 2, (400, 6.0), (400, 4.0), (150, 5.0)),
        ("more forgotten than kept", 3, (150, 20.0), (100, 2.0), (300, 2.0)),
    ]:
        random = numpy.random.RandomState(seed)
        case = {
            "retain": confidences(random, *retain),
            "test": confidences(random, *test),
            "forget": confidences(random, *forget),
        }
        percent, margin = svc(case)
        if margin < 1e-3:
            sys.exit(f"case '{name}' has a sample {margin} from the border; choose another seed")
        plain, value = threshold(case)
        cases.append(
            {"name": name, "svc": percent, "margin": margin, "threshold": value, "thresholdPercent": plain}
            | {key: [float(str(x)) for x in values] for key, values in case.items()}
        )
    versions = {"python": sys.version.split()[0], "numpy": numpy.__version__, "scikit-learn": sklearn.__version__}
    with open(fixture, "w", encoding="utf-8") as out:
        json.dump({"made by": "scripts/reference/mia.py", "versions": versions, "cases": cases}, out)
        out.write("\n")
    for case in cases:
        print(case["name"], case["svc"], case["margin"], case["thresholdPercent"], case["threshold"])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
