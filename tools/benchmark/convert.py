"""How fast the converter is: beside decoding alone, and beside Pillow's way."""

import io
import multiprocessing
import os
import pathlib
import statistics
import tempfile
import time

_NUM_IMAGES = 300
_SIZE = 256
_PHOTOGRAPHS = pathlib.Path("../shared/data/ilsvrc_mini")


def run(rounds, num_processes=None, directory=None):
    """Returns images per second of three ways to work through photographs.

    Each round runs all of them in turn, so that a change of the machine's
    speed meets all alike; the medians of the rounds are returned.

    Args:
        rounds: How often.
        num_processes: Of each way; the default is one a core.
        directory: Folder with ILSVRC archives; by default the photographs
            beside the checkout, or else rendered images.

    Returns:
        A list of dicts `name`, `images_per_second` and `ratio`, which is the
        rate divided by that of the first, our converter.
    """
    jpegs = load_jpegs(directory)
    ways = {
        "convert": convert,
        "decode only": decode_only,
        "pillow": convert_with_pillow,
    }
    num_processes = num_processes or os.cpu_count()
    rates = {name: [] for name in ways}
    context = multiprocessing.get_context("spawn")
    with context.Pool(num_processes, _start, (jpegs,)) as pool:
        for way in ways.values():  # loads what they import
            pool.starmap(_run_share, [(way, 0, 50)] * num_processes, 1)
        for _ in range(rounds):
            for name, way in ways.items():
                shares = [(way, i, num_processes) for i in range(num_processes)]
                seconds = pool.starmap(_run_share, shares, 1)
                rates[name].append(len(jpegs) / max(seconds))
    medians = {name: statistics.median(r) for name, r in rates.items()}
    return [
        {
            "name": name,
            "images_per_second": round(rate, 1),
            "ratio": round(rate / medians["convert"], 3),
        }
        for name, rate in medians.items()
    ]


def load_jpegs(directory=None):
    """Returns the bytes of the images that every way works through."""
    from input_pipeline.conversion.sources import ilsvrc

    if directory is None and _PHOTOGRAPHS.is_dir():
        directory = _PHOTOGRAPHS
    if directory is None:
        from input_pipeline import synthetic

        return [
            synthetic.render_jpeg(0, "train", i % 10, i)
            for i in range(_NUM_IMAGES)
        ]
    train = ilsvrc.open_source(directory).splits["train"]
    return [train.read(i) for i in range(min(len(train), _NUM_IMAGES))]


def convert(jpegs, folder):
    """Does all that a worker of the converter does with an image.

    Like Pillow's way it does not wait for the disk, as the converter does once
    a shard.
    """
    from input_pipeline import records, shards
    from input_pipeline.conversion import images
    from input_pipeline.statistics import Accumulator

    accumulator = Accumulator(_SIZE)
    with shards.ShardWriter(folder / "ours") as writer:
        for i, jpeg in enumerate(jpegs):
            jpeg, image, _ = images.convert(jpeg, _SIZE, 95)
            accumulator.add(image)
            writer.write(records.serialize(jpeg, i, f"{i}.JPEG", "n"))


def decode_only(jpegs, folder):
    """Decodes with libjpeg-turbo and throws the pixels away."""
    del folder
    import simplejpeg

    for jpeg in jpegs:
        simplejpeg.decode_jpeg(jpeg)


def convert_with_pillow(jpegs, folder):
    """Decodes, scales by BICUBIC, cuts, encodes, writes a TFRecord.

    As one would write it first: records by `tf.train.Example` and
    `tf.io.TFRecordWriter`, no statistics and no checksums of its own.
    """
    import tensorflow as tf
    from PIL import Image

    def bytes_feature(value):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    with tf.io.TFRecordWriter(str(folder / "pillow")) as writer:
        for i, jpeg in enumerate(jpegs):
            image = Image.open(io.BytesIO(jpeg)).convert("RGB")
            scale = _SIZE / min(image.size)
            size = [max(_SIZE, round(side * scale)) for side in image.size]
            image = image.resize(size, Image.BICUBIC)
            left, top = [(side - _SIZE) // 2 for side in size]
            image = image.crop((left, top, left + _SIZE, top + _SIZE))
            encoded = io.BytesIO()
            image.save(encoded, "JPEG", quality=95)
            label = tf.train.Int64List(value=[i])
            fields = {
                "image": bytes_feature(encoded.getvalue()),
                "label": tf.train.Feature(int64_list=label),
                "file_name": bytes_feature(f"{i}.JPEG".encode()),
                "synset": bytes_feature(b"n"),
            }
            example = tf.train.Example(
                features=tf.train.Features(feature=fields)
            )
            writer.write(example.SerializeToString())


def _start(jpegs):
    """Gives a process the images, once."""
    global _jpegs
    _jpegs = jpegs


def _run_share(way, index, count):
    """Works through every `count`-th image; returns the seconds it took."""
    import cv2

    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        way(_jpegs[index::count], pathlib.Path(folder))
        return time.perf_counter() - start
