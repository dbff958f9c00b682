#!/usr/bin/env python3
"""Loads a ResNet-18 that Lethe wrote into torchvision's, strictly, and compares logits.

Usage: check_torchvision.py WEIGHTS [SAMPLES]   (needs torch, torchvision and safetensors)

SAMPLES is a safetensors file with `images` [N, C, H, W] in [0, 1] and the `logits` [N, classes] that Lethe gives.
"""

import json
import sys

import torch
import torchvision
from safetensors import safe_open
from safetensors.torch import load_file


def main(weights, samples=None):
    with safe_open(weights, "pt") as file:
        metadata = file.metadata()
    state = load_file(weights)
    model = torchvision.models.resnet18(num_classes=state["fc.weight"].shape[0])
    channels = state["conv1.weight"].shape[1]
    model.conv1 = torch.nn.Conv2d(channels, 64, 3, 1, 1, bias=False)
    model.maxpool = torch.nn.Identity()
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
