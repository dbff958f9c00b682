#!/usr/bin/env python3
"""Writes the reference for metrics of generated images, of likelihoods under diffusion models, and of Inception-v3.

Usage: generation.py FOLDER   (needs numpy, scipy, scikit-learn, torch, torchvision, pytorch-fid and torch-fidelity; their
                               versions go into the fixtures)

FOLDER gets generation.json, nll.json and inception.json.
"""

import importlib.metadata
import json
import pathlib
import sys

import numpy
import scipy.integrate
import scipy.linalg
import scipy.special
import scipy.stats
import torch
from scipy.spatial.distance import cdist
from sklearn.metrics.pairwise import cosine_similarity, polynomial_kernel
from sklearn.neighbors import NearestNeighbors

from lethe_random import Stream

MASK32 = (1 << 32) - 1


# Distances between sets of features


def frechet(x, y):
    """With SciPy's square root of a matrix; for regular covariances only."""
    first, second = (numpy.cov(z, rowvar=False) for z in (x, y))
    root = scipy.linalg.sqrtm(first @ second)
    assert numpy.abs(root.imag).max() < 1e-9
    difference = x.mean(0) - y.mean(0)
    return float(difference @ difference + numpy.trace(first + second - 2 * root.real))


def frechet_symmetric(x, y):
    """With the eigenvalues of the symmetric product, which singular covariances have too."""
    first, second = (numpy.cov(z, rowvar=False) for z in (x, y))
    values, vectors = numpy.linalg.eigh(first)
    root = (vectors * numpy.sqrt(numpy.clip(values, 0, None))) @ vectors.T
    product = numpy.linalg.eigvalsh(root @ second @ root)
    difference = x.mean(0) - y.mean(0)
    trace = numpy.sqrt(numpy.clip(product, 0, None)).sum()
    return float(difference @ difference + numpy.trace(first) + numpy.trace(second) - 2 * trace)


def kernel_distance(x, y, count, size, seed):
    values = []
    for subset in range(count):
        stream = Stream(seed, "kid.subset", subset)
        a, b = (z[stream.shuffled(range(len(z)))[:size]] for z in (x, y))

        def kernel(p, q):
            return polynomial_kernel(p, q, degree=3, gamma=1 / p.shape[1], coef0=1)

        def within(p):
            k = kernel(p, p)
            return (k.sum() - numpy.trace(k)) / (size * (size - 1))

        values.append(within(a) + within(b) - 2 * kernel(a, b).mean())
    return {"count": count, "size": size, "seed": seed, "value": float(numpy.mean(values)),
            "deviation": float(numpy.std(values))}


def coverage(points, others, neighbours):
    """How many points lie within a ball of the others."""
    distances, _ = NearestNeighbors(n_neighbors=neighbours + 1, algorithm="brute").fit(others).kneighbors(others)
    radii = distances[:, neighbours]
    return int((cdist(points, others) <= radii).any(1).sum())


