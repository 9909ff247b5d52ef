"""CIFAR-10 on whole images: the authors' 18% network.

Three convolutions with response normalization within each map, a dense layer:
their layers-18pct.cfg. Whole images of 32 pixels, neither moved nor mirrored.
The dense layer decays by 1, all others by 0.004.

The recipe (a comment in layer-params-18pct.cfg): 120 epochs, 10 with the
kernels' rate divided by 10, 10 by 100; on all of the training images, as no
batch is said to be left out.

Original:  18% test error, one view.
Measured:  not yet run.
Run:       python -m tools.train --config=configs/cifar10_18pct.py \
               --workdir=runs/cifar10_18pct
           python -m tools.evaluate --workdir=runs/cifar10_18pct \
               --checkpoint=last --crops=1
"""

from configs import cifar10_13pct


def get_config():
    """Returns the settings of the authors' 18% recipe."""
    config = cifar10_13pct.get_config()
    config.network = "CIFAR_18"
    config.data.crop_size = 32
    config.data.random_crops = False
    config.data.mirror = False
    config.data.held_out_fraction = 0.0
    config.data.held_out_join_epochs = 0.0
    config.optimizer.boundaries_epochs = (120.0, 130.0)
    config.optimizer.layer_decays = "fc10=1"
    config.training.total_epochs = 140.0
    config.training.eval_split = "validation"
    return config
