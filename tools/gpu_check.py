"""Tests and measures on a GPU in under ten minutes, and writes a report.

    python -m tools.gpu_check
    python -m tools.gpu_check --device=cpu --batch_size=4 --minutes=5

What the tests marked `gpu` hold, then the training step of the paper's network
in each precision, and on two GPUs in each placement. gpu-report.md and
gpu-report.json have card, driver and versions: please send them back.
--device=cpu rehearses it without a GPU.
"""

if __name__ == "__main__" and not __package__:
    import by_path  # noqa: F401, makes it `python -m tools.NAME`

import time

from alexnet_tf.cli import program, progress

flags = program.Flags()

_DEVICE = flags.DEFINE_enum(
    "device", "gpu", ["gpu", "cpu"], "What to check: gpu, or cpu to rehearse."
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", ".", "Folder for the report, such as reports."
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 128, "Images per step of the benchmarks, such as 256.", 1
)
_MINUTES = flags.DEFINE_float(
    "minutes", 10.0, "All of it ends within so many minutes, such as 5.", 0.1
)


def main(argv):
    """Runs tests and benchmarks; returns 1 where a test has failed."""
    from alexnet_tf.doctor import gpu_report

    started = time.monotonic()
    # Half a minute for what is done in this process.
    clock = gpu_report.Clock(60 * _MINUTES.value - 30)
    facts = gpu_report.facts()
    if _DEVICE.value == "gpu" and not facts["gpus"]:
        raise ValueError(
            "TensorFlow must see a GPU. Found: none. See docs/gpu.md, or "
            "rehearse with --device=cpu."
        )
    has_two = len(facts["gpus"]) > 1
    parts = 1 + len(gpu_report.PRECISIONS) + has_two
    with progress.Progress("gpu check", parts, "parts") as bar:
        # The tests compile much: two shares.
        tests = gpu_report.run_tests(_DEVICE.value, 2 * clock.share(parts + 1))
        bar.update()
        benchmarks = []
        for number, precision in enumerate(gpu_report.PRECISIONS):
            left = len(gpu_report.PRECISIONS) - number + has_two
            benchmarks += gpu_report.run_benchmark(
                precision, _BATCH_SIZE.value, clock.share(left)
            )
            bar.update()
        if has_two:
            benchmarks += gpu_report.run_placements(
                _BATCH_SIZE.value, clock.share(1)
            )
            bar.update()
    report = {
        "facts": facts,
        "tests": tests,
        "batch_size": _BATCH_SIZE.value,
        "benchmarks": benchmarks,
        "seconds": time.monotonic() - started,
    }
    path = gpu_report.save(_OUTPUT_DIR.value, report)
    print(gpu_report.describe(report))
    print(f"report: {path}")
    return int(bool(tests["failed"] or not tests["passed"]))


if __name__ == "__main__":
    program.run(main, flags)
