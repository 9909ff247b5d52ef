"""Tiny ImageNet in about ten minutes: what a part of the network is worth.

`tiny_imagenet` with a ninth of its passes, so that many seeds can be paired.
The rate is searched on a held-out tenth of the training images (`tiny_rate` of
`reproduce`); it falls by ten after two thirds and again near the end.

Paper:     has no such data set; its ablations are of ILSVRC-2012.
Measured:  not yet run.
Run:       python -m tools.train --config=configs/tiny_imagenet_short.py \
               --workdir=runs/tiny_imagenet_short
"""

from configs import tiny_imagenet


def get_config():
    """Returns the settings of a short run."""
    config = tiny_imagenet.get_config()
    config.optimizer.boundaries_epochs = (6.0, 8.0)
    config.training.total_epochs = 9.0
    config.training.images_every_steps = 20_000
    return config
