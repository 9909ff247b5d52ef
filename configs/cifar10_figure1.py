"""Figure 1: a four-layer network on CIFAR-10, with rectifiers or with tanh.

No regularization at all, as the paper says: no dropout, no decay, no moved or
mirrored crops, no colour shift. Which network and which rates the authors
took is not on record: `CIFAR_FOUR_LAYER` is their smallest published one
without its norms. The rates, 0.004 and 0.016, are the best of five (0.0005 to
0.008) and of six (0.0005 to 0.016) after five epochs; higher ones were not
tried for tanh.

Paper:     25% training error six times sooner with rectifiers.
Measured:  5.9 times: after 7.3 and 43.2 epochs, on images that went through
           JPEG, revision in README.
Run:       python -m tools.train --config=configs/cifar10_figure1.py \
               --workdir=runs/relu
           python -m tools.train --config=configs/cifar10_figure1.py \
               --config.network=CIFAR_FOUR_LAYER_TANH \
               --config.optimizer.learning_rate=0.016 \
               --config.training.total_epochs=60 --workdir=runs/tanh
           python -m tools.make_figures --figure=1 --workdir=runs/relu \
               --against=runs/tanh --output=figure_1.png
"""

from alexnet_tf.config import Config


def get_config():
    """Returns the settings of Figure 1's solid line."""
    config = Config(network="CIFAR_FOUR_LAYER")
    config.data.directory = "data/cifar10"
    config.data.crop_size = 32
    config.data.random_crops = False
    config.data.mirror = False
    config.data.lighting = "none"
    config.data.cache = "memory"
    config.optimizer.learning_rate = 0.004
    config.optimizer.schedule = "constant"
    config.optimizer.weight_decay = 0.0
    config.training.total_epochs = 12.0
    config.training.log_every_steps = 98
    config.training.images_every_steps = 1000
    return config
