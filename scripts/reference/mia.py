#!/usr/bin/env python3
"""Writes the reference for metrics that are functions of outputs.

Usage: mia.py ATTACKS FEATURES   (needs numpy, scipy and scikit-learn; their versions go into the fixtures)

ATTACKS has confidences, and what scikit-learn's SVC and a plain search say of them. FEATURES has logits of two models, the
features that attacks look at in forty digits, what SVC says of each, and how alike the models are by scipy.
"""

import decimal
import json
import sys

import numpy
import scipy
import sklearn
from scipy.special import log_softmax, rel_entr
from sklearn.svm import SVC


def confidences(random, count, sharpness):
    """Probabilities as a trained classifier gives them: most near 1, a tail to 0. As float32, with few digits."""
    values = 1 - random.beta(0.25, sharpness, count)
    return numpy.round(values, 6).astype(numpy.float32)


def attack(retain, test, forget, features=1):
    """Percent of the forget set taken for non-members, and how near the nearest sample is to the border."""
    retain, test, forget = (
        numpy.asarray(values, dtype=numpy.float64).reshape(-1, features) for values in (retain, test, forget)
    )
    members = retain[: len(test)]
    labels = numpy.concatenate([numpy.ones(len(members)), numpy.zeros(len(test))])
    machine = SVC(C=3, gamma="auto", kernel="rbf").fit(numpy.concatenate([members, test]), labels)
    # Both sides stop within a tolerance: a sample that lies on the border itself proves nothing.
    margin = float(numpy.abs(machine.decision_function(forget)).min())
    return 100 * float(numpy.mean(machine.predict(forget) == 0)), margin


def svc(case):
    return attack(case["retain"], case["test"], case["forget"])


def threshold(case):
    members, others = case["retain"][: len(case["test"])], case["test"]
    best, chosen = -1, None
    for value in sorted(set(members) | set(others) | {numpy.float32(numpy.inf)}, reverse=True):
        score = int((members >= value).sum()) * len(others) + int((others < value).sum()) * len(members)
        if score > best:
            best, chosen = score, value
    return 100 * float(numpy.mean(case["forget"] < chosen)), float(chosen)


def logits(random, labels, classes, sharpness, noise):
    """Outputs of a classifier that is more or less sure of the true label. As float32, with few digits."""
    values = noise * random.standard_normal((len(labels), classes))
    values[numpy.arange(len(labels)), labels] += sharpness * random.beta(2, 1, len(labels))
    return numpy.round(values, 3).astype(numpy.float32)


def features(outputs, labels):
    """The features of each sample by their definitions, from the softmax in forty digits, but for the published form."""
    decimal.getcontext().prec = 40
    found = {"correctness": [], "confidence": [], "entropy": [], "modifiedEntropy": [], "probabilities": []}
    for row, label in zip(outputs, labels):
        powers = [decimal.Decimal(float(value)).exp() for value in row]
        p = [power / sum(powers) for power in powers]
        # 1 - p as the sum of the others, which keeps its digits.
        rest = [sum(powers[:j] + powers[j + 1:]) / sum(powers) for j in range(len(p))]
        found["correctness"].append(int(int(numpy.argmax(row)) == label))
        found["confidence"].append(float(p[label]))
        found["entropy"].append(float(-sum(x * x.ln() for x in p)))
        found["modifiedEntropy"].append(
            float(-rest[label] * p[label].ln() - sum(x * r.ln() for j, (x, r) in enumerate(zip(p, rest)) if j != label))
        )
        found["probabilities"].append([float(x) for x in p])
    # As SVC_MIA.py computes it, in single precision: every column that is a label of the group is taken for the true one,
    # and the logarithm is that of p in both sums.
    p = numpy.exp(outputs - outputs.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    log = numpy.log(numpy.where(p > 0, p, numpy.float32(1e-30)))
    occurs = numpy.isin(numpy.arange(outputs.shape[1]), labels)
    found["publishedModifiedEntropy"] = (-(numpy.where(occurs, 1 - p, p) * log).sum(axis=1)).astype(float).tolist()
    return found


def feature_case(name, seed, classes, sizes, sharpness, noise, forgotten=None):
    random = numpy.random.RandomState(seed)
    case = {"name": name, "classes": classes, "labels": {}, "logits": {}, "features": {}, "svc": {}}
    for part, size, sharp in zip(["retain", "test", "forget"], sizes, sharpness):
        labels = random.randint(0, classes, size)
        if part == "forget" and forgotten is not None:
            labels[:] = forgotten
        outputs = logits(random, labels, classes, sharp, noise)
        case["labels"][part] = labels.tolist()
        case["logits"][part] = outputs
        group = sizes[1] if part == "retain" else size
        case["features"][part] = features(outputs[:group], labels[:group])
    for feature in case["features"]["forget"]:
        width = classes if feature == "probabilities" else 1
        case["svc"][feature], margin = attack(
            *(case["features"][part][feature] for part in ["retain", "test", "forget"]), width
        )
        if margin < 1e-3:
            sys.exit(f"case '{name}' has a sample {margin} from the border of '{feature}'; choose another seed")
        print(name, feature, case["svc"][feature], margin)
    other = logits(random, numpy.array(case["labels"]["forget"]), classes, sharpness[1], noise)
    p, q = (numpy.exp(log_softmax(z.astype(float), axis=1)) for z in (case["logits"]["forget"], other))
    case["other"] = [[float(str(x)) for x in row] for row in other]
    case["agreement"] = 100 * float(numpy.mean(p.argmax(axis=1) == q.argmax(axis=1)))
    middle = (p + q) / 2
    case["divergence"] = float(numpy.mean((rel_entr(p, middle) + rel_entr(q, middle)).sum(axis=1) / 2))
    case["logits"] = {part: [[float(str(x)) for x in row] for row in rows] for part, rows in case["logits"].items()}
    return case


def write(fixture, cases):
    versions = {
        "python": sys.version.split()[0],
        "numpy": numpy.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
    }
    with open(fixture, "w", encoding="utf-8") as out:
        json.dump({"made by": "scripts/reference/mia.py", "versions": versions, "cases": cases}, out)
        out.write("\n")


def main(attacks, features_of_models):
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
    write(attacks, cases)
    for case in cases:
        print(case["name"], case["svc"], case["margin"], case["thresholdPercent"], case["threshold"])
    write(
        features_of_models,
        [
            feature_case("four classes", 1, 4, (90, 70, 40), (7.0, 4.0, 5.0), 1.0),
            feature_case("one class forgotten, probabilities that are 0", 2, 5, (60, 60, 30), (240.0, 120.0, 130.0), 60.0, 3),
        ],
    )


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
