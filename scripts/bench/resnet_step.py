#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times one SGD step of ResNet-18 (3x3 stem for 32x32 images) in plain PyTorch.

Two ways to run it:

  resnet_step.py MODE --count 20     prints {"mode": ..., "seconds": [...], ...}
  resnet_step.py MODE --serve        prints one line "ready" and then, for each line "go" on its input, does one step and
                                     prints its seconds; ends with the input. `lethe bench` alternates with it so.

MODE is fp32-default, fp32-channels-last or bf16-channels-last (autocast). The step is the one Lethe's engine does:
forward, cross entropy, backward, fused SGD with momentum 0.9 and weight decay 5e-4, gradients set to None.
`--graph` records the step as a CUDA graph and times replays: what launching its operators one by one costs.
"""

import argparse
import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

MODES = ["fp32-default", "fp32-channels-last", "bf16-channels-last"]


class Block(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)), inplace=True)
        return F.relu(self.bn2(self.conv2(x)) + shortcut, inplace=True)


class ResNet18(nn.Module):
    """Eight blocks in four stages; the stem keeps the resolution."""

    def __init__(self, width=64, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        stages, inputs = [], width
        for stage in range(4):
            outputs = width << stage
            stages.append(nn.Sequential(Block(inputs, outputs, 1 if stage == 0 else 2), Block(outputs, outputs, 1)))
            inputs = outputs
        self.layers = nn.Sequential(*stages)
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        x = self.layers(F.relu(self.bn1(self.conv1(x)), inplace=True))
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))


class Step:
    """A model, one batch and an optimizer; calling it does one step and gives its seconds."""

    def __init__(self, mode, batch, width, device, with_graph=False):
        torch.manual_seed(1)
        self.device = torch.device(device)
        layout = torch.contiguous_format if mode == "fp32-default" else torch.channels_last
        self.autocast = mode.startswith("bf16")
        # A graph keeps addresses, so casts of weights must not outlive the step that made them.
        self.with_graph = with_graph
        self.model = ResNet18(width).to(self.device, memory_format=layout).train()
        self.images = torch.randn(batch, 3, 32, 32, device=self.device).contiguous(memory_format=layout)
        self.labels = torch.randint(0, 10, (batch,), device=self.device)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4, fused=True)
        self.graph = self.recorded() if with_graph else None

    def recorded(self):
        """The step as a graph, recorded after three steps on a stream of their own."""
        with torch.cuda.device(self.device):
            stream = torch.cuda.Stream()
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                for _ in range(3):
                    self.step()
            torch.cuda.current_stream().wait_stream(stream)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                self.step()
        return graph

    def step(self):
        with torch.autocast(
            self.device.type, dtype=torch.bfloat16, enabled=self.autocast, cache_enabled=not self.with_graph):
            loss = F.cross_entropy(self.model(self.images), self.labels)
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def synchronize(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def __call__(self):
        self.synchronize()
        start = time.perf_counter()
        if self.graph:
            self.graph.replay()
        else:
            self.step()
        self.synchronize()
        return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=MODES)
    parser.add_argument("--serve", action="store_true", help="one step for each line 'go'")
    parser.add_argument("--count", type=int, default=20, help="steps to time [20]")
    parser.add_argument("--warmup", type=int, default=2, help="steps before the first timed one [2]")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--graph", action="store_true", help="replay the step as a CUDA graph")
    parser.add_argument("--threads", type=int, default=0, help="0 = PyTorch's own choice")
    options = parser.parse_args()
    if options.graph and not options.device.startswith("cuda"):
        parser.error("--graph needs --device cuda")
    if options.threads > 0:
        torch.set_num_threads(options.threads)
    step = Step(options.mode, options.batch, options.width, options.device, options.graph)
    for _ in range(options.warmup):
        step()
    if options.serve:
        print("ready", flush=True)
        for line in sys.stdin:
            if line.strip() != "go":
                sys.exit(f"error: expected 'go', got '{line.strip()}'")
            print(f"{step():.6f}", flush=True)
        return
    seconds = [round(step(), 6) for _ in range(options.count)]
    print(json.dumps({"mode": options.mode, "batch": options.batch, "width": options.width, "device": options.device,
                      "graph": options.graph, "threads": torch.get_num_threads(), "torch": torch.__version__, "seconds": seconds}))


if __name__ == "__main__":
    main()
