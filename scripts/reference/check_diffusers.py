#!/usr/bin/env python3
"""Makes a folder as diffusers saves it, or loads one that Lethe wrote and compares predictions.

Usage: check_diffusers.py make FOLDER SAMPLES     a small pipeline with random weights, and what its network predicts
       check_diffusers.py load FOLDER SAMPLES     load FOLDER as a pipeline, and compare

SAMPLES is a safetensors file: `images` [N, C, H, W], `timesteps` [N] and `predicted` like the images. Needs torch, diffusers
and safetensors.
"""

import json
import pathlib
import sys

import torch
from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel
from safetensors.torch import load_file, save_file


def make(folder, samples):
    torch.manual_seed(1)
    network = UNet2DModel(
        sample_size=16, in_channels=3, out_channels=3, block_out_channels=(8, 16, 16), layers_per_block=2,
        down_block_types=("DownBlock2D", "AttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "AttnUpBlock2D", "UpBlock2D"), norm_num_groups=4, attention_head_dim=8)
    pipeline = DDPMPipeline(network, DDPMScheduler(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012))
    pipeline.save_pretrained(folder)
    # What somebody else's tools may have left there.
    for name in ["unet/config.json", "scheduler/scheduler_config.json"]:
        path = pathlib.Path(folder) / name
        path.write_text(json.dumps({"x_note": ["ü", 1e-07, None], **json.loads(path.read_text())}, indent=4))
    images, timesteps = torch.randn(4, 3, 16, 16), torch.tensor([0, 10, 500, 999])
    with torch.no_grad():
        predicted = network.eval()(images, timesteps).sample
    save_file({"images": images, "timesteps": timesteps, "predicted": predicted}, samples)
    print(f"{sum(p.numel() for p in network.parameters())} parameters written")


def load(folder, samples):
    pipeline = DDPMPipeline.from_pretrained(folder, use_safetensors=True)
    pipeline.set_progress_bar_config(disable=True)
    given = load_file(samples)
    with torch.no_grad():
        predicted = pipeline.unet.eval()(given["images"], given["timesteps"]).sample
    worst = (predicted - given["predicted"]).abs().max().item() / predicted.abs().max().item()
    print(f"{type(pipeline.scheduler).__name__}, {pipeline.scheduler.config.beta_schedule}: "
          f"predictions differ by at most {worst:.2e} of the largest")
    if not worst <= 1e-5:
        sys.exit("error: the predictions differ by more than 1e-5 of the largest")
    image = pipeline(num_inference_steps=2, output_type="np").images
    print(f"{image.shape[1]}×{image.shape[2]} pixels drawn")


if __name__ == "__main__":
    {"make": make, "load": load}[sys.argv[1]](*sys.argv[2:])
