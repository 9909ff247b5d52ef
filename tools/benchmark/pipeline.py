"""Competitors of `tools.benchmark --mode=input`: records to batches.

All of them read the same 256 x 256 JPEG records and give batches of 128 crops,
mirrored at random, less the mean, with a colour shift, in float32; but for
those lines of ours that end where the batch travels to its device, as uint8
with its random numbers; the bare decoder, which gives nothing; and DALI, which
shifts no colours.
"""

import importlib.util
import pathlib
import subprocess
import sys

BATCH_SIZE = 128
CROP_SIZE = 224
# What peers read: the same JPEG bytes, without TensorFlow.
FILE_NAME = "peers.npz"
_BATCHES_A_TURN = 16
_PROGRAMS = __package__.rpartition(".")[0]
_PHOTOGRAPHS = pathlib.Path("../shared/data/ilsvrc_mini")


def make_records(folder):
    """Converts photographs, or rendered images where there are none.

    Args:
        folder: Where the records go.

    Returns:
        The path of the records.
    """
    folder = pathlib.Path(folder)
    photographs = _PHOTOGRAPHS
    if not photographs.is_dir():
        photographs = folder / "archives"
        _run("render_dataset", f"--output_dir={photographs}")
    _run(
        "build_tfrecords",
        f"--ilsvrc_dir={photographs}",
        f"--output_dir={folder / 'records'}",
        "--train_shards=4",
        "--validation_shards=1",
    )
    return folder / "records"


def _run(program, *flags):
    """Runs one of our programs."""
    subprocess.run(
        [sys.executable, "-m", f"{_PROGRAMS}.{program}", *flags],
        check=True,
        capture_output=True,
    )


def competitors(data_dir, peers):
    """Returns ours and, if asked for, those of the others that are here.

    Args:
        data_dir: What `make_records` returned.
        peers: Whether to add the others.
    """
    ours = f"{__package__}.pipeline:make_ours"
    theirs = f"{__package__}.pipeline_peers"
    field = [
        ("alexnet_tf, JPEG records, uint8 crops", ours, "device", None),
        ("alexnet_tf, JPEG records, float32", ours, "host", None),
        (
            "alexnet_tf, decoded cache, uint8 crops",
            ours,
            "device memory",
            None,
        ),
        ("alexnet_tf, decoded cache, float32", ours, "host memory", None),
    ]
    if peers:
        _write_for_peers(data_dir)
        field += [
            ("bare libjpeg-turbo", f"{theirs}:make_bare", "", None),
            (
                "PyTorch, Pillow",
                f"{theirs}:make_torch",
                "pillow",
                "torchvision",
            ),
            (
                "PyTorch, torchvision.io",
                f"{theirs}:make_torch",
                "io",
                "torchvision",
            ),
            ("NVIDIA DALI, CPU", f"{theirs}:make_dali", "", "nvidia.dali"),
        ]
    return [
        {
            "name": name,
            "function": function,
            "arguments": [str(data_dir), how],
            # Half of the cores' threads would idle in its worker processes.
            "environment": {"OMP_NUM_THREADS": "1"} if module else {},
        }
        for name, function, how, module in field
        if _is_here(module)
    ]


def _write_for_peers(data_dir):
    """Writes the JPEG bytes of the records, and what their mean is."""
    import numpy as np
    import tensorflow as tf

    from input_pipeline import record_index, records, statistics, transforms
    from input_pipeline.dataset_info import DatasetInfo

    info = DatasetInfo.load(data_dir)
    index = record_index.load_index(data_dir, info, "train")
    payloads = [index.read(i) for i in range(len(index))]
    fields = records.parse(tf.constant(payloads))
    jpegs = fields["image"].numpy()
    found = statistics.Statistics.load(data_dir)
    np.savez(
        pathlib.Path(data_dir) / FILE_NAME,
        jpegs=np.frombuffer(b"".join(jpegs), np.uint8),
        ends=np.cumsum([len(jpeg) for jpeg in jpegs]),
        labels=fields["label"].numpy().astype(np.int64),
        mean=found.mean_rgb.astype(np.float32),
        components=transforms.lighting_components(found),
    )


def make_ours(data_dir, how):
    """Returns a turn of our own pipeline, everything on.

    Args:
        data_dir: The records.
        how: Where batches are augmented, then `DataConfig.cache`.
    """
    import tensorflow as tf

    from input_pipeline import (
        DataConfig,
        make_crop_dataset,
        make_train_dataset,
    )

    augment_on, _, cache = how.partition(" ")
    make = make_crop_dataset if augment_on == "device" else make_train_dataset
    config = DataConfig(batch_size=BATCH_SIZE, crop_size=CROP_SIZE, cache=cache)
    batches = make(data_dir, config, seed=0)
    return make_turn(lambda: iter(batches), lambda batch: tf.shape(batch[0]))


def make_turn(begin, look):
    """Returns a turn that takes some batches from a fresh iterator.

    Fresh in each turn: what an idle iterator has prepared would be free. The
    first batches, which wait for the start, are not counted.

    Args:
        begin: Returns an iterator of batches.
        look: Called with every batch.
    """
    import time

    def turn():
        batches = begin()
        for _ in range(4):
            next(batches)
        started = time.perf_counter()
        for _ in range(_BATCHES_A_TURN):
            look(next(batches))
        return _BATCHES_A_TURN * BATCH_SIZE, time.perf_counter() - started

    return turn


def _is_here(module):
    """Whether a peer is installed; says what is missing."""
    if module is None:
        return True
    try:
        found = importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        found = False
    if not found:
        print(
            f"{module} is not installed and takes no part. Install it with: "
            "pip install --editable '.[peers]'",
            file=sys.stderr,
        )
    return found
