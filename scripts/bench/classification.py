#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SalUn with LoReUn on CIFAR-10 and ResNet-18, written the way the published scripts work: what `lethe bench
classification` compares with.

It prints one line of JSON with the seconds of each stage (mask, selection, unlearn, evaluate) and the peak of memory.

STYLE `published` is fp32 in the default layout, images as PIL objects that a loader without workers augments one by one,
a Python loop over the parameters that multiplies gradients with int64 masks and one that puts masked weights and their
momentum back, two full argsorts for the mask, one walk over each set for its accuracy and further walks for the
membership attack, five scikit-learn SVCs. STYLE `tidy` is the same work with the obvious costs removed, so that a
comparison does not live from them: channels-last, images in one tensor (on the device), boolean masks applied with
_foreach, fused SGD, one selection, one walk a set.

The samples are those that Lethe takes for the same recipe: both sides read the split that a run of Lethe wrote.
"""

import argparse
import io
import json
import resource
import tarfile
import time
from pathlib import Path

import numpy
import torch
from PIL import Image
from sklearn.svm import SVC
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from resnet_step import ResNet18
from sys import path as search_path

search_path.append(str(Path(__file__).resolve().parent.parent / "reference"))
from lethe_random import dataset_order  # noqa: E402

MEAN, DEVIATION = [0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616]


class Classifier(nn.Module):
    """The network with the normalisation in front, as the published models have it."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(1, 3, 1, 1))
        self.body = ResNet18()

    def forward(self, images):
        return self.body((images - self.mean) / self.deviation)

    def load(self, file):
        """Reads safetensors: eight bytes of length, a JSON header, the numbers."""
        data = Path(file).read_bytes()
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + length])
        state = self.body.state_dict()
        for name, entry in header.items():
            if name == "__metadata__" or name.endswith("num_batches_tracked"):
                continue
            begin, end = (8 + length + offset for offset in entry["data_offsets"])
            values = numpy.frombuffer(data[begin:end], numpy.float32).reshape(entry["shape"])
            ours = name if name.split(".")[0] in ("conv1", "bn1", "fc") else "layers." + self.renamed(name)
            state[ours].copy_(torch.from_numpy(values.copy()))

    @staticmethod
    def renamed(name):
        """layer2.0.conv1.weight → 1.0.conv1.weight."""
        stage, rest = name.split(".", 1)
        return f"{int(stage.removeprefix('layer')) - 1}.{rest}"


def read_images(archive, part, limit):
    """Pixels [n, 32, 32, 3] and labels in Lethe's dataset order."""
    files = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            names = member.name.removeprefix("./").split("/")
            if member.isfile() and part in names:
                files["/".join(names[names.index(part) + 1 :])] = tar.extractfile(member).read()
    classes = sorted({name.split("/")[0] for name in files})
    names = sorted(files)
    order = dataset_order(1, part, len(names))[:limit]
    pixels = [numpy.asarray(Image.open(io.BytesIO(files[names[index]])).convert("RGB")) for index in order]
    return numpy.stack(pixels), numpy.array([classes.index(names[index].split("/")[0]) for index in order])


class Images(Dataset):
    """One image at a time, through PIL, as torchvision's own class does."""

    def __init__(self, pixels, labels, positions, augment):
        self.pixels, self.labels = pixels[positions], labels[positions]
        steps = [transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip()] if augment else []
        self.transform = transforms.Compose(steps + [transforms.ToTensor()])

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.transform(Image.fromarray(self.pixels[index])), int(self.labels[index])


class Tensors:
    """The same images as one tensor of bytes; a batch is a gather, a padded crop and a flip."""

    def __init__(self, pixels, labels, positions, augment, batch, shuffle, device):
        self.pixels = torch.from_numpy(pixels[positions]).permute(0, 3, 1, 2).contiguous().to(device)
        self.labels = torch.from_numpy(labels[positions]).to(device)
        self.augment, self.batch, self.shuffle = augment, batch, shuffle
        self.dataset = self.labels

    def __iter__(self):
        count = len(self.labels)
        device = self.labels.device
        order = torch.randperm(count, device=device) if self.shuffle else torch.arange(count, device=device)
        for chosen in order.split(self.batch):
            images = self.pixels[chosen]
            if self.augment:
                images = self.augmented(images)
            yield images.to(torch.float32).div_(255).contiguous(memory_format=torch.channels_last), self.labels[chosen]

    @staticmethod
    def augmented(images):
        n, device = len(images), images.device
        padded = F.pad(images, (4, 4, 4, 4))
        rows = torch.randint(0, 9, (n, 1), device=device) + torch.arange(32, device=device)
        columns = torch.randint(0, 9, (n, 1), device=device) + torch.arange(32, device=device)
        columns = torch.where(torch.rand(n, 1, device=device) < 0.5, columns, columns.flip(1))
        images = torch.arange(n, device=device)[:, None, None]
        return padded[images, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


class Side:
    """All stages of one style."""

    def __init__(self, options):
        self.options = options
        self.tidy = options.style == "tidy"
        torch.manual_seed(options.seed)
        split = json.loads(Path(options.split).read_text())
        train = read_images(options.data, "train", options.train)
        test = read_images(options.data, "test", options.test)
        self.sets = {name: (train, numpy.array(split[name])) for name in ("forget", "retain")}
        self.sets["test"] = (test, numpy.array(split["test"]))
        self.device = torch.device(options.device)
        self.model = Classifier()
        self.model.load(options.weights)
        self.model = self.model.to(self.device)
        if self.tidy:
            self.model = self.model.to(memory_format=torch.channels_last)

    def loader(self, name, augment, shuffle, batch, limit=None):
        (pixels, labels), positions = self.sets[name]
        positions = positions[:limit]
        if self.tidy:
            return Tensors(pixels, labels, positions, augment, batch, shuffle, self.device)
        return DataLoader(
            Images(pixels, labels, positions, augment), batch, shuffle=shuffle, num_workers=0,
            pin_memory=self.device.type == "cuda")

    def batches(self, loader):
        """Its batches, on the device."""
        for images, labels in loader:
            yield images.to(self.device), labels.to(self.device)

    def synchronize(self):
        """Waits for what was asked of the device."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def mask(self):
        """Sums the gradients over the forget set and keeps the half of the weights where they are largest."""
        model, names = self.model, [name for name, _ in self.model.named_parameters()]
        model.eval()
        sums = {name: torch.zeros_like(parameter) for name, parameter in model.named_parameters()}
        for images, labels in self.batches(self.loader("forget", True, False, self.options.batch)):
            loss = -F.cross_entropy(model(images), labels)
            model.zero_grad()
            loss.backward()
            with torch.no_grad():
                if self.tidy:
                    torch._foreach_add_([sums[name] for name in names], [p.grad for p in model.parameters()])
                else:
                    for name, parameter in model.named_parameters():
                        sums[name] += parameter.grad
        self.synchronize()
        began = time.perf_counter()
        scores = torch.cat([value.abs().flatten() for value in sums.values()])
        keep = len(scores) // 2
        if self.tidy:
            chosen = scores > scores.kthvalue(len(scores) - keep).values
        else:
            order = torch.argsort(scores, descending=True)
            chosen = (torch.argsort(order) < keep).to(torch.int64)
        sizes = [value.numel() for value in sums.values()]
        parts = chosen.split(sizes)
        masks = {name: part.view(value.shape) for (name, value), part in zip(sums.items(), parts)}
        self.synchronize()
        return masks, time.perf_counter() - began

    def unlearn(self, masks):
        """One epoch: the forget set with random labels, then the retain set; each batch weighed by its losses."""
        model = self.model
        model.train()
        optimizer = torch.optim.SGD(
            model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4, fused=self.tidy or None)
        before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
        factors = [mask.to(torch.float32) for mask in masks.values()]
        steps = 0
        for name, sharpness in (("forget", -0.1), ("retain", 0.25)):
            for images, labels in self.batches(self.loader(name, True, True, self.options.batch)):
                logits = model(images)
                clean = F.cross_entropy(logits, labels, reduction="none")
                losses = clean
                if name == "forget":
                    drawn = (labels + torch.randint(1, 10, labels.shape, device=self.device)) % 10
                    losses = F.cross_entropy(logits, drawn, reduction="none")
                loss = (torch.softmax(sharpness * clean.detach(), 0) * losses).sum()
                optimizer.zero_grad()
                loss.backward()
                if self.tidy:
                    torch._foreach_mul_([p.grad for p in model.parameters()], factors)
                    optimizer.step()
                    self.restore(before, masks)
                else:
                    for key, parameter in model.named_parameters():
                        parameter.grad *= masks[key]
                    optimizer.step()
                    self.restore_slowly(before, masks, optimizer)
                    loss.item()
                    (logits.argmax(1) == labels).float().mean().item()
                steps += 1
        return steps

    @torch.no_grad()
    def restore(self, before, masks):
        for name, parameter in self.model.named_parameters():
            torch.where(masks[name], parameter, before[name], out=parameter)

    @torch.no_grad()
    def restore_slowly(self, before, masks, optimizer):
        for name, parameter in self.model.named_parameters():
            frozen = masks[name] == 0
            if torch.count_nonzero(frozen).item() == 0:
                continue
            parameter.data[frozen] = before[name][frozen]
            optimizer.state[parameter]["momentum_buffer"][frozen] = 0

    @torch.no_grad()
    def walk(self, loader):
        """Logits and labels of one walk."""
        self.model.eval()
        pairs = [(self.model(images), labels) for images, labels in self.batches(loader)]
        return torch.cat([pair[0] for pair in pairs]).cpu(), torch.cat([pair[1] for pair in pairs]).cpu()

    def evaluate(self):
        """Accuracies and the attack."""
        batch = self.options.evaluation_batch
        walks, accuracies = {}, {}
        for name in self.sets:
            walks[name] = self.walk(self.loader(name, False, False, batch))
            logits, labels = walks[name]
            accuracies[name] = 100 * float((logits.argmax(1) == labels).float().mean())
        members = len(walks["test"][1])
        if not self.tidy:
            walks = {name: self.walk(self.loader(name, False, False, batch, members)) for name in self.sets}
        attacks = {}
        features = {name: self.features(*walk) for name, walk in walks.items()}
        for feature in features["test"]:
            shadow = numpy.concatenate([features["retain"][feature][:members], features["test"][feature]])
            labels = numpy.concatenate([numpy.ones(members), numpy.zeros(len(shadow) - members)])
            machine = SVC(C=3, gamma="auto", kernel="rbf").fit(shadow, labels)
            attacks[feature] = 100 * float(1 - machine.predict(features["forget"][feature]).mean())
        return accuracies, attacks

    @staticmethod
    def features(logits, labels):
        log = torch.log_softmax(logits, 1)
        p = log.exp()
        rest = torch.log1p(-p.clamp(max=1 - 1e-7))
        own = torch.zeros_like(p).scatter_(1, labels[:, None], 1).bool()
        modified = torch.where(own, -(1 - p) * log, -p * rest).sum(1)
        values = {
            "correctness": (logits.argmax(1) == labels).float(), "confidence": p[own], "entropy": -(p * log).sum(1),
            "modified entropy": modified, "probabilities": p}
        return {name: value.reshape(len(labels), -1).numpy() for name, value in values.items()}

    def run(self):
        stages = {}

        def timed(name, body):
            began = time.perf_counter()
            result = body()
            self.synchronize()
            stages[name] = stages.get(name, 0) + time.perf_counter() - began
            return result

        # Lethe measures the model before and after, and so does this.
        timed("evaluate", self.evaluate)
        masks, stages["selection"] = timed("mask", self.mask)
        steps = timed("unlearn", lambda: self.unlearn(masks))
        accuracies, attacks = timed("evaluate", self.evaluate)
        return {
            "style": self.options.style, "torch": torch.__version__, "threads": torch.get_num_threads(), "steps": steps,
            **{name: round(seconds, 3) for name, seconds in stages.items()}, "accuracies": accuracies, "mia": attacks,
            "peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("style", choices=["published", "tidy"])
    parser.add_argument("--data", required=True, help="the tar of CIFAR-10 as JPEG files")
    parser.add_argument("--weights", required=True, help="safetensors that Lethe wrote")
    parser.add_argument("--split", required=True, help="the split.json of a run of Lethe on the same recipe")
    parser.add_argument("--train", type=int, required=True, help="training images, as in the recipe")
    parser.add_argument("--test", type=int, required=True, help="test images, as in the recipe")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--evaluation-batch", type=int, default=256)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    print(json.dumps(Side(parser.parse_args()).run()))


main()
