"""The exported network in PyTorch, which needs nothing but PyTorch.

    import json, torch, alexnet
    model = alexnet.AlexNet(json.load(open("config.json")))
    model.load_state_dict(torch.load("model.pth", weights_only=True))
    model.eval()

It takes float32 `(n, 3, rows, columns)`: RGB of 0 to 255 less the mean that
`preprocessor.json` names, and gives logits.
"""

import torch
from torch import nn
from torch.nn import functional


class AlexNet(nn.Module):
    """A network of `config.json`: its layers under their own names."""

    def __init__(self, config):
        super().__init__()
        network = config["network"]
        self.towers = network["towers"]
        self.steps = network["layers"]
        channels, is_cut = 3, False
        size = config["crop_size"]
        for step in self.steps:
            kind, name = step["kind"], step["name"]
            if kind == "Conv":
                own = step["reads"] == "own tower" and is_cut
                padding = step["padding"]
                around = padding if isinstance(padding, list) else [padding] * 2
                layer = nn.Conv2d(
                    channels,
                    step["filters"],
                    step["kernel_size"],
                    step["strides"],
                    groups=self.towers if own else 1,
                )
                size += sum(around) - step["kernel_size"]
                size = size // step["strides"] + 1
                channels, is_cut = step["filters"], True
            elif kind == "Dense":
                inputs = channels * size * size
                channels, size = step["units"] or config["num_classes"], 1
                layer = nn.Linear(inputs, channels)
            else:
                if kind.endswith("Pool"):
                    size = (size - step["size"]) // step["strides"] + 1
                continue
            self.add_module(name, layer)

    def forward(self, x):
        """Returns the logits of images."""
        for step in self.steps:
            x = self._apply(step, x)
        return x

    def _apply(self, step, x):
        kind = step["kind"]
        if kind == "Conv":
            padding = step["padding"]
            before, behind = (
                padding if isinstance(padding, list) else (padding, padding)
            )
            x = functional.pad(x, (before, behind, before, behind))
            x = getattr(self, step["name"])(x)
        elif kind == "Norm":
            parts = 1 if step["reads"] == "all towers" else self.towers
            size = 2 * step["depth_radius"] + 1
            # torch divides alpha by the size.
            maps = [
                functional.local_response_norm(
                    part, size, step["alpha"] * size, step["beta"], step["bias"]
                )
                for part in x.chunk(parts, 1)
            ]
            x = torch.cat(maps, 1)
        elif kind == "MaxPool":
            x = functional.max_pool2d(x, step["size"], step["strides"])
        elif kind == "AveragePool":
            x = functional.avg_pool2d(x, step["size"], step["strides"])
        elif kind == "Dense":
            x = getattr(self, step["name"])(x.flatten(1))
        elif kind == "Dropout":
            return self._drop(step, x)
        activation = step.get("activation", "none")
        is_last = kind == "Dense" and step["units"] is None
        if activation == "none" or is_last:
            return x
        return getattr(torch, activation)(x)

    def _drop(self, step, x):
        """Drops out as the paper does, or the inverted way."""
        if step["scaling"] == "inverted":
            return functional.dropout(x, step["rate"], self.training)
        kept = functional.dropout(x, step["rate"], self.training)
        return kept * (1 - step["rate"])
