"""The update rule, the schedule, the loop and what must survive them."""

from alexnet_tf.training.optimizer import PaperSGD
from alexnet_tf.training.schedule import Boundaries, Geometric, Plateau
from alexnet_tf.training.step import make_train_step

__all__ = [
    "Boundaries",
    "Geometric",
    "PaperSGD",
    "Plateau",
    "make_train_step",
]
