"""Batches that the workers of a tf.data service decode, for throughput.

The workers open the shards themselves, by the same paths, and send crops as
uint8. In which order depends on who is quicker: nothing here can be repeated,
and no run can be resumed exactly.
"""

import queue
import threading

import numpy as np
import tensorflow as tf

from input_pipeline import records, transforms

# Longer than any batch takes, and short enough to find a dead worker soon.
TIMEOUT_SECONDS = 45
_FILES_AT_A_TIME = 16
_SHUFFLED_RECORDS = 4096
_SENT_AT_A_TIME = 16


def make_crops(index, config, margin, seed, timeout_seconds=TIMEOUT_SECONDS):
    """Returns endless batches of crops, decoded by the service's workers.

    Every shard is given to one worker once an epoch, in another order each
    time. Records are shuffled across the end of an epoch, and so come equally
    often without being counted off; a worker that is lost takes its own along.

    Args:
        index: Of the records; every worker must see its files.
        config: A `DataConfig` with `service` set.
        margin: Rows and columns that a crop can move.
        seed: Integer of the run; varies the order of the shards.
        timeout_seconds: Without a batch for so long, the service is lost.

    Returns:
        A dataset of `(crops, labels, offsets, mirrored)`: uint8
        `(batch, crop, crop, 3)`, int32 `(batch,)`, int32 `(batch, 2)` and
        bool `(batch,)`. Where no batch comes in time, it raises an error that
        names the service.
    """
    size, batch_size = config.crop_size, config.batch_size

    def decode(serialized):
        fields = records.parse(serialized)
        offset = tf.random.uniform((2,), 0, margin + 1, tf.int32)
        if not config.random_crops:
            offset = tf.fill((2,), margin // 2)
        mirrored = tf.random.uniform(()) < (0.5 if config.mirror else 0.0)
        crop = transforms.decode_window(
            fields["image"], offset[0], offset[1], size
        )
        return crop, fields["label"], offset, mirrored

    files = [str(file) for file in index.paths]

    def choose_file(number):
        epoch = number // len(files)
        shuffled = tf.random.experimental.index_shuffle(
            number % len(files), tf.stack([seed, epoch]), len(files) - 1
        )
        return tf.gather(files, shuffled)

    batches = (
        # One job without an end: where a job ends, its last batch was now and
        # then lost (TensorFlow 2.21).
        tf.data.Dataset.range(np.iinfo(np.int64).max)
        .map(choose_file)
        .interleave(tf.data.TFRecordDataset, min(_FILES_AT_A_TIME, len(files)))
        .shuffle(min(_SHUFFLED_RECORDS, len(index)), seed)
        .map(decode, num_parallel_calls=tf.data.AUTOTUNE)
        .batch(_SENT_AT_A_TIME)  # Fewer and larger messages.
        .prefetch(tf.data.AUTOTUNE)
        .apply(
            tf.data.experimental.service.distribute(
                tf.data.experimental.service.ShardingPolicy.DYNAMIC,
                config.service,
            )
        )
        .unbatch()
        .batch(batch_size, drop_remainder=True)
    )
    return tf.data.Dataset.from_generator(
        lambda: watched(batches, config.service, timeout_seconds),
        output_signature=batches.element_spec,
    )


def watched(batches, address, timeout_seconds):
    """Yields batches, and raises an error where none comes in time.

    A client of the service waits for ever for a worker that was killed.

    Args:
        batches: An iterable.
        address: Of the service, for the error.
        timeout_seconds: For each batch.

    Raises:
        ConnectionError: No batch came in time, or the service broke off.
    """
    remedy = (
        "Start its dispatcher and workers again with: "
        "python -m tools.data_service --help, and the training after them; "
        "or leave data.service empty."
    )
    ready = queue.Queue(maxsize=2)
    stopped = threading.Event()

    def put(item):
        while not stopped.is_set():
            try:
                ready.put(item, timeout=1)
            except queue.Full:
                continue
            return

    def pull():
        try:
            for batch in batches:
                put((batch, None))
                if stopped.is_set():
                    return
        except Exception as error:
            put((None, error))

    threading.Thread(target=pull, daemon=True).start()
    try:
        while True:
            try:
                batch, error = ready.get(timeout=timeout_seconds)
            except queue.Empty:
                raise ConnectionError(
                    f"The data service {address} must send a batch within "
                    f"{timeout_seconds} seconds, and has sent none: a worker "
                    f"or the dispatcher is lost. {remedy}"
                ) from None
            if error is not None:
                raise ConnectionError(
                    f"The data service {address} must send batches. Received: "
                    f"{str(error).splitlines()[0]} {remedy}"
                ) from None
            yield batch
    finally:
        stopped.set()
