#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times one step on a diffusion model in plain PyTorch and diffusers, in the style of published scripts.

  diffusion_step.py MODE --count 20     prints {"mode": ..., "seconds": [...], ...}
  diffusion_step.py MODE --serve        prints one line "ready" and then, for each line "go" on its input, does one step and
                                        prints its seconds; ends with the input. `lethe bench diffusion` alternates with it so.

MODE is
  naive     one deletion step: add noise, predict it, mean over the batch of the summed squared error, backward, clip, AdamW
  two-gradients
            SISS as the published script has it: one forward pass on a mixture, importance weights by exponentials of
            distances, two backward passes over the same graph, each gradient cloned, combined, clipped, AdamW
  sampling  64 images by five DDIM steps of diffusers' scheduler

The network is diffusers' UNet2DModel of the T-shirt experiment, widths 64/128/256. What published scripts print every step
is left out.
"""

import argparse
import json
import sys
import time

import diffusers
import torch
from diffusers import DDIMScheduler, DDPMScheduler, UNet2DModel

MODES = ["naive", "two-gradients", "sampling"]


def network():
    return UNet2DModel(
        sample_size=28, in_channels=1, out_channels=1, layers_per_block=2, block_out_channels=(64, 128, 256),
        down_block_types=("DownBlock2D", "AttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "AttnUpBlock2D", "UpBlock2D"))


class Step:
    """A network and an optimizer; calling it does one step and gives its seconds."""

    def __init__(self, mode, batch, device):
        torch.manual_seed(1)
        self.mode = mode
        self.device = torch.device(device)
        self.net = network().to(self.device).train()
        self.noise = DDPMScheduler(num_train_timesteps=1000)
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=5e-5, betas=(0.95, 0.999), weight_decay=1e-6)
        self.kept = torch.rand(batch, 1, 28, 28, device=self.device) * 2 - 1
        self.forgotten = torch.rand(1, 1, 28, 28, device=self.device).expand(batch, -1, -1, -1) * 2 - 1
        bars = self.noise.alphas_cumprod.to(self.device)
        self.gamma, self.sigma = bars.sqrt(), (1 - bars).sqrt()
        self.sampler = DDIMScheduler(num_train_timesteps=1000)

    def synchronize(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def __call__(self):
        self.synchronize()
        start = time.perf_counter()
        getattr(self, self.mode.replace("-", "_"))()
        self.synchronize()
        return time.perf_counter() - start

    def finish(self):
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()

    def naive(self):
        t = torch.randint(0, 1000, (len(self.kept),), device=self.device)
        eps = torch.randn_like(self.kept)
        predicted = self.net(self.noise.add_noise(self.kept, eps, t), t).sample
        (predicted - eps).square().sum(dim=(1, 2, 3)).mean().backward()
        self.finish()

    def two_gradients(self, lam=0.5, scale=5.0):
        x, a = self.kept, self.forgotten
        t = torch.randint(0, 1000, (len(x),), device=self.device)
        eps = torch.randn_like(x)
        gamma = self.gamma[t].view(-1, 1, 1, 1)
        sigma = self.sigma[t].view(-1, 1, 1, 1)
        takes_x = (torch.rand(len(x), device=self.device) > lam).view(-1, 1, 1, 1)
        m = torch.where(takes_x, self.noise.add_noise(x, eps, t), self.noise.add_noise(a, eps, t))
        predicted = self.net(m, t).sample
        with torch.no_grad():
            eps_x, eps_a = (m - gamma * x) / sigma, (m - gamma * a) / sigma
            distance_x = eps_x.square().sum(dim=(1, 2, 3)) / 2
            distance_a = eps_a.square().sum(dim=(1, 2, 3)) / 2
            w_x = 1 / ((1 - lam) + lam * torch.exp(distance_x - distance_a))
            w_a = 1 / ((1 - lam) * torch.exp(distance_a - distance_x) + lam)
        loss_x = (w_x * (predicted - eps_x).square().sum(dim=(1, 2, 3))).mean()
        loss_a = (w_a * (predicted - eps_a).square().sum(dim=(1, 2, 3))).mean()
        loss_x.backward(retain_graph=True)
        g_x = [p.grad.clone() for p in self.net.parameters()]
        self.optimizer.zero_grad()
        loss_a.backward()
        g_a = [p.grad.clone() for p in self.net.parameters()]
        norm = torch.sqrt(sum(g.square().sum() for g in g_a))
        for p, keep, forget in zip(self.net.parameters(), g_x, g_a):
            p.grad = keep - scale / norm * forget
        self.finish()

    @torch.no_grad()
    def sampling(self):
        self.sampler.set_timesteps(5)
        image = torch.randn(64, 1, 28, 28, device=self.device)
        for t in self.sampler.timesteps:
            image = self.sampler.step(self.net(image, t).sample, t, image).prev_sample


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=MODES)
    parser.add_argument("--serve", action="store_true", help="one step for each line 'go'")
    parser.add_argument("--count", type=int, default=10, help="steps to time [10]")
    parser.add_argument("--warmup", type=int, default=1, help="steps before the first timed one [1]")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    step = Step(options.mode, options.batch, options.device)
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
    print(json.dumps({"mode": options.mode, "batch": options.batch, "threads": torch.get_num_threads(),
                      "torch": torch.__version__, "diffusers": diffusers.__version__, "seconds": seconds}))


if __name__ == "__main__":
    main()
