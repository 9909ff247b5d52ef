"""Weights as arrays, in and out of a model, ours and other people's."""

from alexnet_tf.weights.assign import from_arrays, shapes, to_arrays

__all__ = ["from_arrays", "shapes", "to_arrays"]
