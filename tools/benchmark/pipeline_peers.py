"""What others would write to turn the same records into batches.

All get the bytes of the JPEG files in memory and read no files. They subtract
one mean colour where ours subtracts a mean image, as their users do.
"""

import concurrent.futures
import functools
import io
import itertools
import os
import pathlib

import numpy as np

from .pipeline import BATCH_SIZE, CROP_SIZE, FILE_NAME, make_turn


def make_bare(data_dir, how):
    """Returns a turn of libjpeg-turbo alone, a thread a core.

    The pixels of the whole 256 x 256 image: simplejpeg has no windows, and
    libjpeg-turbo must read all rows above a window anyway.
    """
    del how
    import simplejpeg

    jpegs, _, _ = _load(data_dir)
    cores = os.cpu_count()
    pool = concurrent.futures.ThreadPoolExecutor(cores)
    count = 16 * BATCH_SIZE

    def decode(part):
        for i in range(part, count, cores):
            simplejpeg.decode_jpeg(jpegs[i % len(jpegs)])

    def turn():
        list(pool.map(decode, range(cores)))
        return count

    return turn


def make_torch(data_dir, how):
    """Returns a turn of a DataLoader with two workers.

    Args:
        data_dir: The records.
        how: "pillow" or "io", who decodes.
    """
    import torch

    jpegs, labels, facts = _load(data_dir)
    torch.set_num_threads(1)
    transform = (
        _pillow_transform(facts) if how == "pillow" else _io_transform(facts)
    )

    class Photographs(torch.utils.data.Dataset):
        """As many as a few turns need, from memory."""

        def __len__(self):
            return 32 * BATCH_SIZE

        def __getitem__(self, i):
            i %= len(jpegs)
            return transform(jpegs[i]), labels[i]

    loader = torch.utils.data.DataLoader(
        Photographs(),
        batch_size=BATCH_SIZE,
        shuffle=True,
        num_workers=2,
        drop_last=True,
        persistent_workers=True,
        multiprocessing_context="fork",
    )
    return make_turn(lambda: iter(loader), lambda batch: batch[0].shape)


def _lighting(components):
    """Returns the usual transform for the colour shift, 0.1 at a time."""
    import torch

    components = torch.tensor(components)

    def shift(image):
        colour = components @ (torch.randn(3) * 0.1)
        return image + colour[:, None, None]

    return shift


def _pillow_transform(facts):
    """Returns the transforms of most ImageNet scripts."""
    from PIL import Image
    from torchvision import transforms

    mean, components = facts
    chain = transforms.Compose(
        [
            transforms.RandomCrop(CROP_SIZE),
            transforms.RandomHorizontalFlip(),
            transforms.PILToTensor(),
            transforms.ConvertImageDtype(_float32()),
            transforms.Normalize((mean / 255).tolist(), [1 / 255] * 3),
            _lighting(components),
        ]
    )
    return lambda jpeg: chain(Image.open(io.BytesIO(jpeg)).convert("RGB"))


def _io_transform(facts):
    """Returns the same on tensors, decoded by torchvision."""
    import torch
    from torchvision import io as torchvision_io
    from torchvision.transforms import v2

    mean, components = facts
    chain = v2.Compose(
        [
            v2.RandomCrop(CROP_SIZE),
            v2.RandomHorizontalFlip(),
            v2.ToDtype(torch.float32),
            v2.Normalize(mean.tolist(), [1.0] * 3),
            _lighting(components),
        ]
    )

    def transform(jpeg):
        data = torch.frombuffer(bytearray(jpeg), dtype=torch.uint8)
        mode = torchvision_io.ImageReadMode.RGB
        return chain(torchvision_io.decode_jpeg(data, mode))

    return transform


def make_dali(data_dir, how):
    """Returns a turn of DALI on the CPU: crop, mirror, less the mean."""
    del how
    from nvidia.dali import fn, pipeline_def, types

    jpegs, labels, (mean, _) = _load(data_dir)
    encoded = [np.frombuffer(jpeg, np.uint8) for jpeg in jpegs]
    numbers = itertools.cycle(range(len(encoded)))

    def feed():
        chosen = list(itertools.islice(numbers, BATCH_SIZE))
        return [encoded[i] for i in chosen], labels[chosen]

    @pipeline_def(
        batch_size=BATCH_SIZE,
        num_threads=os.cpu_count(),
        device_id=None,
        prefetch_queue_depth=2,
    )
    def make_pipeline():
        data, label = fn.external_source(source=feed, num_outputs=2)
        images = fn.decoders.image(data, device="cpu")
        images = fn.crop_mirror_normalize(
            images,
            crop=(CROP_SIZE, CROP_SIZE),
            crop_pos_x=fn.random.uniform(range=(0.0, 1.0)),
            crop_pos_y=fn.random.uniform(range=(0.0, 1.0)),
            mirror=fn.random.coin_flip(),
            mean=mean.tolist(),
            std=[1.0] * 3,
            dtype=types.FLOAT,
            output_layout="HWC",
        )
        return images, label

    pipeline = make_pipeline()
    pipeline.build()

    def batches():
        while True:
            yield pipeline.run()

    endless = batches()
    return make_turn(lambda: endless, lambda batch: batch[0].as_array().shape)


@functools.cache
def _load(data_dir):
    """Returns the JPEG bytes, the labels, and the mean and components."""
    # PyTorch and TensorFlow do not live in one process everywhere.
    with np.load(pathlib.Path(data_dir) / FILE_NAME) as saved:
        jpegs = np.split(saved["jpegs"], saved["ends"][:-1])
        facts = saved["mean"], saved["components"]
        return [jpeg.tobytes() for jpeg in jpegs], saved["labels"], facts


def _float32():
    """Returns PyTorch's name for it."""
    import torch

    return torch.float32
