"""An AlexNet for 64-pixel images on Tiny ImageNet, 100 or 200 classes.

The paper's layers with fewer and smaller kernels (`networks.TINY`), 56-pixel
crops of 64-pixel records, its mirrors, lighting, dropout and update rule; the
rate falls three times by ten at epochs found by trial, not on the paper's.

Paper:     has no such data set.
Run:       python -m tools.build_tfrecords --image_dir=tiny-imagenet-100 \
               --output_dir=data/tiny_imagenet --name=tiny_imagenet \
               --image_size=64 --train_shards=16 --validation_shards=2
           python -m tools.train --config=configs/tiny_imagenet.py \
               --workdir=runs/tiny_imagenet
"""

from alexnet_tf.config import Config


def get_config():
    """Returns the settings of Tiny ImageNet."""
    config = Config(network="TINY")
    config.data.directory = "data/tiny_imagenet"
    config.data.crop_size = 56
    config.data.cache = "memory"
    config.optimizer.learning_rate = 0.02
    config.optimizer.schedule = "boundaries"
    config.optimizer.boundaries_epochs = (24.0, 33.0, 38.0)
    config.training.total_epochs = 40.0
    config.training.checkpoint_every_steps = 500
    return config
