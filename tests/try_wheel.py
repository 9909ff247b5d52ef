"""Installs the wheel into an empty environment and tries it there.

    python tests/try_wheel.py dist/alexnet_tf-1.0.0-py3-none-any.whl
    python tests/try_wheel.py --download dist/alexnet_tf-1.0.0-py3-none-any.whl

Without --download what the wheel needs is that of the environment at hand,
which takes seconds; with it everything is downloaded, as for a stranger. Then,
from an empty folder: version, help, doctor, five steps of training, an
evaluation, an export, an answer. Not a test by its name: `make dist` runs it.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv

TRAIN = (
    *("--config=demo", "--config.data.directory=records"),
    *("--config.training.total_steps=5", "--config.training.total_epochs=1"),
    *("--workdir=runs/tried", "--config.training.log_every_steps=5"),
)
COMMANDS = (
    ("--version",),
    ("--help",),
    ("doctor",),
    ("render_dataset", "--output_dir=archives", "--train_per_class=2")
    + ("--validation_per_class=1",),
    ("build_tfrecords", "--ilsvrc_dir=archives", "--output_dir=records")
    + ("--image_size=128", "--train_shards=1", "--validation_shards=1"),
    ("train", *TRAIN),
    ("evaluate", "--workdir=runs/tried", "--crops=1"),
    ("export", "--workdir=runs/tried"),
)


def main():
    """Installs, runs each command, prints seconds and megabytes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=pathlib.Path)
    parser.add_argument("--download", action="store_true")
    given = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="alexnet_wheel_"))
    try:
        _try(folder, given.wheel.resolve(), given.download)
    finally:
        shutil.rmtree(folder)


def _try(folder, wheel, download):
    """Installs a wheel into a folder and runs its programs."""
    environment, work = folder / "environment", folder / "work"
    work.mkdir()
    started = time.monotonic()
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    choice = [] if download else ["--no-deps"]
    _run([python, "-m", "pip", "install", "--quiet", *choice, wheel], work)
    if not download:
        _borrow(environment)
    megabytes = _megabytes(environment)
    print(f"installed in {time.monotonic() - started:.0f} s, {megabytes} MB")
    code = "import alexnet_tf; print(alexnet_tf.__file__)"
    at = _run([python, "-c", code], work)
    assert at.startswith(str(environment)), at
    for command in COMMANDS:
        started = time.monotonic()
        shown = _run([environment / "bin" / "alexnet", *command], work)
        last = (shown.strip().splitlines() or [""])[-1]
        seconds = time.monotonic() - started
        print(f"{seconds:5.0f} s  alexnet {' '.join(command)}: {last}")
        assert "Traceback" not in shown


def _borrow(environment):
    """Lets an environment find the packages of the one at hand."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    packages = environment / "lib" / version / "site-packages"
    at_hand = sysconfig.get_path("purelib")
    (packages / "borrowed.pth").write_text(f"{at_hand}\n")


def _run(command, work):
    """Returns what a command prints; ends the program where it fails."""
    # Neither the checkout nor a user's packages may be found.
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run(
        list(map(str, command)),
        cwd=work,
        env={**clean, "PYTHONNOUSERSITE": "1"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{command} has failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _megabytes(folder):
    """Returns how much a folder takes."""
    paths = (p for p in folder.rglob("*") if p.is_file())
    return round(sum(p.lstat().st_size for p in paths) / 1e6)


if __name__ == "__main__":
    main()
