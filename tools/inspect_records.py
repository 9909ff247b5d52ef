r"""Shows the first records of a split, and what a network sees of them.

    python -m tools.inspect_records --data_dir=data/ilsvrc2012 \
        --split=train --output=sheet.png

Prints what the data set holds and a table of the records. Writes a contact
sheet: each image, and beside it training crops of it from four steps.
"""

if __name__ == "__main__" and not __package__:
    import by_path  # noqa: F401, makes it `python -m tools.NAME`

import pathlib

import numpy as np
import tensorflow as tf

from alexnet_tf.analysis import figures
from alexnet_tf.cli import program
from input_pipeline import augmentation, record_index, records, transforms
from input_pipeline.dataset_info import DatasetInfo
from input_pipeline.statistics import Statistics

flags = program.Flags()

_DATA_DIR = flags.DEFINE_string(
    "data_dir",
    None,
    "Folder of the records: --data_dir=data/ilsvrc2012",
    required=True,
)
_SPLIT = flags.DEFINE_string("split", "train", "train, validation or test.")
_OUTPUT = flags.DEFINE_string(
    "output", None, "PNG file: --output=sheet.png", required=True
)
_IMAGES = flags.DEFINE_integer(
    "images", 32, "Records to show: --images=8", lower_bound=1, upper_bound=1000
)
_CROPS = flags.DEFINE_integer(
    "crops",
    4,
    "Training crops beside each image; 0 for the images alone.",
    lower_bound=0,
    upper_bound=9,
)
_CROP_SIZE = flags.DEFINE_integer(
    "crop_size",
    None,
    "As data.crop_size; seven eighths of the image if not given.",
    lower_bound=1,
)
# Of the sheet: a side of records whose sizes differ, and pictures a row.
_SIDE = 256
_PICTURES_A_ROW = 10


def main(argv):
    """Prints the table and writes the sheet."""
    del argv
    output = pathlib.Path(_OUTPUT.value)
    if not output.parent.is_dir():
        raise FileNotFoundError(
            f"There is no folder {output.parent} for the sheet. Make it with: "
            f"mkdir -p {output.parent}"
        )
    info = DatasetInfo.load(_DATA_DIR.value)
    index = record_index.load_index(_DATA_DIR.value, info, _SPLIT.value)
    count = min(_IMAGES.value, len(index))
    fields = records.parse([index.read(p) for p in range(count)])
    fields = {name: values.numpy() for name, values in fields.items()}
    images = [_decode(fields["image"][p], index, p) for p in range(count)]
    names = [_class_name(info, label) for label in fields["label"]]
    _print_table(info, index, fields, names, images)
    strips = _strips(info, fields)
    captions = [
        [f"{label} {name}\n{file_name.decode()}"]
        + [f"step {step}" for step in range(len(strips[0]) - 1)]
        for label, name, file_name in zip(
            fields["label"], names, fields["file_name"], strict=True
        )
    ]
    columns = max(1, _PICTURES_A_ROW // len(strips[0]))
    figures.save_png(output, figures.contact_sheet(strips, captions, columns))
    print(f"\n{output}: {count} of {len(index)} {_SPLIT.value} records")


def _decode(jpeg, index, position):
    """Returns the pixels of a record that must hold an image."""
    try:
        return transforms.decode(jpeg).numpy()
    except tf.errors.InvalidArgumentError:
        raise ValueError(
            f"Record {position} of {index.files[index.shard[position]].name} "
            "must hold an image, and holds none. Remove the folder and "
            "convert again."
        ) from None


def _class_name(info, label):
    """Returns the first synonym; "?" for a label of no class."""
    if not 0 <= label < info.num_classes:
        return "?"
    return info.class_names[label].split(",")[0]


def _print_table(info, index, fields, names, images):
    """Prints what the data set holds, and a line a record."""
    counts = ", ".join(
        f"{split} {found.num_images:,} in {len(found.shards)} shards"
        for split, found in info.splits.items()
    )
    print(f"{info.name}: {counts}; {info.num_classes} classes")
    print("record shard  bytes    size label synset     file, class")
    for p, (image, name) in enumerate(zip(images, names, strict=True)):
        height, width, _ = image.shape
        print(
            f"{p:6} {index.shard[p]:5} {len(fields['image'][p]):6} "
            f"{f'{width}x{height}':>7} {fields['label'][p]:5} "
            f"{fields['synset'][p].decode():10} "
            f"{fields['file_name'][p].decode()}, {name}"
        )


def _strips(info, fields):
    """Returns each image, square, and training crops of it."""
    size = info.image_size or _SIDE
    squares = tf.stack(
        [transforms.square_from_bytes(jpeg, size) for jpeg in fields["image"]]
    )
    found = Statistics.load(_DATA_DIR.value)
    mean_image = found.mean_image
    if mean_image is None:
        mean_image = np.broadcast_to(found.mean_rgb, (size, size, 3))
    crop_size = _CROP_SIZE.value or max(1, size * 7 // 8)
    if crop_size > size:
        raise ValueError(
            f"crop_size must be at most {size}, as large as the images. "
            f"Received: {crop_size}"
        )
    components = transforms.lighting_components(found)
    columns = [squares.numpy()]
    for step in range(_CROPS.value):
        numbers = augmentation.random_numbers(
            len(squares), size - crop_size + 1, 0, step, 0.1
        )
        crops = [
            square[top : top + crop_size, left : left + crop_size]
            for square, (top, left) in zip(
                squares, numbers["offsets"].numpy(), strict=True
            )
        ]
        crops = augmentation.augment_batch(
            tf.stack(crops),
            numbers["offsets"],
            numbers["mirrored"],
            tf.linalg.matvec(components, numbers["light"]),
            mean_image.astype(np.float32),
        )
        columns.append(figures.add_mean(crops, found.mean_rgb))
    return list(zip(*columns, strict=True))


if __name__ == "__main__":
    program.run(main, flags)
