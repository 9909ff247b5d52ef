"""Short binary codes of images, and who is near to whom among them (§6.1).

The paper suggests an auto-encoder on the last hidden layer's features, and
leaves it open. This one has a hidden layer on either side of the code. Bits
are rounded on the way up and pass the sigmoid's gradient on the way down, as
in A. Krizhevsky, G. Hinton, "Using Very Deep Autoencoders for Content-Based
Image Retrieval", ESANN 2011.
"""

import keras
import numpy as np
import tensorflow as tf

_HIDDEN = 1024
# Rows of the base that are compared at a time.
_BLOCK = 65_536


class Encoder:
    """Maps features to codes; trained by `train`.

    Args:
        encoder: A `keras.Model` from scaled features to logits of bits.
        mean: `(features,)`, subtracted first.
        scale: A number that features are divided by then.
    """

    def __init__(self, encoder, mean, scale):
        self.encoder, self.mean, self.scale = encoder, mean, scale

    def __call__(self, features, batch_size=4096):
        """Returns the codes of features.

        Args:
            features: `(n, features)`, in memory or mapped.
            batch_size: Rows at a time.

        Returns:
            uint8 `(n, bits / 8)`, eight bits a byte.
        """
        found = []
        for start in range(0, len(features), batch_size):
            rows = np.asarray(features[start : start + batch_size], np.float32)
            logits = self.encoder((rows - self.mean) / self.scale)
            found.append(np.packbits(logits.numpy() > 0, axis=1))
        return np.concatenate(found)


def train(features, bits=128, epochs=20, batch_size=256, seed=0, progress=None):
    """Trains an auto-encoder through a code, and returns its first half.

    Args:
        features: `(n, features)`, in memory or mapped.
        bits: Of a code: a multiple of 8, such as 64, 128 or 256.
        epochs: Passes over the features.
        batch_size: Rows a step.
        seed: Of weights and order.
        progress: Has `update(rows)`, or `None`.

    Returns:
        An `Encoder`.

    Raises:
        ValueError: `bits` is not a multiple of 8, or there are no features.
    """
    if bits < 8 or bits % 8 or not len(features):
        raise ValueError(
            "bits must be a multiple of 8, and there must be features. "
            f"Received: bits={bits}, {len(features)} rows"
        )
    rng = np.random.default_rng(seed)
    size = features.shape[1]
    sample = np.asarray(features[: 16 * _HIDDEN], np.float32)
    mean, scale = sample.mean(axis=0), max(float(sample.std()), 1e-12)
    initial = keras.initializers.GlorotUniform
    encoder = keras.Sequential(
        [
            keras.Input((size,)),
            keras.layers.Dense(
                _HIDDEN, "relu", kernel_initializer=initial(seed)
            ),
            keras.layers.Dense(bits, kernel_initializer=initial(seed + 1)),
        ]
    )
    decoder = keras.Sequential(
        [
            keras.Input((bits,)),
            keras.layers.Dense(
                _HIDDEN, "relu", kernel_initializer=initial(seed + 2)
            ),
            keras.layers.Dense(size, kernel_initializer=initial(seed + 3)),
        ]
    )
    optimizer = keras.optimizers.Adam(1e-3)
    weights = encoder.trainable_variables + decoder.trainable_variables
    optimizer.build(weights)

    @tf.function(reduce_retracing=True)
    def step(rows):
        with tf.GradientTape() as tape:
            soft = tf.sigmoid(encoder(rows, training=True))
            code = soft + tf.stop_gradient(tf.round(soft) - soft)
            again = decoder(code, training=True)
            loss = tf.reduce_mean(tf.square(again - rows))
        optimizer.apply(tape.gradient(loss, weights), weights)

    for _ in range(epochs):
        order = rng.permutation(len(features))
        for start in range(0, len(order), batch_size):
            # In the order of the file: a mapped one is read forwards.
            indices = np.sort(order[start : start + batch_size])
            rows = np.asarray(features[indices], np.float32)
            step(tf.constant((rows - mean) / scale))
            if progress is not None:
                progress.update(len(rows))
    return Encoder(encoder, mean, scale)


def nearest(queries, base, count=6):
    """Returns the codes of a base that differ from each query in fewest bits.

    Args:
        queries: uint8 `(n, bytes)`.
        base: uint8 `(rows, bytes)`.
        count: Rows to find for each query.

    Returns:
        Places int64 `(n, count)` and distances in bits int64 `(n, count)`,
        nearest first; of equal distances the earlier row first.

    Raises:
        ValueError: There are fewer rows than asked for, or other codes.
    """
    queries, base = np.asarray(queries), np.asarray(base)
    if not 1 <= count <= len(base) or queries.shape[1] != base.shape[1]:
        raise ValueError(
            "There must be as many rows as neighbours, with the queries' "
            f"bits. Received: {count} neighbours, rows {base.shape}, "
            f"queries {queries.shape}"
        )
    positions = np.empty((len(queries), count), np.int64)
    bits = np.empty((len(queries), count), np.int64)
    for number, query in enumerate(queries):
        away = np.concatenate(
            [
                np.bitwise_count(base[start : start + _BLOCK] ^ query).sum(
                    axis=1, dtype=np.int64
                )
                for start in range(0, len(base), _BLOCK)
            ]
        )
        # One number for both: the bits first, then the position.
        keys = away * len(base) + np.arange(len(base))
        best = np.sort(np.partition(keys, count - 1)[:count])
        bits[number], positions[number] = np.divmod(best, len(base))
    return positions, bits


def recall(found, true):
    """Returns the share of the true neighbours that were found.

    Args:
        found: Places `(n, a)`.
        true: Places `(n, k)`.
    """
    hits = [len(np.intersect1d(a, b)) for a, b in zip(found, true, strict=True)]
    return float(np.sum(hits) / np.size(true))
