"""The whole way on a CPU, from archives to a classified image, in minutes.

    make demo

Renders a small data set in ILSVRC-2012's own archive layout, converts it,
trains a narrow AlexNet, evaluates it with ten crops, draws its kernels and
guesses, exports it and classifies two images. Every command is printed before
it runs, as one would type it. What an earlier call finished is used again.
"""

if __name__ == "__main__" and not __package__:
    import by_path  # noqa: F401, makes it `python -m tools.NAME`

import json
import pathlib
import shlex
import signal
import statistics
import subprocess
import sys
import tarfile
import time

from alexnet_tf.cli import program
from alexnet_tf.cli.progress import format_seconds
from input_pipeline.files import write_atomically

flags = program.Flags()

_DATA_DIR = flags.DEFINE_string(
    "data_dir", "data", "Where archives and records go, such as data."
)
_WORKDIR = flags.DEFINE_string(
    "workdir", "runs/demo", "Folder of the run, such as runs/demo."
)


def main(argv):
    """Runs the stages, then prints what came of them."""
    started = time.monotonic()
    archives = pathlib.Path(_DATA_DIR.value) / "demo_archives"
    records = pathlib.Path(_DATA_DIR.value) / "demo"
    workdir = pathlib.Path(_WORKDIR.value)

    _run("render_dataset", f"--output_dir={archives}")
    _run(
        "build_tfrecords",
        f"--ilsvrc_dir={archives}",
        f"--output_dir={records}",
        "--name=demo",
        "--image_size=128",
        "--train_shards=4",
        "--validation_shards=2",
    )
    _run(
        "train",
        "--config=demo",
        f"--config.data.directory={records}",
        f"--workdir={workdir}",
    )
    step = _last_step(workdir)
    predictions = workdir / "predictions" / f"validation-{step:08d}-10.json"
    _run(
        "evaluate",
        f"--workdir={workdir}",
        "--crops=10",
        unless=predictions,
    )
    for figure, name in ((3, "kernels"), (4, "guesses")):
        path = workdir / "figures" / f"{name}-{step:08d}.png"
        _run(
            "make_figures",
            f"--workdir={workdir}",
            f"--figure={figure}",
            f"--output={path}",
            unless=path,
        )
    export = workdir / "export"
    _run("export", f"--workdir={workdir}", unless=export / "1")
    images = _two_images(archives, workdir / "images")
    _run("classify", f"--model={export}", *map(str, images))
    _print_table(archives, records, workdir, export, predictions, started)


def _run(name, *arguments, unless=None):
    """Runs a program, or says that its result is there already."""
    shown = ["python", "-m", f"tools.{name}"]
    if __package__ != "tools":
        shown = ["alexnet", name]
    print(f"\n$ {shlex.join([*shown, *arguments])}", flush=True)
    if unless is not None and unless.exists():
        print(f"already there: {unless}", flush=True)
        return
    # Ctrl-C reaches the program as well; it is given the time to save.
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    command = [sys.executable, "-m", f"{__package__}.{name}"]
    status = subprocess.Popen([*command, *arguments]).wait()
    signal.signal(signal.SIGINT, before)
    if status:
        sys.exit(status)


def _last_step(workdir):
    """Returns the step of the last checkpoint."""
    folders = (workdir / "checkpoints").glob("[0-9]*")
    return max(int(folder.name) for folder in folders)


def _two_images(archives, folder):
    """Takes two validation images out of their archive."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    with tarfile.open(archives / "ILSVRC2012_img_val.tar") as archive:
        for member in archive.getmembers()[:2]:
            path = folder / pathlib.Path(member.name).name
            write_atomically(path, archive.extractfile(member).read())
            paths.append(path)
    return paths


def _print_table(archives, records, workdir, export, predictions, started):
    """Prints where things are, the errors, and what to look at next."""
    scores = json.loads(predictions.read_text())
    lines = (workdir / "metrics.jsonl").read_text().splitlines()
    rates = [
        line["images_per_second"]
        for line in map(json.loads, lines)
        if line["split"] == "train"
    ]
    rows = {
        "archives": archives,
        "records": records,
        "run": workdir,
        "guesses, kernels": workdir / "figures",
        "SavedModel": export / "1",
        "images": f"{scores['num_images']} of the validation split",
        "top-1 error": f"{scores['top1_error']:.1%}, ten crops (chance: 90%)",
        "top-5 error": f"{scores['top5_error']:.1%}",
        "training": f"{statistics.median(rates):.0f} images/s",
        "this call": format_seconds(time.monotonic() - started),
    }
    print()
    for name, value in rows.items():
        print(f"{name:>17}  {value}")
    print("\nWatch the run:", end=" ")
    print(f".venv/bin/tensorboard --logdir={workdir / 'summaries'}")


if __name__ == "__main__":
    program.run(main, flags)
