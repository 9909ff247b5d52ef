"""Plants faults in the core, and counts those that the files' tests catch.

    python tests/mutation.py --count=50 --seed=0
    python tests/mutation.py --count=50 --seed=0 --skip=20
    python tests/mutation.py --only=input_pipeline/shuffle.py

A fault is one comparison, operator, number, truth value or statement changed.
Faults are drawn by a seed, planted in a copy of the checkout one at a time,
and each file's own tests run on it: a test that fails, or hangs, has caught
it. Faults that change nothing are listed with the reason in EQUIVALENT and
are not counted. Not a test by its name: it takes about half an hour.
"""

import argparse
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import faults

ROOT = pathlib.Path(__file__).resolve().parent.parent
SECONDS = 300
# Files of the core, and their own tests.
CORE = {
    "alexnet_tf/evaluation.py": "evaluation evaluation_memory",
    "alexnet_tf/layers/dropout.py": "dropout",
    "alexnet_tf/layers/grouped.py": "grouped_conv locally_connected",
    "alexnet_tf/layers/grouped_conv.py": "grouped_conv",
    "alexnet_tf/layers/locally_connected.py": "locally_connected",
    "alexnet_tf/layers/lrn.py": "lrn",
    "alexnet_tf/layers/towers.py": "towers_apart equations",
    "alexnet_tf/layers/within_map.py": "within_map",
    "alexnet_tf/training/learning_rates.py": "learning_rates",
    "alexnet_tf/training/loop.py": "loop",
    "alexnet_tf/training/optimizer.py": "optimizer learning_rates",
    "alexnet_tf/training/schedule.py": "schedule",
    "alexnet_tf/training/step.py": "step",
    "alexnet_tf/weights/assign.py": "initialize",
    "alexnet_tf/weights/caffe.py": "published published_faults",
    "alexnet_tf/weights/initial.py": "initialize lineage",
    "alexnet_tf/weights/torchvision.py": "published",
    "input_pipeline/shuffle.py": "shuffle held_out",
    "input_pipeline/transforms.py": "transforms pipeline one_filter",
}
# What a fault is called when it is printed: why no test can catch it.
_ANY_SIDE = "NumPy takes any negative side for the one that is left to reckon."
EQUIVALENT = {
    "alexnet_tf/weights/caffe.py:_from_caffe: 1 -> 2, in: return "
    "maps.transpose(2, 3, 1, 0).reshape(-1, len(kernel))": _ANY_SIDE,
    "alexnet_tf/weights/caffe.py:_arrays: 1 -> 2, in: "
    'arrays[f"{name}/bias"] = bias.reshape(-1)': _ANY_SIDE,
    "alexnet_tf/weights/assign.py:shapes: True -> False, in: *front, last = "
    "zip(*(part.shape for part in parts), strict=True)": "The parts of a "
    "kernel have as many sides each; strict is for a fault of ours.",
    "alexnet_tf/layers/dropout.py:Dropout.call.mask: 0 -> 1, in: "
    'tf.shape(x), seed + [tower, 0], alg="philox"': "Every mask becomes "
    "another one and none is shared; no mask is on record anywhere.",
    "alexnet_tf/training/step.py:make_train_step.replica_step: scales_loss "
    "and strategy.num_replicas_in_sync > 1 -> scales_loss or "
    "strategy.num_replicas_in_sync > 1, in: if scales_loss and "
    "strategy.num_replicas_in_sync > 1:": "One replica's sum is its own, and "
    "without a scale infinities reach the weights either way: only slower.",
}


def main():
    """Draws faults, plants each, prints who caught it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--skip", type=int, default=0, help="so many of them")
    parser.add_argument("--only", help="one file of the core")
    given = parser.parse_args()
    drawn = draw(given.count, given.seed, given.only)[given.skip :]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="alexnet_mutation_"))
    try:
        _copy(folder)
        _preload()
        for tests in sorted({CORE[fault.path] for fault in drawn}):
            if _run(folder, tests.split()) != 0:
                sys.exit(f"error: the tests of {tests} must pass first.")
        survivors = [fault for fault in drawn if not _is_caught(folder, fault)]
    finally:
        shutil.rmtree(folder)
    print(f"{len(drawn) - len(survivors)} of {len(drawn)} caught")
    for fault in survivors:
        print(f"survived: {fault.name}")
    return int(bool(survivors))


def draw(count, seed, only=None):
    """Returns faults in an order that the seed decides.

    Args:
        count: How many, less those that change nothing.
        seed: Integer.
        only: A file of the core, or `None` for all.
    """
    found = [
        fault
        for path in ([only] if only else CORE)
        for fault in faults.find(ROOT, path)
    ]
    random.Random(seed).shuffle(found)
    counted = [fault for fault in found if fault.name not in EQUIVALENT]
    return counted[:count]


def _copy(folder):
    """Copies what git knows of the checkout."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)


def _preload():
    """Imports what every test needs and no fault is in; forks then share it.

    Nothing of TensorFlow's may run before a fork.
    """
    sys.path = [p for p in sys.path if pathlib.Path(p or ".").resolve() != ROOT]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    import hypothesis  # noqa: F401
    import pytest  # noqa: F401
    import tensorflow  # noqa: F401


def _is_caught(folder, fault):
    """Plants a fault, runs its tests, takes it out again."""
    started = time.monotonic()
    path = folder / fault.path
    whole = path.read_text(encoding="utf-8")
    path.write_text(fault.text, encoding="utf-8")
    try:
        status = _run(folder, CORE[fault.path].split())
    finally:
        path.write_text(whole, encoding="utf-8")
    is_caught = status != 0
    word = "caught" if is_caught else "SURVIVED"
    print(f"{time.monotonic() - started:4.0f} s  {word}  {fault.name}")
    sys.stdout.flush()
    return is_caught


def _run(folder, names):
    """Returns the status of pytest in a process of its own; None: it hung."""
    child = os.fork()
    if not child:
        _test(folder, names)
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        time.sleep(0.2)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _test(folder, names):
    """Runs tests in this process, from the copy, and ends it."""
    import pytest

    os.chdir(folder)
    sys.path[:0] = [str(folder), str(folder / "tests")]
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    files = [f"tests/test_{name}.py" for name in names]
    status = pytest.main(
        ["-x", "-q", "-m", "not slow", "-p", "no:xdist", *files]
    )
    os._exit(int(status))


if __name__ == "__main__":
    sys.exit(main())
