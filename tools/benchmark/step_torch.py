"""The competitors of `tools.benchmark --mode=step` that are built in PyTorch.

Networks as a user of PyTorch would write them, by the layers of the paper.
The tests hold ours to the same modules.
"""

import numpy as np
import torch
from torch import nn

_STEPS_A_TURN = 2


class AllTowersNorm(nn.LocalResponseNorm):
    """The paper's sum in PyTorch's words: `alpha` is divided by `size`."""

    def __init__(self, size=5, alpha=1e-4, beta=0.75, k=2.0):
        super().__init__(size, alpha * size, beta, k)


class TowersNorm(AllTowersNorm):
    """The same within each of two towers."""

    def forward(self, maps):
        """Returns the maps, each half of the channels normalized."""
        halves = maps.chunk(2, dim=1)
        return torch.cat(
            [super(TowersNorm, self).forward(x) for x in halves], 1
        )


def two_towers(
    norm=TowersNorm, num_classes=1000, padding=(0, 3), inverted=True
):
    """Returns the network of the paper with `groups=2` for its towers.

    Args:
        norm: Makes a normalization layer; `None` for none.
        num_classes: Outputs.
        padding: Zeros before and behind the image.
        inverted: Whether dropout leaves everything alone at test; else it
            multiplies by one half there, as the paper does.
    """
    norms = [[norm()] if norm else [] for _ in range(2)]
    halve = [] if inverted else [Halve()]
    before, behind = padding
    return nn.Sequential(
        nn.ZeroPad2d((before, behind, before, behind)),
        nn.Conv2d(3, 96, 11, stride=4),
        nn.ReLU(),
        *norms[0],
        nn.MaxPool2d(3, 2),
        nn.Conv2d(96, 256, 5, padding=2, groups=2),
        nn.ReLU(),
        *norms[1],
        nn.MaxPool2d(3, 2),
        nn.Conv2d(256, 384, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(384, 384, 3, padding=1, groups=2),
        nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1, groups=2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        nn.Flatten(),
        nn.Linear(9216, 4096),
        nn.ReLU(),
        *(halve or [nn.Dropout()]),
        nn.Linear(4096, 4096),
        nn.ReLU(),
        *(halve or [nn.Dropout()]),
        nn.Linear(4096, num_classes),
    )


class Halve(nn.Module):
    """What the paper's dropout does at test."""

    def forward(self, x):
        """Returns half of each value."""
        return x * 0.5


def one_weird_trick(num_classes=1000):
    """Returns the layers of torchvision's AlexNet, which has no LRN."""
    return nn.Sequential(
        nn.Conv2d(3, 64, 11, stride=4, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(64, 192, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(192, 384, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(256, 256, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        nn.Flatten(),
        nn.Dropout(),
        nn.Linear(9216, 4096),
        nn.ReLU(),
        nn.Dropout(),
        nn.Linear(4096, 4096),
        nn.ReLU(),
        nn.Linear(4096, num_classes),
    )


def make_step(batch_size, network, compiled):
    """Returns a turn of training steps.

    Args:
        batch_size: Images per step.
        network: "two_towers" or "one_weird_trick".
        compiled: "compiled" by `torch.compile`, or "eager".
    """
    rng = np.random.default_rng(0)
    size = (int(batch_size), 3, 224, 224)
    images = torch.from_numpy(rng.normal(0, 60, size).astype(np.float32))
    labels = torch.from_numpy(rng.integers(0, 1000, size[0]))
    model = {"two_towers": two_towers, "one_weird_trick": one_weird_trick}[
        network
    ]()
    optimizer = torch.optim.SGD(
        model.parameters(), 0.01, momentum=0.9, weight_decay=0.0005, fused=True
    )
    forward = torch.compile(model) if compiled == "compiled" else model

    def turn():
        for _ in range(_STEPS_A_TURN):
            optimizer.zero_grad(set_to_none=True)
            loss = nn.functional.cross_entropy(forward(images), labels)
            loss.backward()
            optimizer.step()
        loss.item()
        return _STEPS_A_TURN * len(labels)

    return turn
