"""The authors' own run of 2012: their program's network, data and rates.

Layers of `networks.ORIGINAL_2012` (layers-145.cfg); groups of 32 neighbours
share a crop's place; the mean image's centre is subtracted from every crop;
colour noise until epoch 67 and divided by 1.1 meanwhile; rates fall after 25,
51 and 79 epochs; biases start at 0.02, never decay and keep their rate; the
kernels of conv1 go to 1e-5 at 67, and conv1 is frozen at 72; the end is at 91.

They went on: at epoch 91 back to 0.001 with the noise on and conv1 frozen, 107
to 1e-4, 124 to 1e-5 and noise off, ended at 135 with 40.25% and 17.99%. That
is not in the paper.

Paper:     40.7% top-1 and 18.2% top-5 validation error, ten crops (Table 2, "1
           CNN").
Log:       40.66% and 18.21%, 1.7415 nats, epoch 91 (layer-params-145.cfg).
Measured:  not yet run.
Reckoned:  37 GB of records; 8.1 h on one GPU, 4.5 h on two.
Run:       python -m tools.train --config=configs/original_2012.py \
               --config.data.directory=data/ilsvrc2012 --workdir=runs/original
"""

from alexnet_tf.config import Config


def get_config():
    """Returns the settings of layers-145 and its notes."""
    config = Config(network="ORIGINAL_2012")
    config.data.same_crop_images = 32
    config.data.mean = "original"
    config.data.lighting = "original"
    config.data.lighting_epochs = 67.0
    config.optimizer.schedule = "boundaries"
    config.optimizer.boundaries_epochs = (25.0, 51.0, 79.0)
    config.optimizer.bias_schedule = "constant"
    config.optimizer.bias_decay = False
    config.optimizer.phases = "conv1/kernel=1e-5@67,conv1=0@72"
    config.training.total_epochs = 91.0
    return config
