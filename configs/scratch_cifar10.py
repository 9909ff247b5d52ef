"""The network of `finetune_cifar10` from scratch, on the same few images.

Deviations are He's and biases 0, as PyTorch's own first weights hardly move
in so few steps; conv1's is He's for pixels 57 times larger. One rate for all
layers, but for conv1's kernel: see `finetune_cifar10`.

Paper:     no such experiment.
Measured:  see docs/own_classes.json.
Run:       python -m tools.train --config=configs/scratch_cifar10.py \
               --workdir=runs/scratch
"""

from configs import finetune_cifar10


def get_config():
    """Returns the settings."""
    config = finetune_cifar10.get_config()
    layers = ("conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8")
    config.changes += "".join(f",{x}.stddev=he,{x}.bias=0" for x in layers)
    config.changes += ",conv1.stddev=0.0013,conv1.bias=0"
    config.init_skip = ""
    config.optimizer.learning_rate = 0.01
    config.optimizer.layer_rates = "conv1/kernel=3e-4"
    return config