def score(probabilities, splits, seed):
    order = Stream(seed, "inception-score.order").shuffled(range(len(probabilities)))
    n, scores = len(order), []
    for split in range(splits):
        part = probabilities[order[split * n // splits : (split + 1) * n // splits]]
        mean = part.mean(0)
        scores.append(numpy.exp(numpy.mean([scipy.stats.entropy(row, mean) for row in part])))
    return {"splits": splits, "seed": seed, "value": float(numpy.mean(scores)), "deviation": float(numpy.std(scores))}


def generation(random):
    real = numpy.round(random.normal(0, 1, (60, 8)) @ random.normal(0, 0.6, (8, 8)) + random.normal(0, 1, 8), 4)
    generated = numpy.round(random.normal(0, 1.2, (45, 8)) @ random.normal(0, 0.6, (8, 8)), 4)
    # Fewer images than features.
    few, fewer = numpy.round(random.normal(0, 1, (6, 8)), 4), numpy.round(random.normal(0.3, 1, (5, 8)), 4)
    assert abs(frechet(generated, real) - frechet_symmetric(generated, real)) < 1e-9
    logits = numpy.round(random.normal(0, 2.5, (57, 5)), 3)
    logits[3] = [900, -900, 0, 0, 0]
    probabilities = scipy.special.softmax(logits, 1)
    targets = numpy.round(random.uniform(-1, 1, (3, 2, 3, 4)), 3)
    images = numpy.round(random.uniform(-1.4, 1.4, (40, 2, 3, 4)), 3)
    images[:5] = numpy.round(targets[[0, 1, 2, 0, 1]] + random.normal(0, 0.1, (5, 2, 3, 4)), 3)
    pixels = [numpy.clip(z / 2 + 0.5, 0, 1).reshape(len(z), -1) for z in (images, targets)]
    betas = numpy.linspace(1e-4, 0.02, 1000)
    kept = numpy.cumprod(1 - betas)
    timesteps = [(2 * k + 1) * 1000 // 8 for k in range(4)]
    losses = []
    for image in range(3):
        errors = []
        for place, t in enumerate(timesteps):
            seed = Stream(5, "denoising-loss.noise", image * 4 + place).next64()
            noise = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(seed)).double().numpy()
            noisy = numpy.sqrt(kept[t]) * images[image] + numpy.sqrt(1 - kept[t]) * noise
            # The network of this test: a tenth of its input, and the timestep in thousands.
            errors.append(numpy.mean((noise - (0.1 * noisy + t / 1000)) ** 2))
        losses.append(float(numpy.mean(errors)))
    wilson = [(0, 30720), (3, 40), (40, 40), (227, 30720)]
    return {
        "real": real.tolist(), "generated": generated.tolist(), "few": few.tolist(), "fewer": fewer.tolist(),
        "fid": frechet(generated, real), "fidOfFew": frechet_symmetric(few, fewer),
        "mean": real.mean(0).tolist(), "covariance": numpy.cov(real, rowvar=False).tolist(),
        "kid": [kernel_distance(generated, real, 7, 20, 3), kernel_distance(generated, real, 1, 45, 4)],
        "neighbours": [
            {"k": k, "precision": coverage(generated, real, k), "recall": coverage(real, generated, k)} for k in (1, 3, 5)
        ],
        "logits": logits.tolist(), "scores": [score(probabilities, 10, 11), score(probabilities, 1, 12)],
        "probability": float(probabilities[:, 2].mean()),
        "entropy": float(scipy.stats.entropy(probabilities, axis=1).mean()),
        "targets": targets.tolist(), "images": images.tolist(), "distances": cdist(*pixels).min(1).tolist(),
        "cosines": numpy.diag(cosine_similarity(real[:45], generated)).tolist(),
        "pixelDistances": numpy.linalg.norm(pixels[0][:20] - pixels[0][20:], axis=1).tolist(),
        "timesteps": timesteps, "losses": losses,
        "wilson": [
            {"count": k, "of": n, "low": float(low), "high": float(high)}
            for k, n in wilson
            for low, high in [scipy.stats.binomtest(k, n).proportion_ci(0.95, "wilson")]
        ],
    }


# Likelihood by the probability-flow equation


def likelihood(random):
    size, hidden = 12, 10
    weights = {
        "first": numpy.round(random.normal(0, 0.4, (hidden, size)), 4), "bias": numpy.round(random.normal(0, 1, hidden), 4),
        "time": numpy.round(random.normal(0, 2, hidden), 4), "second": numpy.round(random.normal(0, 0.2, (size, hidden)), 4),
    }
    betas = numpy.linspace(0.1 / 1000, 20 / 1000, 1000)
    deviations = numpy.sqrt(1 - numpy.cumprod(1 - betas))

    def network(x, label):
        """Noise and Jacobian."""
        inner = numpy.tanh(weights["first"] @ x + weights["bias"] + weights["time"] * label / 999)
        jacobian = (weights["second"] * (1 - inner**2)) @ weights["first"] + 0.8 * deviations[label] * numpy.eye(size)
        return weights["second"] @ inner + 0.8 * deviations[label] * x, jacobian

    def signs(seed, probe):
        words = Stream(seed, "nll.probe", probe).words
        word = next(words)
        return numpy.array([1.0 if word >> i & 1 else -1.0 for i in range(size)])

    def measure(image, probes, tolerance):
        def slope(time, state):
            label = int(999 * time)
            half = -0.5 * (0.1 + time * 19.9)
            noise, jacobian = network(state[:size], label)
            flow = half * (numpy.eye(size) - jacobian / deviations[label])
            drift = half * (state[:size] - noise / deviations[label])
            traces = [numpy.trace(flow)] if probes is None else [v @ flow @ v for v in probes]
            return numpy.concatenate([drift, traces])

        begin = numpy.concatenate([image, numpy.zeros(1 if probes is None else len(probes))])
        found = scipy.integrate.solve_ivp(slope, (1e-5, 1), begin, method="RK45", rtol=tolerance, atol=tolerance)
        assert found.success
        end = found.y[:, -1]
        density = -0.5 * (size * numpy.log(2 * numpy.pi) + (end[:size] ** 2).sum())
        bits = -(density + end[size:]) / (size * numpy.log(2)) + 7
        return {"bits": float(bits.mean()), "each": bits.tolist(), "evaluations": int(found.nfev)}

    images = numpy.round(random.uniform(-1, 1, (2, size)), 3)
    probes = [signs(9, p) for p in range(3)]
    return {
        **{name: value.tolist() for name, value in weights.items()}, "images": images.tolist(), "seed": 9,
        "one": [measure(x, probes[:1], 1e-5) for x in images], "three": [measure(x, probes, 1e-5) for x in images],
        "exact": [measure(x, None, 1e-5) for x in images],
    }


# Inception-v3 with weights that any language can write down


def mixed(name, count):
    """Numbers in [0, 1) from a name: MurmurHash3's finaliser over multiples of the golden ratio, from FNV-1a of the name."""
    start = 0x811C9DC5
    for byte in name.encode():
        start = (start ^ byte) * 0x01000193 & MASK32
    x = (numpy.arange(count, dtype=numpy.uint64) * 0x9E3779B9 + start) & MASK32
    x ^= x >> numpy.uint64(16)
    x = x * 0x85EBCA6B & MASK32
    x ^= x >> numpy.uint64(13)
    x = x * 0xC2B2AE35 & MASK32
    x ^= x >> numpy.uint64(16)
    return x / 2.0**32


def weight(name, shape):
    """In single precision, as files of weights have it."""
    count = int(numpy.prod(shape))
    u = torch.from_numpy(mixed(name, count)).reshape(shape)
    if name.startswith("fc."):
        return ((u - 0.5) * 0.05).float()
    if name.endswith("conv.weight"):
        return ((u - 0.5) * (24 / (count / shape[0])) ** 0.5).float()
    if name.endswith("bn.weight") or name.endswith("running_var"):
        return (u + 0.5).float()
    return ((u - 0.5) * 0.2).float()


def summary(values):
    flat = values.double().flatten()
    sines = torch.arange(1, flat.numel() + 1, dtype=torch.double).sin()
    return {"first": flat[:24].tolist(), "norm": flat.norm().item(), "projection": (flat * sines).sum().item()}


def inception():
    import pytorch_fid.inception as fid
    from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x

    bare = fid._inception_v3(num_classes=1008, aux_logits=False, weights=None)
    state = {
        name: tensor if name.endswith("num_batches_tracked") else weight(name, tensor.shape)
        for name, tensor in bare.state_dict().items()
    }
    fid.load_state_dict_from_url = lambda *_, **__: state
    shape = (2, 3, 24, 20)
    images = torch.from_numpy(mixed("images", 2 * 3 * 24 * 20)).reshape(shape) * 2 - 1
    levels = ((images + 1) * 127.5).round()
    result = {"shape": shape, "weights": sum(t.numel() for n, t in state.items() if "num_batches" not in n)}
    with torch.no_grad():
        plain = fid.InceptionV3([3]).double().eval()
        result["pytorch-fid"] = summary(plain(levels / 255)[0].flatten(1))
        plain.resize_input = plain.normalize_input = False
        resized = interpolate_bilinear_2d_like_tensorflow1x(levels, size=(299, 299), align_corners=False)
        features = plain((resized - 128) / 128)[0].flatten(1)
        result["tensorflow"] = summary(features)
        result["logits"] = summary(features @ state["fc.weight"].double().T)
    return result


def main(folder):
    versions = {"python": sys.version.split()[0]}
    for package in ("numpy", "scipy", "scikit-learn", "torch", "torchvision", "pytorch-fid", "torch-fidelity"):
        versions[package] = importlib.metadata.version(package)
    random = numpy.random.RandomState(17)
    parts = {"generation": generation(random), "nll": likelihood(random), "inception": inception()}
    for name, content in parts.items():
        with open(pathlib.Path(folder) / f"{name}.json", "w", encoding="utf-8") as out:
            json.dump({"made by": "scripts/reference/generation.py", "versions": versions, **content}, out)
            out.write("\n")


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    main(sys.argv[1])
