"""Measures images per second, ours beside others', in turns on one machine.

    python -m tools.benchmark --mode=step --peers
    python -m tools.benchmark --mode=step --peers --precision=mixed_bfloat16
    python -m tools.benchmark --mode=input --peers
    python -m tools.benchmark --mode=convert --peers
    python -m tools.benchmark --mode=load --seconds=120
    python -m tools.benchmark --mode=loop --peers
    python -m tools.benchmark --mode=update --peers
    python -m tools.benchmark --mode=inference --peers
    python -m tools.benchmark --mode=explain

`step` is one training update of the paper's full network, on a batch in memory
and on real records, beside the plainest Keras model of two branches, PyTorch's
and what the arithmetic alone would take. `convert` is the way from a photograph
to a record, beside bare decoding and a loop with Pillow. `input` goes on from
records to batches, beside bare decoding, PyTorch and DALI. `load` is
clients that ask `tools.serve` at once, beside the bare SavedModel. `loop`
is the demo's network in the whole training loop, beside its updates alone.
`placements` is the step on one device, on two towers and on two replicas.
`update` is PaperSGD on 61 million weights, beside the plainest pass over as
much memory.
`inference` is the paper's network from an exported model, in batches of 32 and
of one, beside PyTorch, ONNX Runtime and OpenVINO; its ratios are to the first
line of the same batch size. `explain` is what looks inside the paper's network,
beside its forward pass on the same images. Prints a JSON object a line: name,
images per second (of `update`, updates; median of the rounds), the ratio to
the first line, and all rounds but for `convert`.
"""

if __name__ == "__main__" and not __package__:
    import pathlib
    import sys

    sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
    import by_path  # noqa: F401, makes it `python -m tools.NAME`

import json
import tempfile

from alexnet_tf.cli import program, progress
from alexnet_tf.reproduction import turns

from . import (
    convert,
    explain,
    inference,
    inference_files,
    load,
    loop,
    pipeline,
    placements,
    step,
    workers,
)

flags = program.Flags()

_MODE = flags.DEFINE_enum(
    "mode",
    "step",
    [
        "convert",
        "explain",
        "inference",
        "input",
        "load",
        "loop",
        "placements",
        "step",
        "update",
    ],
    "What to measure: convert, photographs to records; input, records to "
    "batches; step, one training update; loop, what is around it; update, "
    "the rule alone; inference, images to classes; explain, what they look "
    "at; or load, a server.",
)
_PEERS = flags.DEFINE_boolean(
    "peers", False, "Whether to measure others too, where they are installed."
)
_PEERS_PYTHON = flags.DEFINE_string(
    "peers_python",
    None,
    "Of mode inference: the interpreter of an environment that has the "
    "others, such as peers/bin/python; this one by default.",
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 64, "Of mode step: images per step, such as 128."
)
_PRECISION = flags.DEFINE_enum(
    "precision",
    "float32",
    list(step.PRECISIONS),
    "Of step and placements: what is computed in; tf32 is float32 as GPUs "
    "round it, and no other on a CPU.",
)
_ROUNDS = flags.DEFINE_integer(
    "rounds", 7, "How often each takes its turn; odd, such as 7."
)
_SECONDS = flags.DEFINE_integer(
    "seconds", 120, "Of mode load: how long clients ask.", 1
)
_CLIENTS = flags.DEFINE_integer(
    "clients", 8, "Of mode load: how many clients ask at once.", 1
)


def main(argv):
    """Measures, and prints a line for each competitor."""
    if _BATCH_SIZE.value < 1 or _ROUNDS.value < 1:
        raise ValueError(
            "batch_size and rounds must be 1 or more. "
            f"Received: {_BATCH_SIZE.value} and {_ROUNDS.value}"
        )
    measure = {
        "convert": _measure_conversion,
        "explain": lambda: _compete(explain.field()),
        "inference": _measure_inference,
        "input": _measure_input,
        "load": _measure_load,
        "loop": lambda: _measure_field(loop.of_loop()),
        "placements": lambda: _compete(
            placements.competitors(_BATCH_SIZE.value, _PRECISION.value)
        ),
        "step": _measure_step,
        "update": lambda: _measure_field(loop.of_update()),
    }
    # The queue of tools.reproduce halts meanwhile.
    with turns.benchmark():
        for result in measure[_MODE.value]():
            print(json.dumps(result))


def _measure_step():
    """Returns the speed of the competitors of a training step."""
    with tempfile.TemporaryDirectory() as folder:
        data_dir = pipeline.make_records(folder)
        field = step.competitors(
            _BATCH_SIZE.value, _PEERS.value, data_dir, _PRECISION.value
        )
        return _compete(field)


def _measure_input():
    """Returns the speed of the competitors from records to batches."""
    with tempfile.TemporaryDirectory() as folder:
        data_dir = pipeline.make_records(folder)
        field = pipeline.competitors(data_dir, _PEERS.value)
        return _compete(field)


def _measure_load():
    """Returns what the server does under load."""
    return load.run(
        _SECONDS.value,
        _CLIENTS.value,
        lambda total: progress.Progress("benchmark load", total, "s"),
    )


def _measure_inference():
    """Yields the speed of the competitors from images to classes."""
    with tempfile.TemporaryDirectory() as folder:
        inference_files.make_files(folder)
        for field in inference.fields(
            folder, _PEERS.value, _PEERS_PYTHON.value
        ):
            yield from _compete(field)


def _measure_field(field):
    """Returns the speed of the first of a field, or of all with peers."""
    return _compete(field if _PEERS.value else field[:1])


def _compete(field):
    """Returns the speed of each, with a bar."""
    turns = len(field) * _ROUNDS.value
    with progress.Progress(f"benchmark {_MODE.value}", turns, "turns") as bar:
        return workers.compete(field, _ROUNDS.value, bar)


def _measure_conversion():
    """Returns the speed of the converter, and with peers of the others."""
    results = convert.run(_ROUNDS.value)
    return results if _PEERS.value else results[:1]


if __name__ == "__main__":
    program.run(main, flags)
