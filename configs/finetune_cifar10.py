"""One's own classes: torchvision's trunk fine-tuned on a little of CIFAR-10.

What a published trunk is worth where images are few: 200 a class, brought from
32 to 64 pixels, against the same network from scratch and against the trunk
frozen, with heads alike. The head's rate is ten times the trunk's, as the
authors had it (original-source 6.4).

torchvision's deviations stand in conv1's kernel here, which is 57 times
smaller than in PyTorch, on pixels 57 times larger: the same step of learning
is 1 / 57 ** 2 of the rate, for the kernel alone.

Paper:     no such experiment; §6 fine-tunes from Fall 2011's classes.
Measured:  see docs/own_classes.json.
Run:       python -m tools.train --config=configs/finetune_cifar10.py \
               --config.init_from=alexnet-owt-7be5be79.pth \
               --workdir=runs/finetuned
           the same, with --config.optimizer.phases=FROZEN, where FROZEN is
               conv1=0@0,conv2=0@0,conv3=0@0,conv4=0@0,conv5=0@0
           python -m tools.train --config=configs/scratch_cifar10.py \
               --workdir=runs/scratch
"""

from alexnet_tf.config import Config


def get_config():
    """Returns the settings; `init_from` is to be given."""
    config = Config(network="TORCHVISION")
    config.changes = "fc6.units=512,fc7.units=512"
    config.init_skip = "fc6,fc7,fc8"
    config.data.directory = "data/cifar10_64"
    config.data.batch_size = 50
    config.data.crop_size = 63
    config.data.lighting = "none"
    config.data.cache = "memory"
    config.optimizer.schedule = "constant"
    config.optimizer.learning_rate = 0.001
    config.optimizer.layer_rates = "conv1/kernel=3e-4,fc6=10,fc7=10,fc8=10"
    config.training.total_epochs = 6.0
    config.training.eval_every_epochs = 1.0
    return config
