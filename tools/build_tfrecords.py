"""Converts ImageNet, as people have it, and other images to TFRecords.

    python -m tools.build_tfrecords --ilsvrc_dir=DOWNLOADS --output_dir=DATA

The same command goes on where an earlier run was cut off.
"""

if __name__ == "__main__" and not __package__:
    import by_path  # noqa: F401, makes it `python -m tools.NAME`

import contextlib
import dataclasses

from absl import app

from alexnet_tf.cli import program
from alexnet_tf.cli.progress import Progress
from input_pipeline import dataset_info
from input_pipeline.conversion.sources import selection

flags = program.Flags()

# Every process of the converter imports this file: what is heavy comes in main.
_STRINGS = {
    **selection.KINDS,
    **selection.OPTIONS,
    "output_dir": "Folder for the records: --output_dir=data/ilsvrc2012",
    "beam_options": "Convert by Apache Beam, on machines that share folders: "
    "--beam_options='--runner=FlinkRunner --flink_master=HOST:8081'",
    "cluster": "Convert by a Dask cluster, on machines that share folders: "
    "--cluster=tcp://HOST:8786",
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
flags.DEFINE_float("validation_fraction", 0.0, selection.VALIDATION_FRACTION)
flags.DEFINE_bool("check_archives", False, selection.CHECK_ARCHIVES)


def main(argv):
    """Converts, unless the folder holds the result already."""
    from input_pipeline import machine
    from input_pipeline.conversion import convert

    values = flags.values.flag_values_dict()
    choice = _read_choice(values)
    on_error = values["on_error"]
    names = [field.name for field in dataclasses.fields(convert.Settings)]
    fields = {name: values[name] for name in names}
    with _connect(values) as engine:
        info = convert.convert(
            lambda: choice.open(on_error, values["seed"]),
            convert.Settings(**fields),
            values["output_dir"],
            {**choice.request(), **fields, "on_error": on_error},
            num_processes=values["num_processes"] or machine.count_cores(),
            on_error=on_error,
            engine=engine,
            make_progress=lambda n: Progress("convert", n, "images"),
        )
    print(convert.summarize(info))


def _connect(values):
    """Returns a scope with what converts instead of our own processes."""
    if values["beam_options"] and values["cluster"]:
        raise app.UsageError("Give --beam_options or --cluster, not both.")
    if values["beam_options"]:
        from input_pipeline.conversion import beam

        return contextlib.nullcontext(beam.engine(values["beam_options"]))
    if values["cluster"]:
        from input_pipeline.conversion import dask_cluster

        return dask_cluster.connect(values["cluster"])
    return contextlib.nullcontext()


def _read_choice(values):
    """Returns the one source that the flags name."""
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
    program.run(main, flags)
