#!/usr/bin/env python3
"""Loads a ResNet-18 or VGG-16 that Lethe wrote into torchvision's, strictly, and compares logits.

Usage: check_torchvision.py WEIGHTS [SAMPLES]   (needs torch, torchvision and safetensors)

SAMPLES is a safetensors file with `images` [N, C, H, W] in [0, 1] and the `logits` [N, classes] that Lethe gives.
"""

import json
import sys

import torch
import torchvision
from safetensors import safe_open
from safetensors.torch import load_file


def resnet18(state):
    """torchvision's, with the stem for small images."""
    model = torchvision.models.resnet18(num_classes=state["fc.weight"].shape[0])
    model.conv1 = torch.nn.Conv2d(state["conv1.weight"].shape[1], 64, 3, 1, 1, bias=False)
    model.maxpool = torch.nn.Identity()
    return model


def vgg16_bn_lth(state):
    """torchvision's without its fifth pooling, with one linear layer."""
    model = torchvision.models.vgg16_bn()
    model.features = model.features[:43]
    model.features[0] = torch.nn.Conv2d(state["features.0.weight"].shape[1], 64, 3, padding=1)
    model.avgpool = torch.nn.AdaptiveAvgPool2d(1)
    model.classifier = torch.nn.Linear(512, state["classifier.weight"].shape[0])
    return model


def vgg16_bn(state):
    """torchvision's without its fifth pooling and the biases of its convolutions, with three small linear layers."""
    model = vgg16_bn_lth({**state, "classifier.weight": state["classifier.4.weight"]})
    for module in model.features:
        if isinstance(module, torch.nn.Conv2d):
            module.bias = None
    model.avgpool = torch.nn.AdaptiveAvgPool2d(2)
    model.classifier = torch.nn.Sequential(
        torch.nn.Linear(2048, 256), torch.nn.ReLU(), torch.nn.Linear(256, 256), torch.nn.ReLU(),
        torch.nn.Linear(256, state["classifier.4.weight"].shape[0]))
    return model


def main(weights, samples=None):
    with safe_open(weights, "pt") as file:
        metadata = file.metadata()
    state = load_file(weights)
    model = {"resnet18": resnet18, "vgg16_bn": vgg16_bn, "vgg16_bn_lth": vgg16_bn_lth}[metadata["architecture"]](state)
    model.load_state_dict(state, strict=True)
    model.eval()
    print(f"{len(state)} tensors loaded, strict=True")
    if samples is None:
        return
    given = load_file(samples)
    constants = json.loads(metadata["normalisation"])
    mean, std = (torch.tensor(constants[key]).view(1, -1, 1, 1) for key in ("mean", "std"))
    with torch.no_grad():
        logits = model((given["images"] - mean) / std)
    worst = (logits - given["logits"]).abs().max().item() / given["logits"].abs().max().item()
    print(f"logits differ by at most {worst:.2e} of the largest")
    if not worst <= 1e-5:
        sys.exit("error: the logits differ by more than 1e-5 of the largest")


if __name__ == "__main__":
    main(*sys.argv[1:])
