"""Competitors of `tools.benchmark --mode=step`: the full network of the paper.

All train with momentum and weight decay, on one batch in memory; but for the
one that reads real records, through the whole input pipeline. Of a precision
other than full float32 are ours and the bare product alone.
"""

import importlib.util
import itertools
import os
import time

import numpy as np

_STEPS_A_TURN = 4
# "tf32" is float32 whose factors a GPU rounds, TensorFlow's default there.
PRECISIONS = ("float32", "tf32", "mixed_bfloat16", "mixed_float16")


def competitors(batch_size, peers, data_dir, precision="float32"):
    """Returns ours and, if asked for, Keras's, PyTorch's and the limit.

    Args:
        batch_size: Images per step.
        peers: Whether to add the others.
        data_dir: What `pipeline.make_records` returned.
        precision: One of `PRECISIONS`.
    """
    arguments = [str(batch_size)]
    suffix = "" if precision == "float32" else f", {precision}"
    ours = {
        "name": f"alexnet_tf PAPER, make_train_step{suffix}",
        "function": f"{__package__}.step:make_ours",
        "arguments": [*arguments, "", precision],
    }
    product = {
        "name": f"a matrix product, 4.136 GFLOP an image{suffix}",
        "function": f"{__package__}.step:make_product",
        "arguments": [precision],
    }
    real = [
        {
            **ours,
            "name": f"the same, fed with JPEG records, augmented on the {on}",
            "arguments": [*arguments, str(data_dir), precision, on],
        }
        for on in ("device", "host")
    ]
    if not peers:
        return [ours, *real]
    return [
        ours,
        *real,
        *([product] if suffix else _others(arguments, product)),
    ]


def _others(arguments, product):
    """Returns what others would write, and the limit, in float32."""
    keras = {
        "name": "plain Keras, two branches, tf.nn LRN, fit, default env",
        "function": f"{__package__}.step:make_plain_keras",
        "arguments": arguments,
    }
    if not importlib.util.find_spec("torch"):
        return [keras, product]
    return [
        keras,
        product,
        *(
            {
                "name": f"PyTorch {network} {mode}",
                "function": f"{__package__}.step_torch:make_step",
                "arguments": [*arguments, network, mode],
            }
            for network, mode in (
                ("two_towers", "eager"),
                ("two_towers", "compiled"),
                ("one_weird_trick", "eager"),
            )
        ),
    ]


def make_ours(batch_size, data_dir="", precision="float32", on="host"):
    """Returns a turn of our own training step.

    Args:
        batch_size: Images per step.
        data_dir: Records to train on; one batch in memory, if empty.
        precision: One of `PRECISIONS`.
        on: `DataConfig.augment_on`, with `data_dir`.
    """
    import tensorflow as tf

    from alexnet_tf import config as config_lib
    from alexnet_tf import model as models
    from alexnet_tf import networks
    from alexnet_tf.experiment import parts
    from alexnet_tf.training import make_train_step

    batch_size = int(batch_size)
    batches, augment = _batches(batch_size, data_dir, on)
    _set_tf32(precision)
    precision = "float32" if precision == "tf32" else precision
    model = models.build(networks.PAPER, 1000, precision=precision)
    optimizer, scaled = parts.make_optimizer(
        config_lib.Config(precision=precision), model
    )
    models.set_step_counter(model, optimizer.iterations)
    train_step = make_train_step(
        model,
        scaled or optimizer,
        tf.distribute.get_strategy(),
        batch_size,
        augment=augment,
    )

    def turn():
        for _ in range(_STEPS_A_TURN):
            metrics = train_step(next(batches))
        float(metrics["loss"])
        return _STEPS_A_TURN * batch_size

    return turn


def _batches(batch_size, data_dir, augment_on):
    """Returns an iterator of batches, and what the step still does to them."""
    import tensorflow as tf

    from input_pipeline import (
        DataConfig,
        make_augment,
        make_crop_dataset,
        make_train_dataset,
    )
    from input_pipeline.statistics import Statistics

    if not data_dir:
        images, labels = make_batch(batch_size)
        batch = (tf.constant(images), tf.constant(labels))
        return itertools.repeat(batch), None
    config = DataConfig(batch_size=batch_size)
    if augment_on == "host":
        return iter(make_train_dataset(data_dir, config, seed=0)), None
    augment = make_augment(config, Statistics.load(data_dir))
    return iter(make_crop_dataset(data_dir, config, seed=0)), augment


