#!/usr/bin/env python3
"""Writes what diffusers makes of small U-Nets, noise schedules, samplers and moving averages.

Usage: diffusion.py FILE   (needs torch, diffusers and numpy)

Weights, images and noises are not stored: both sides compute them from their position (`uniform` below), exact in binary32.
All is computed in binary64, except the tables of the schedules and the embedding of timesteps, which diffusers keeps in
binary32.
"""

import json
import math
import pathlib
import sys

import diffusers
import numpy
import torch
from diffusers import DDIMScheduler, DDPMScheduler, UNet2DModel
from diffusers.training_utils import EMAModel

UNETS = {
    "plain": dict(
        sample_size=8, in_channels=1, out_channels=1, block_out_channels=(8, 16), layers_per_block=1,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"), up_block_types=("AttnUpBlock2D", "UpBlock2D"),
        norm_num_groups=4, attention_head_dim=4),
    "classes": dict(
        sample_size=(8, 4), in_channels=3, out_channels=2, block_out_channels=(6, 10, 14), layers_per_block=2,
        down_block_types=("AttnDownBlock2D", "DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "AttnUpBlock2D", "UpBlock2D"), norm_num_groups=2, norm_eps=1e-3,
        attention_head_dim=None, num_class_embeds=3, flip_sin_to_cos=False, freq_shift=1, downsample_padding=0,
        mid_block_scale_factor=1.5, center_input_sample=True),
    # The layout of google/ddpm-celebahq-256 at a small width.
    "six-levels": dict(
        sample_size=256, in_channels=3, out_channels=3, block_out_channels=(4, 4, 8, 8, 12, 12), layers_per_block=2,
        down_block_types=("DownBlock2D",) * 4 + ("AttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "AttnUpBlock2D") + ("UpBlock2D",) * 4, norm_num_groups=4, norm_eps=1e-6,
        attention_head_dim=None, flip_sin_to_cos=False, freq_shift=1, downsample_padding=0),
}


def uniform(number, shape):
    """Numbers in [-1, 1) that depend on `number` and their position: a hash of 32 bits, its upper 24 kept."""
    count = math.prod(shape)
    k = numpy.arange(1, count + 1, dtype=numpy.uint64)
    mask = numpy.uint64(0xFFFFFFFF)
    x = (k * numpy.uint64(0x9E3779B1) & mask) ^ numpy.uint64((number + 1) * 0x85EBCA6B & 0xFFFFFFFF)
    x ^= x >> numpy.uint64(15)
    x = x * numpy.uint64(0x2C1B3C6D) & mask
    x ^= x >> numpy.uint64(12)
    x = x * numpy.uint64(0x297A2D39) & mask
    x ^= x >> numpy.uint64(15)
    return torch.from_numpy((x >> numpy.uint64(8)).astype(numpy.float64) / 2**23 - 1).reshape(shape)


def set_weights(model):
    """Weights of layers of a size that keeps features of order 1; those of normalisations near 1; biases small."""
    with torch.no_grad():
        for number, (name, parameter) in enumerate(model.state_dict().items()):
            drawn = uniform(number, tuple(parameter.shape))
            if parameter.dim() > 1:
                drawn *= (3 / math.prod(parameter.shape[1:])) ** 0.5
            elif name.endswith("weight"):
                drawn = 1 + drawn / 4
            else:
                drawn = drawn / 4
            parameter.copy_(drawn.float())


def summary(tensor):
    flat = tensor.detach().double().flatten()
    weights = torch.arange(1, flat.numel() + 1, dtype=torch.double).sin()
    return [flat.norm().item(), (flat * weights).sum().item()]


def draw(model, seed):
    """First weights as Lethe draws them: parameter after parameter in the order of the state dictionary."""
    generator = torch.Generator().manual_seed(seed)
    fans = {}
    for name, parameter in model.state_dict().items():
        if name in ["class_embedding.weight", "classes_emb.weight", "null_classes_emb"]:
            parameter.normal_(generator=generator)
            continue
        if parameter.dim() > 1:
            bound = math.prod(parameter.shape[1:]) ** -0.5
            fans[name.removesuffix("weight") + "bias"] = bound
        elif name in fans:
            bound = fans[name]
        else:
            parameter.fill_(1.0 if name.endswith("weight") else 0.0)
            continue
        parameter.uniform_(-bound, bound, generator=generator)


def record(model, shape, timesteps, classes, outputs):
    """One forward pass, and gradients of half the mean squared difference to a fixed tensor."""
    shapes = [[name, list(t.shape)] for name, t in model.state_dict().items()]
    draw(model, 5)
    drawn = {name: summary(t) for name, t in model.state_dict().items()}
    set_weights(model)
    model.double().eval()
    x = uniform(900, shape)
    t = torch.tensor(timesteps)
    c = None if classes is None else torch.tensor(classes)
    out = model(x, t, c)
    out = out.sample if hasattr(out, "sample") else out
    target = uniform(901, tuple(out.shape))
    loss = ((out - target) ** 2).mean() / 2
    loss.backward()
    return {
        "shape": list(shape), "timesteps": timesteps, "classes": classes, "weights": shapes, "drawn_seed": 5,
        "drawn": drawn, "output_shape": list(out.shape), "output": out.detach().flatten().tolist() if outputs else None,
        "output_summary": summary(out), "loss": loss.item(),
        "gradients": {name: summary(p.grad) for name, p in model.named_parameters() if p.grad is not None},
    }


class Residual(torch.nn.Module):
    """Of the conditional network: GroupNorm of 32 groups, one shift by both embeddings."""

    def __init__(self, inputs, outputs, embedding):
        super().__init__()
        self.norm1 = torch.nn.GroupNorm(32, inputs, eps=1e-6)
        self.conv1 = torch.nn.Conv2d(inputs, outputs, 3, padding=1)
        self.temb_cemb_proj = torch.nn.Linear(embedding, outputs)
        self.norm2 = torch.nn.GroupNorm(32, outputs, eps=1e-6)
        self.conv2 = torch.nn.Conv2d(outputs, outputs, 3, padding=1)
        if inputs != outputs:
            self.nin_shortcut = torch.nn.Conv2d(inputs, outputs, 1)

    def forward(self, x, embedding):
        silu = torch.nn.functional.silu
        h = self.conv1(silu(self.norm1(x))) + self.temb_cemb_proj(silu(embedding))[:, :, None, None]
        h = self.conv2(silu(self.norm2(h)))
        return h + (self.nin_shortcut(x) if hasattr(self, "nin_shortcut") else x)


class Attention(torch.nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.norm = torch.nn.GroupNorm(32, channels, eps=1e-6)
        for name in ["q", "k", "v", "proj_out"]:
            self.add_module(name, torch.nn.Conv2d(channels, channels, 1))

    def forward(self, x):
        h = self.norm(x)
        q, k, v = (layer(h).flatten(2) for layer in (self.q, self.k, self.v))
        shares = torch.softmax(q.transpose(1, 2) @ k / x.shape[1] ** 0.5, dim=-1)
        return x + self.proj_out((v @ shares.transpose(1, 2)).reshape(x.shape))


class Conditional(torch.nn.Module):
    """The class-conditional U-Net of Heng & Soh's selective amnesia, at any width: names and order are its public code's."""

    def __init__(self, ch=128, multipliers=(1, 2, 2, 2), blocks=2, attending=(16,), channels=3, size=32, classes=10):
        super().__init__()
        module = torch.nn.Module
        self.null_classes_emb = torch.nn.Parameter(torch.zeros(ch))
        self.temb = module()
        self.temb.dense = torch.nn.ModuleList([torch.nn.Linear(ch, 4 * ch), torch.nn.Linear(4 * ch, 4 * ch)])
        self.classes_emb = torch.nn.Embedding(classes, ch)
        self.cemb = module()
        self.cemb.dense = torch.nn.ModuleList([torch.nn.Linear(ch, 4 * ch), torch.nn.Linear(4 * ch, 4 * ch)])
        self.conv_in = torch.nn.Conv2d(channels, ch, 3, padding=1)
        self.ch = ch
        self.down = torch.nn.ModuleList()
        width, widths = ch, [ch * m for m in multipliers]
        skips = [ch]
        for level, outputs in enumerate(widths):
            part = module()
            part.block, part.attn = torch.nn.ModuleList(), torch.nn.ModuleList()
            for _ in range(blocks):
                part.block.append(Residual(width, outputs, 8 * ch))
                width = outputs
                if size in attending:
                    part.attn.append(Attention(width))
                skips.append(width)
            if level + 1 < len(widths):
                part.downsample = module()
                part.downsample.conv = torch.nn.Conv2d(width, width, 3, stride=2)
                size //= 2
                skips.append(width)
            self.down.append(part)
        self.mid = module()
        self.mid.block_1, self.mid.attn_1 = Residual(width, width, 8 * ch), Attention(width)
        self.mid.block_2 = Residual(width, width, 8 * ch)
        parts = []
        for level, outputs in reversed(list(enumerate(widths))):
            part = module()
            part.block, part.attn = torch.nn.ModuleList(), torch.nn.ModuleList()
            for _ in range(blocks + 1):
                part.block.append(Residual(width + skips.pop(), outputs, 8 * ch))
                width = outputs
                if size in attending:
                    part.attn.append(Attention(width))
            if level > 0:
                part.upsample = module()
                part.upsample.conv = torch.nn.Conv2d(width, width, 3, padding=1)
                size *= 2
            parts.insert(0, part)
        self.up = torch.nn.ModuleList(parts)
        self.norm_out = torch.nn.GroupNorm(32, width, eps=1e-6)
        self.conv_out = torch.nn.Conv2d(width, channels, 3, padding=1)

    def forward(self, x, t, c):
        silu = torch.nn.functional.silu
        half = self.ch // 2
        angles = t.float()[:, None] * torch.exp(torch.arange(half, dtype=torch.float32) * -(math.log(10000) / (half - 1)))
        temb = self.temb.dense[1](silu(self.temb.dense[0](torch.cat([angles.sin(), angles.cos()], 1).to(x.dtype))))
        rows = torch.where((c >= 0)[:, None], self.classes_emb(c.clamp(min=0)), self.null_classes_emb)
        cemb = self.cemb.dense[1](silu(self.cemb.dense[0](rows)))
        embedding = torch.cat([temb, cemb], 1)
        hidden = [self.conv_in(x)]
        for part in self.down:
            for index, block in enumerate(part.block):
                h = block(hidden[-1], embedding)
                hidden.append(part.attn[index](h) if len(part.attn) else h)
            if hasattr(part, "downsample"):
                hidden.append(part.downsample.conv(torch.nn.functional.pad(hidden[-1], (0, 1, 0, 1))))
        h = self.mid.block_2(self.mid.attn_1(self.mid.block_1(hidden[-1], embedding)), embedding)
        for part in reversed(self.up):
            for index, block in enumerate(part.block):
                h = block(torch.cat([h, hidden.pop()], 1), embedding)
                h = part.attn[index](h) if len(part.attn) else h
            if hasattr(part, "upsample"):
                h = part.upsample.conv(torch.nn.functional.interpolate(h, scale_factor=2.0, mode="nearest"))
        return self.conv_out(silu(self.norm_out(h)))


def unets():
    found = {}
    for name, config in UNETS.items():
        model = UNet2DModel(**config)
        size = config["sample_size"]
        height, width = size if isinstance(size, tuple) else (size, size)
        count = 1 if name == "six-levels" else 3
        classes = [2, 0, 2] if "num_class_embeds" in config else None
        shape = (count, config["in_channels"], height, width)
        found[name] = {
            "config": model.to_json_string(),
            **record(model, shape, [999, 0, 417][:count], classes, outputs=name != "six-levels")}
    return found


def conditional():
    assert sum(p.numel() for p in Conditional().parameters()) == 38632323
    assert sum(p.numel() for p in Conditional(multipliers=(1, 2, 2, 2, 4), size=64).parameters()) == 83159683
    model = Conditional(ch=32, multipliers=(1, 2), blocks=1, attending=(4,), channels=2, size=8, classes=3)
    return record(model, (3, 2, 8, 8), [999, 0, 417], [2, -1, 0], outputs=True)


def schedules():
    found = []
    for shape, start, end, steps in [
        ("linear", 1e-4, 0.02, 1000), ("scaled_linear", 0.00085, 0.012, 1000), ("linear", 1e-3, 0.1, 7)
    ]:
        scheduler = DDPMScheduler(steps, beta_start=start, beta_end=end, beta_schedule=shape)
        places = sorted({0, 1, 2, steps // 3, steps // 2, steps - 2, steps - 1})
        abar = scheduler.alphas_cumprod
        x, noise = uniform(1, (len(places), 3)), uniform(2, (len(places), 3))
        noisy = scheduler.add_noise(x.float(), noise.float(), torch.tensor(places))
        found.append({
            "shape": shape.replace("_", "-"), "timesteps": steps, "beta_start": start, "beta_end": end,
            "places": places, "betas": scheduler.betas[places].tolist(), "alpha_bars": abar[places].tolist(),
            "noisy": noisy.flatten().tolist()})
    return found


def alpha_bars(start, end, steps):
    """A linear schedule's table as diffusers rounds it, without what vector units change in the last bit of β."""
    start, end = numpy.float32(start), numpy.float32(end)
    step = (end - start) / numpy.float32(steps - 1)
    k = numpy.arange(steps, dtype=numpy.float32)
    betas = numpy.where(k < steps // 2, start + step * k, end - step * (numpy.float32(steps - 1) - k))
    bars = numpy.cumprod((numpy.float32(1) - betas).astype(numpy.float64)).astype(numpy.float32)
    diffusers_own = DDPMScheduler(steps, beta_start=float(start), beta_end=float(end)).alphas_cumprod.numpy()
    assert numpy.allclose(bars, diffusers_own, rtol=2e-6, atol=0)
    return torch.from_numpy(bars.astype(numpy.float64))


def samplers():
    """Each step of a walk with an invented network: ε = tanh(x) / 2 + t / 2000."""
    found = []
    for kind, eta, steps, clip, variance in [
        ("ddpm", None, 10, False, "fixed_small"), ("ddpm", None, 7, True, "fixed_small"),
        ("ddpm", None, 1000, True, "fixed_small"), ("ddim", 0.0, 10, False, None), ("ddim", 0.5, 10, True, None),
        ("ddim", 1.0, 9, False, None), ("ddim", 1.0, 1000, False, None), ("ddpm", None, 10, False, "fixed_large"),
        ("ddpm", None, 1000, True, "fixed_large")
    ]:
        common = dict(beta_schedule="linear", clip_sample=clip)
        scheduler = DDPMScheduler(1000, variance_type=variance, **common) if kind == "ddpm" else DDIMScheduler(1000, **common)
        # diffusers' coefficients are differences of nearly equal binary32 numbers; here they are those of binary64.
        scheduler.alphas_cumprod = alpha_bars(1e-4, 0.02, 1000)
        scheduler.final_alpha_cumprod = torch.tensor(1.0, dtype=torch.double)
        scheduler.one = torch.tensor(1.0, dtype=torch.double)
        scheduler.set_timesteps(steps)
        x = uniform(10, (2, 1, 2, 2)) * 2
        walk = []
        for number, t in enumerate(scheduler.timesteps.tolist()):
            predicted = torch.tanh(x) / 2 + t / 2000
            noise = uniform(11 + number, tuple(x.shape))
            if kind == "ddpm":
                x = ddpm_step(scheduler, x, predicted, t, noise)
            else:
                x = scheduler.step(predicted, t, x, eta=eta, variance_noise=noise if eta > 0 else None).prev_sample
            walk.append(x.flatten().tolist())
        kept = range(len(walk)) if steps < 100 else [0, 1, 499, 998, 999]
        found.append({
            "kind": kind, "eta": eta, "steps": steps, "clip": clip, "variance": variance, "timesteps": scheduler.timesteps.tolist()[:12],
            "kept": list(kept), "walk": [walk[index] for index in kept]})
    return found


def ddpm_step(scheduler, x, predicted, t, noise):
    """The scheduler's own step, with its draw replaced by `noise`."""
    module = sys.modules["diffusers.schedulers.scheduling_ddpm"]
    before = module.randn_tensor
    module.randn_tensor = lambda *_, **__: noise
    try:
        return scheduler.step(predicted, t, x).prev_sample
    finally:
        module.randn_tensor = before


def averages():
    model = torch.nn.Linear(2, 3).double()
    found = []
    for power, highest in [(0.75, 0.9999), (2 / 3, 0.5)]:
        with torch.no_grad():
            for number, parameter in enumerate(model.parameters()):
                parameter.copy_(uniform(number, tuple(parameter.shape)))
        average = EMAModel(model.parameters(), decay=highest, use_ema_warmup=True, inv_gamma=1.0, power=power)
        steps = []
        for step in range(1, 7):
            with torch.no_grad():
                for number, parameter in enumerate(model.parameters()):
                    parameter.add_(uniform(10 * step + number, tuple(parameter.shape)))
            average.step(model.parameters())
            steps.append({
                "decay": average.cur_decay_value, "values": [v for p in average.shadow_params for v in p.flatten().tolist()]})
        counts = [1, 2, 3, 10, 100, 10000, 300000]
        found.append({
            "power": power, "highest": highest, "steps": steps, "counts": counts,
            "decays": [average.get_decay(count) for count in counts]})
    return found


def main(file):
    torch.use_deterministic_algorithms(True)
    found = {
        "torch": torch.__version__, "diffusers": diffusers.__version__, "unets": unets(), "conditional": conditional(),
        "schedules": schedules(), "samplers": samplers(), "averages": averages(),
    }
    pathlib.Path(file).write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
