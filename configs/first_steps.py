"""The first steps of a fresh network on photographs at full size.

100 classes of Tiny ImageNet, enlarged to 256 pixels: does the loss leave the
logarithm of the classes, 4.605 nats, and when? "Stuck at 6.9" (of 1,000
classes) is the commonest complaint about every AlexNet. The paper's rate of
0.01 and all else as in `ilsvrc2012`; `reproduce` has a row for each of PAPER,
ORIGINAL_2012, CAFFE, and PAPER with the program's first weights in conv3 to
conv5, as many steps as two cores do in about an hour.

Paper:     the biases of 1 "accelerate the early stages of learning" (§5).
Measured:  not yet run.
Run:       python -m tools.build_tfrecords --image_dir=tiny-imagenet-100 \
               --output_dir=data/tiny_imagenet_256 --name=tiny_imagenet_256 \
               --train_shards=16 --validation_shards=2
           python -m tools.train --config=configs/first_steps.py \
               --workdir=runs/first_steps
"""

from alexnet_tf.config import Config


def get_config():
    """Returns the paper's settings for 300 steps."""
    config = Config(network="PAPER")
    config.data.directory = "data/tiny_imagenet_256"
    config.optimizer.schedule = "constant"
    config.training.total_steps = 300
    config.training.log_every_steps = 5
    config.training.checkpoint_every_steps = 50
    return config