def _set_tf32(precision):
    """Lets GPUs round factors of float32 products, or not."""
    import tensorflow as tf

    tf.config.experimental.enable_tensor_float_32_execution(precision == "tf32")


def make_product(precision="float32"):
    """Returns a turn of large products, as images' worth of arithmetic.

    A training step of the paper's network takes 4.136 GFLOP an image: two
    operations for each of 724.4 million multiply-adds, forward and for both
    gradients, but for conv1's 105.4 million, which need no input gradient.
    """
    import tensorflow as tf

    size, times = 2048, 16
    _set_tf32(precision)
    half = precision.removeprefix("mixed_")
    matrix = tf.random.normal((size, size))
    matrix = matrix if half == "tf32" else tf.cast(matrix, half)
    multiply = tf.function(tf.matmul)

    def turn():
        for _ in range(times):
            product = multiply(matrix, matrix)
        float(product[0, 0])
        return times * 2 * size**3 / (2e6 * (3 * 724.4 - 105.4))

    return turn


def make_plain_keras(batch_size):
    """Returns a turn of `fit` on what one would write first in Keras."""
    # Such a program knows nothing of oneDNN, which `tools` turns on.
    os.environ.pop("TF_ENABLE_ONEDNN_OPTS", None)
    import keras
    import tensorflow as tf

    images, labels = make_batch(int(batch_size))
    batch = (tf.constant(images), tf.constant(labels))
    dataset = tf.data.Dataset.from_tensors(batch).repeat(_STEPS_A_TURN)
    model = _plain_model()

    class Clock(keras.callbacks.Callback):
        """Counts the steps alone: `fit` at times waits behind its last."""

        def on_train_batch_begin(self, batch, logs=None):
            if batch == 0:
                self.started = time.perf_counter()

        def on_train_batch_end(self, batch, logs=None):
            self.seconds = time.perf_counter() - self.started

    clock = Clock()

    def turn():
        model.fit(dataset, verbose=0, callbacks=[clock])
        return _STEPS_A_TURN * len(labels), clock.seconds

    return turn


def _plain_model():
    """Two branches of ordinary layers that meet at conv3 and fc6."""
    import keras
    import tensorflow as tf
    from keras import layers

    def conv(filters, size, **kwargs):
        return layers.Conv2D(filters, size, activation="relu", **kwargs)

    def normalize():
        return layers.Lambda(
            lambda x: tf.nn.local_response_normalization(
                x, depth_radius=2, bias=2.0, alpha=1e-4, beta=0.75
            )
        )

    images = keras.Input((224, 224, 3))
    padded = layers.ZeroPadding2D(((0, 3), (0, 3)))(images)
    towers = []
    for _ in range(2):
        x = layers.MaxPooling2D(3, 2)(
            normalize()(conv(48, 11, strides=4)(padded))
        )
        x = normalize()(conv(128, 5, padding="same")(x))
        towers.append(layers.MaxPooling2D(3, 2)(x))
    both = layers.Concatenate()(towers)
    towers = []
    for _ in range(2):
        x = both
        for filters in (192, 192, 128):
            x = conv(filters, 3, padding="same")(x)
        towers.append(layers.MaxPooling2D(3, 2)(x))
    x = layers.Flatten()(layers.Concatenate()(towers))
    for _ in range(2):
        x = layers.Dense(4096, activation="relu")(x)
        x = layers.Dropout(0.5)(x)
    model = keras.Model(images, layers.Dense(1000)(x))
    model.compile(
        keras.optimizers.SGD(0.01, momentum=0.9, weight_decay=0.0005),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def make_batch(batch_size):
    """Returns noise as strong as photographs, and labels."""
    rng = np.random.default_rng(0)
    images = rng.normal(0, 60, (batch_size, 224, 224, 3)).astype(np.float32)
    return images, rng.integers(0, 1000, batch_size).astype(np.int32)
