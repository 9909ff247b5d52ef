"""Measures images per second, ours beside others', in turns on one machine.

    python -m tools.benchmark --mode=step --peers

Prints a JSON object a line: name, images per second (median of the rounds),
all rounds, and the ratio to the first line.
"""

import json

from absl import flags

from tools import benchmark_step, benchmark_workers, program, progress

_MODE = flags.DEFINE_enum(
    "mode", "step", ["step"], "What to measure: step, one training update."
)
_PEERS = flags.DEFINE_boolean(
    "peers", False, "Whether to measure others too, where they are installed."
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 64, "Images per step, such as 128."
)
_ROUNDS = flags.DEFINE_integer(
    "rounds", 7, "How often each takes its turn; odd, such as 7."
)


def main(argv):
    """Measures, and prints a line for each competitor."""
    if _BATCH_SIZE.value < 1 or _ROUNDS.value < 1:
        raise ValueError(
            "batch_size and rounds must be 1 or more. "
            f"Received: {_BATCH_SIZE.value} and {_ROUNDS.value}"
        )
    field = benchmark_step.competitors(_BATCH_SIZE.value, _PEERS.value)
    turns = len(field) * _ROUNDS.value
    with progress.Progress(f"benchmark {_MODE.value}", turns, "turns") as bar:
        results = benchmark_workers.compete(field, _ROUNDS.value, bar)
    for result in results:
        print(json.dumps(result))


if __name__ == "__main__":
    program.run(main)
