#!/usr/bin/env python3
"""Writes small networks with first weights, and what PyTorch makes of them in two steps of SGD.

Usage: models.py FOLDER   (needs torch and safetensors; torchvision too, to check that the layouts are its own)

FOLDER gets a .safetensors (binary32) and a .json (computed in binary64) for each of resnet18-width4, vgg16_bn-width2 and
vgg16_bn_lth-width2.
"""

import json
import pathlib
import sys

import torch
from safetensors.torch import save_file

WIDTH, CLASSES, SEED = 4, 5, 3
MEAN, STD = [0.5, 0.4375, 0.375], [0.25, 0.3125, 0.1875]


class Block(torch.nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(outputs)
        self.conv2 = torch.nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = torch.nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            shortcut = torch.nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.downsample = torch.nn.Sequential(shortcut, torch.nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (y + (x if self.downsample is None else self.downsample(x))).relu()


class ResNet18(torch.nn.Module):
    """torchvision's ResNet-18 with the stem for small images, at any width."""

    def __init__(self, width=64, classes=10, channels=3):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(channels, width, 3, 1, 1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(width)
        inputs = width
        for stage in range(4):
            outputs = width << stage
            blocks = [Block(inputs, outputs, 1 if stage == 0 else 2), Block(outputs, outputs, 1)]
            self.add_module(f"layer{stage + 1}", torch.nn.Sequential(*blocks))
            inputs = outputs
        self.fc = torch.nn.Linear(inputs, classes)

    def forward(self, x):
        x = self.bn1(self.conv1(x)).relu()
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


class VGG16(torch.nn.Module):
    """VGG-16 with batch normalisation for small images: without its fifth pooling, with one of two classifiers."""

    def __init__(self, form, width=64, classes=10, channels=3):
        super().__init__()
        one_linear = form == "vgg16_bn_lth"
        layers, inputs = [], channels
        for index, multiples in enumerate([(1, 1), (2, 2), (4, 4, 4), (8, 8, 8), (8, 8, 8)]):
            if index > 0:
                layers.append(torch.nn.MaxPool2d(2))
            for multiple in multiples:
                convolution = torch.nn.Conv2d(inputs, multiple * width, 3, padding=1, bias=one_linear)
                layers += [convolution, torch.nn.BatchNorm2d(multiple * width), torch.nn.ReLU(inplace=True)]
                inputs = multiple * width
        self.features = torch.nn.Sequential(*layers)
        self.avgpool = torch.nn.AdaptiveAvgPool2d(1 if one_linear else 2)
        hidden = 4 * width
        self.classifier = torch.nn.Linear(inputs, classes) if one_linear else torch.nn.Sequential(
            torch.nn.Linear(4 * inputs, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, hidden), torch.nn.ReLU(),
            torch.nn.Linear(hidden, classes))

    def forward(self, x):
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


def draw(model, seed):
    """First weights as Lethe draws them: parameter after parameter, from one generator."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.Conv2d):
                torch.nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu", generator=generator)
                if module.bias is not None:
                    module.bias.zero_()
            elif isinstance(module, torch.nn.Linear) and isinstance(model, VGG16):
                module.weight.normal_(0, 0.01, generator=generator)
                module.bias.zero_()
            elif isinstance(module, torch.nn.Linear):
                bound = module.in_features**-0.5
                module.weight.uniform_(-bound, bound, generator=generator)
                module.bias.uniform_(-bound, bound, generator=generator)


def normalised(images):
    shape = (1, len(MEAN), 1, 1)
    mean, std = (torch.tensor(v, dtype=images.dtype).view(shape) for v in (MEAN, STD))
    return (images - mean) / std


def summary(tensor):
    flat = tensor.detach().double().flatten()
    weights = torch.arange(1, flat.numel() + 1, dtype=torch.double).sin()
    return {"norm": flat.norm().item(), "projection": (flat * weights).sum().item()}


def torchvision_agrees():
    """Our class and torchvision's are one network: the same names in the same order, the same logits."""
    import torchvision

    ours = ResNet18().eval()
    theirs = torchvision.models.resnet18(num_classes=10).eval()
    theirs.conv1, theirs.maxpool = torch.nn.Conv2d(3, 64, 3, 1, 1, bias=False), torch.nn.Identity()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    theirs.load_state_dict(ours.state_dict(), strict=True)
    images = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.allclose(ours(images), theirs(images), rtol=1e-5, atol=1e-6)
    assert sum(p.numel() for p in ours.parameters()) == 11173962
    assert len(list(ours.parameters())) == 62


def torchvision_agrees_on_vgg(form, count):
    """The convolutions are torchvision's, in name and in what they compute; the classifier takes the place of its own."""
    import torchvision

    ours = VGG16(form).eval()
    theirs = torchvision.models.vgg16_bn().eval()
    theirs.features = theirs.features[:43]
    if form == "vgg16_bn":
        for module in theirs.features:
            if isinstance(module, torch.nn.Conv2d):
                module.bias = None
    theirs.avgpool, theirs.classifier = ours.avgpool, ours.classifier
    assert list(ours.state_dict()) == list(theirs.state_dict())
    theirs.load_state_dict(ours.state_dict(), strict=True)
    images = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.allclose(ours(images), theirs(images), rtol=1e-5, atol=1e-6)
    assert sum(p.numel() for p in ours.parameters()) == count


def main(folder):
    torch.use_deterministic_algorithms(True)
    torchvision_agrees()
    torchvision_agrees_on_vgg("vgg16_bn", 15311818)
    torchvision_agrees_on_vgg("vgg16_bn_lth", 14728266)
    record(folder, "resnet18-width4", ResNet18(WIDTH, CLASSES), WIDTH, (6, 3, 8, 8), [0, 4, 2, 2, 1, 3])
    for form in ["vgg16_bn", "vgg16_bn_lth"]:
        record(folder, f"{form}-width2", VGG16(form, 2, CLASSES), 2, (5, 3, 32, 32), [0, 4, 2, 1, 3])


def record(folder, name, model, width, shape, labels):
    draw(model, SEED)
    save_file(model.state_dict(), folder / f"{name}.safetensors", metadata={"format": "pt"})
    model.double().train()

    numbers = torch.Generator().manual_seed(11)
    images = torch.randint(0, 256, shape, generator=numbers)
    labels = torch.tensor(labels)
    x = normalised(images.double() / 256)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    losses, logits = [], []
    for _ in range(2):
        out = model(x)
        loss = torch.nn.functional.cross_entropy(out, labels)
        optimizer.zero_grad()
        loss.backward()
        gradients = {name: summary(p.grad) for name, p in model.named_parameters()}
        optimizer.step()
        logits.append(out.tolist())
        losses.append(loss.item())
        if len(losses) == 1:
            first_gradients = gradients
            state = {name: summary(t) for name, t in model.state_dict().items()}
    model.eval()
    with torch.no_grad():
        evaluated = model(x).tolist()
    expected = {
        "torch": torch.__version__, "width": width, "classes": CLASSES, "seed": SEED, "mean": MEAN, "std": STD,
        "images": images.flatten().tolist(), "image_shape": list(images.shape), "labels": labels.tolist(),
        "learning_rate": 0.1, "momentum": 0.9, "weight_decay": 5e-4,
        "train_logits": logits, "losses": losses, "gradients": first_gradients, "state_after_one": state,
        "evaluated_after_two": evaluated,
    }
    (folder / f"{name}.json").write_text(json.dumps(expected) + "\n")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
