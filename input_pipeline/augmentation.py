"""What is done to a training batch at a step: its numbers, and the pass."""

import tensorflow as tf

from input_pipeline import held_out, transforms


def make_random_parameters(config, margin, seed, num_records, mine):
    """Returns the function from a step to a host's random numbers.

    Args:
        config: A `DataConfig`.
        margin: Rows and columns that a crop can move.
        seed: Integer of the run.
        num_records: Of the training split.
        mine: The slice of a batch that this host reads.
    """
    size = config.batch_size
    is_lit = config.lighting != "none"
    epochs = held_out.Epochs(num_records, config)
    lit_images = round(epochs.steps(config.lighting_epochs) * size)

    def draw(step):
        numbers = transforms.random_numbers(
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
        if config.lighting == "original":
            numbers["divisors"] = 1.0 + config.lighting_stddev * lit
        return {name: values[mine] for name, values in numbers.items()}

    return draw


def make_augment(config, statistics):
    """Returns the function from crops and their numbers to a batch.

    Args:
        config: A `DataConfig`.
        statistics: The `Statistics` of the training images.
    """
    mean_image = tf.constant(statistics.mean_image, tf.float32)
    components = tf.constant(
        transforms.lighting_components(statistics, config.lighting)
    )

    def augment(crops, labels, numbers):
        images = transforms.augment_batch(
            crops,
            numbers["offsets"],
            numbers["mirrored"],
            numbers["light"],
            mean_image,
            components,
            numbers.get("divisors"),
            mean=config.mean,
        )
        return images, labels

    return augment
