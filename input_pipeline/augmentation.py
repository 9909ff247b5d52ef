"""What training does to its crops: random numbers, and one pass (§4.1).

The numbers are drawn on the host, in TensorFlow's own threads, and travel with
the crops. The pass is compiled by XLA and gives the same bits wherever it runs:
it adds, subtracts and divides, pixel by pixel.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from input_pipeline import held_out, transforms
from input_pipeline.data_config import DataConfig


def random_numbers(
    batch_size, num_offsets, seed, step, lighting_stddev, same_crop_images=1
):
    """Draws what a training batch needs, the same for the same seed and step.

    Drawn outside of XLA, which makes other numbers of the same seed.

    Args:
        batch_size: Images of the batch.
        num_offsets: Positions of a crop along each side; 33 for 224 of 256.
            Deviation: §4.1 counts 32.
        seed: Integer of the run.
        step: Integer scalar.
        lighting_stddev: Standard deviation of the lighting's draws.
        same_crop_images: Neighbours that share offset and mirroring. The
            authors' program: 32.

    Returns:
        A dict: "offsets" int32 `(n, 2)`, "mirrored" bool `(n,)`, and "light"
        float32 `(n, 3)`.
    """
    step = tf.cast(step, tf.int64)
    groups = -(-batch_size // same_crop_images)

    def key(salt):
        return tf.stack([tf.constant(seed * 4 + salt, tf.int64), step])

    def spread(draws):
        return tf.repeat(draws, same_crop_images, axis=0)[:batch_size]

    offsets = tf.random.stateless_uniform(
        (groups, 2), key(0), 0, num_offsets, tf.int32, alg="philox"
    )
    mirrored = tf.random.stateless_uniform((groups,), key(1), alg="philox")
    return {
        "offsets": spread(offsets),
        "mirrored": spread(mirrored < 0.5),
        "light": tf.random.stateless_normal(
            (batch_size, 3), key(2), stddev=lighting_stddev, alg="philox"
        ),
    }


def make_random_parameters(config, statistics, seed, num_records, mine):
    """Returns the function from a step to what a host needs for its crops.

    Args:
        config: A `DataConfig`.
        statistics: The `Statistics` of the training images.
        seed: Integer of the run.
        num_records: Of the training split.
        mine: The slice of a batch that this host reads.

    Returns:
        A function that returns a dict: "offsets" and "mirrored" of
        `random_numbers`; "colours" float32 `(n, 3)`, what is added to each
        image's pixels; and "divisors" where the lighting is "original".
    """
    size = config.batch_size
    is_lit = config.lighting != "none"
    margin = len(statistics.mean_image) - config.crop_size
    epochs = held_out.Epochs(num_records, config)
    lit_images = round(epochs.steps(config.lighting_epochs) * size)
    components = transforms.lighting_components(statistics, config.lighting)

    def draw(step):
        numbers = random_numbers(
            size,
            margin + 1,
            seed,
            step,
            config.lighting_stddev if is_lit else 0.0,
            config.same_crop_images,
        )
        if not config.random_crops:
            numbers["offsets"] = tf.fill((size, 2), margin // 2)
        if not config.mirror:
            numbers["mirrored"] = tf.fill((size,), False)
        lit = tf.ones((size,))
        if lit_images:
            images = step * size + tf.range(size, dtype=tf.int64)
            lit = tf.cast(images < lit_images, tf.float32)
            numbers["light"] *= lit[:, tf.newaxis]
        numbers["colours"] = tf.linalg.matvec(components, numbers.pop("light"))
        if config.lighting == "original":
            numbers["divisors"] = 1.0 + config.lighting_stddev * lit
        return {name: values[mine] for name, values in numbers.items()}

    return draw


def make_augment(config: DataConfig, statistics: Any) -> Callable[..., Any]:
    """Returns the function from crops and their numbers to a batch.

    Args:
        config: A `DataConfig`.
        statistics: The `Statistics` of the training images.

    Returns:
        A function of what `training_crops.make_crop_dataset` yields, or of a
        part of it: `(crops, labels, numbers)` to `(images, labels)`.
    """
    # An array is a constant of every graph, on the device that it runs on.
    mean_image = np.asarray(statistics.mean_image, np.float32)

    @tf.autograph.experimental.do_not_convert
    def augment(crops, labels, numbers):
        images = augment_batch(
            crops, mean_image=mean_image, mean=config.mean, **numbers
        )
        return images, labels

    return augment


@tf.function(jit_compile=True, autograph=False)
def augment_batch(
    crops,
    offsets,
    mirrored,
    colours,
    mean_image,
    divisors=None,
    mean="paper",
):
    """Less the mean image, mirror, colour shift: one pass over a batch.

    Args:
        crops: uint8 `(n, size, size, 3)`.
        offsets: int32 `(n, 2)`, the crop's top and left in its image.
        mirrored: bool `(n,)`.
        colours: float32 `(n, 3)`, what is added to every pixel of an image.
        mean_image: float32 `(height, width, 3)`.
        divisors: float32 `(n,)`, what each image is divided by at the end, or
            `None`. The authors' program: 1.1 while the colour shift is on.
        mean: "paper" subtracts the mean image at the crop's own position, and
            mirrors it with the crop; "original" the mean image's centre from
            every crop, mirrored or not.

    Returns:
        float32 `(n, size, size, 3)`, about -150 to 150, not clipped.
    """
    size = crops.shape[1]
    if mean == "original":
        means = transforms.center_crop(mean_image, size)
    else:
        means = _means_at_crops(mean_image, offsets, mirrored, size)
    crops = tf.where(
        mirrored[:, tf.newaxis, tf.newaxis, tf.newaxis],
        tf.reverse(crops, axis=[2]),
        crops,
    )
    images = tf.cast(crops, tf.float32) - means
    images += colours[:, tf.newaxis, tf.newaxis, :]
    if divisors is None:
        return images
    return images / divisors[:, tf.newaxis, tf.newaxis, tf.newaxis]


def _means_at_crops(mean_image, offsets, mirrored, size):
    """Returns the window of the mean image that each crop was cut from."""
    reach = tf.range(size)
    # One row and one column of indices an image, mirrored where it is.
    rows = offsets[:, :1] + reach
    columns = tf.where(mirrored[:, tf.newaxis], reach[::-1], reach)
    means = tf.gather(mean_image, rows)
    return tf.gather(means, offsets[:, 1:] + columns, axis=2, batch_dims=1)
