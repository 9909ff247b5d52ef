"""What a GPU's owner sends back: cards, versions, tests, images a second."""

import contextlib
import json
import pathlib
import platform
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET

from input_pipeline import files

_ROOT = pathlib.Path(__file__).resolve().parents[2]
PRECISIONS = ("float32", "tf32", "mixed_bfloat16", "mixed_float16")
_SMI = "name,driver_version,memory.total,power.limit"


class Clock:
    """Shares out the seconds that are left.

    Args:
        seconds: In all.
    """

    def __init__(self, seconds):
        self._end = time.monotonic() + seconds

    def share(self, parts):
        """Returns one of so many equal parts of what is left, at least 1."""
        return max(1.0, (self._end - time.monotonic()) / parts)


def facts():
    """Returns what the figures depend on, as a dict of plain values."""
    import keras
    import tensorflow as tf

    build = tf.sysconfig.get_build_info()
    return {
        "cards": _run_for_lines(
            ["nvidia-smi", f"--query-gpu={_SMI}", "--format=csv,noheader"]
        ),
        "links": _run_for_lines(["nvidia-smi", "topo", "-m"]),
        "gpus": [d.name for d in tf.config.list_physical_devices("GPU")],
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "cuda": build.get("cuda_version", ""),
        "cudnn": build.get("cudnn_version", ""),
        "python": platform.python_version(),
        "system": platform.platform(),
        "revision": "".join(
            _run_for_lines(["git", "-C", str(_ROOT), "describe", "--always"])
        ),
    }


def run_tests(device, seconds):
    """Returns what the GPU's tests say: counts, and the failures' words.

    Args:
        device: "gpu", or "cpu" for the same on virtual CPU devices.
        seconds: After which they are stopped.

    Raises:
        FileNotFoundError: There are no tests: it is no checkout.
    """
    path = _ROOT / "tests" / "test_gpu.py"
    if not path.exists():
        raise FileNotFoundError(
            f"{path} must be there: the check needs a checkout of the project, "
            "with the extra `test` installed."
        )
    marks = "gpu" if device == "gpu" else "not gpu"
    with tempfile.TemporaryDirectory() as folder:
        written = pathlib.Path(folder) / "tests.xml"
        command = ["pytest", "-q", "-m", marks, str(path)]
        finished, _ = _run([*command, f"--junitxml={written}"], seconds)
        if not written.exists():
            words = "timed out" if not finished else "pytest could not start"
            return {"passed": 0, "failed": 0, "skipped": 0, "problems": [words]}
        return read_tests(written)


def read_tests(path):
    """Returns the counts and the failures of a JUnit file of pytest's."""
    found = {"passed": 0, "failed": 0, "skipped": 0, "problems": []}
    for case in ET.parse(path).getroot().iter("testcase"):
        problems = [c for c in case if c.tag in ("failure", "error")]
        if problems:
            found["failed"] += 1
            words = " ".join(problems[0].get("message", "").split())[:300]
            found["problems"].append(f"{case.get('name')}: {words}")
        elif any(c.tag == "skipped" for c in case):
            found["skipped"] += 1
        else:
            found["passed"] += 1
    return found


def run_benchmark(precision, batch_size, seconds):
    """Returns the lines of `tools.benchmark --mode=step` in one precision.

    Args:
        precision: One of `PRECISIONS`.
        batch_size: Images per step.
        seconds: After which it is stopped.
    """
    arguments = ["--mode=step", f"--precision={precision}"]
    if precision != "float32":
        # Of float32 the peers are too many for ten minutes.
        arguments.append("--peers")
    return _measure(precision, arguments, batch_size, seconds)


def run_placements(batch_size, seconds):
    """Returns the lines of one device, two towers and two replicas.

    Args:
        batch_size: Images per step, over both devices.
        seconds: After which it is stopped.
    """
    arguments = ["--mode=placements", "--precision=tf32"]
    return _measure("placements", arguments, batch_size, seconds)


def _measure(name, arguments, batch_size, seconds):
    """Returns the lines of `tools.benchmark`, or one that says why not."""
    arguments = [*arguments, "--rounds=3", f"--batch_size={batch_size}"]
    finished, output = _run(["tools.benchmark", *arguments], seconds)
    lines = []
    for line in output.splitlines():
        with contextlib.suppress(ValueError):
            lines.append(json.loads(line))
    if not lines:
        why = "failed" if finished else f"not done in {seconds:.0f} s"
        lines = [{"name": f"{name}: {why}"}]
    return lines


def describe(report):
    """Returns a report as a page of Markdown."""
    facts_, tests = report["facts"], report["tests"]
    lines = [
        f"# {', '.join(facts_['cards']) or 'No NVIDIA card'}",
        "",
        "| what | |",
        "|---|---|",
        *(
            f"| {name} | {value} |"
            for name, value in facts_.items()
            if name not in ("cards", "links") and value
        ),
        "",
        f"Tests: {tests['passed']} passed, {tests['failed']} failed, "
        f"{tests['skipped']} skipped.",
        "",
        *(f"- {problem}" for problem in tests["problems"]),
        f"Batch {report['batch_size']}, {report['seconds']:.0f} s in all:",
        "",
        "| training step | images/s | ratio |",
        "|---|---:|---:|",
        *(
            f"| {line['name']} | {line.get('images_per_second', '')} | "
            f"{line.get('ratio', '')} |"
            for line in report["benchmarks"]
        ),
    ]
    if facts_["links"]:
        lines += ["", "```", *facts_["links"], "```"]
    return "\n".join(lines) + "\n"


def save(folder, report):
    """Writes gpu-report.json and gpu-report.md; returns the latter's path."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files.write_json(folder / "gpu-report.json", report)
    path = folder / "gpu-report.md"
    files.write_atomically(path, describe(report).encode())
    return path


def _run(arguments, seconds):
    """Runs `python -m ...`; returns whether it ended, and its output."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=_ROOT,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as error:
        return False, (error.stdout or b"").decode(errors="replace")
    return True, done.stdout


def _run_for_lines(command):
    """Returns the lines that a program prints; none where it cannot run."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.rstrip() for line in done.stdout.splitlines() if line.strip()]
