"""Converts ImageNet, class folders or CIFAR-10 to TFRecords.

    python -m tools.build_tfrecords --ilsvrc_dir=DOWNLOADS --output_dir=DATA

The same command goes on where an earlier run was cut off.
"""

import dataclasses

from absl import app, flags

from alexnet_tf.cli import program
from alexnet_tf.cli.progress import Progress
from input_pipeline import dataset_info

# Every process of the converter imports this file: what is heavy comes in main.
_STRINGS = {
    "ilsvrc_dir": "Folder with the official ILSVRC archives as downloaded, "
    "never unpacked: --ilsvrc_dir=downloads",
    "image_dir": "Folder with train/CLASS/* and validation/CLASS/* (or val), "
    "or with a tar for each class: --image_dir=tiny-imagenet-200",
    "cifar10_dir": "CIFAR-10, unpacked: binary, python or class folders; it is "
    "validated on its test images: --cifar10_dir=cifar-10-batches-bin",
    "tfds": "A data set that TFDS has prepared: --tfds=imagenette",
    "tfds_data_dir": "Where TFDS keeps it: --tfds_data_dir=~/data",
    "output_dir": "Folder for the records: --output_dir=data/ilsvrc2012",
    "beam_options": "Convert by Apache Beam, on machines that share folders: "
    "--beam_options='--runner=FlinkRunner --flink_master=HOST:8081'",
    "name": "Begins the shards' names, or else the source's: --name=ilsvrc2012",
}
_INTEGERS = {
    "image_size": (256, "Side of the records in pixels; 0 keeps every image "
    "as it is, and leaves out the mean image: --image_size=256"),
    "jpeg_quality": (95, "From 1 to 100: --jpeg_quality=95"),
    "train_shards": (1024, "Files of the training split: --train_shards=1024"),
    "validation_shards": (128, "Files of each other split: "
    "--validation_shards=128"),
    "seed": (0, "Of the order of the training records: --seed=0"),
}  # fmt: skip
_CHOICES = {
    "resample": (dataset_info.RESAMPLES, "Filter that scales these images, "
    "and all that the network is shown later: --resample=area"),
    "resize": (dataset_info.RESIZES, "Shorter side to --image_size and centre "
    "cut out, or the whole image, as Caffe's users did: --resize=squash"),
    "on_error": (("fail", "skip"), "What to do about a file that is no image: "
    "stop, or leave it out and list it in dataset.json: --on_error=skip"),
}  # fmt: skip

for _name, _help in _STRINGS.items():
    flags.DEFINE_string(_name, None, _help)
for _name, (_default, _help) in _INTEGERS.items():
    flags.DEFINE_integer(_name, _default, _help)
for _name, (_choices, _help) in _CHOICES.items():
    flags.DEFINE_enum(_name, _choices[0], _choices, _help)
flags.DEFINE_integer("num_processes", None, "All cores, or so many: 8", 1)
flags.DEFINE_float(
    "validation_fraction",
    0.0,
    "Of each class, where --image_dir has no validation images: "
    "--validation_fraction=0.5",
)
flags.DEFINE_bool(
    "check_archives",
    False,
    "With --ilsvrc_dir: compare the official MD5 sums first: --check_archives",
)


def main(argv):
    """Converts, unless the folder holds the result already."""
    from input_pipeline import machine
    from input_pipeline.conversion import convert

    values = flags.FLAGS.flag_values_dict()
    choice = _read_choice(values)
    on_error = values["on_error"]
    names = [field.name for field in dataclasses.fields(convert.Settings)]
    fields = {name: values[name] for name in names}
    info = convert.convert(
        lambda: choice.open(on_error, values["seed"]),
        convert.Settings(**fields),
        values["output_dir"],
        {**choice.request(), **fields, "on_error": on_error},
        num_processes=values["num_processes"] or machine.count_cores(),
        on_error=on_error,
        engine=_make_engine(values),
        make_progress=lambda n: Progress("convert", n, "images"),
    )
    print(convert.summarize(info))


def _make_engine(values):
    """Returns what converts instead of this machine's processes, or None."""
    if values["beam_options"]:
        from input_pipeline.conversion import beam

        return beam.engine(values["beam_options"])
    return None


def _read_choice(values):
    """Returns the one source that the flags name."""
    from input_pipeline.conversion.sources import selection

    given = [kind for kind in selection.KINDS if values[kind]]
    if len(given) != 1 or not values["output_dir"]:
        names = ", ".join(f"--{kind}" for kind in selection.KINDS)
        raise app.UsageError(f"Give --output_dir and one of {names}.")
    options = {f.name for f in dataclasses.fields(selection.SourceOptions)}
    choice = selection.SourceOptions(
        kind=given[0],
        location=values[given[0]],
        **{name: values[name] for name in options - {"kind", "location"}},
    )
    choice.validate()
    return choice


if __name__ == "__main__":
    program.run(main)
