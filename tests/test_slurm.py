"""The Slurm script, with a Slurm of a few lines; not run on a cluster."""

import json
import os
import pathlib
import shutil
import subprocess

import pytest

SCRIPT = pathlib.Path(__file__).parent.parent / "configs/slurm/train.sbatch"
pytestmark = pytest.mark.skipif(
    not shutil.which("bash"), reason="there is no bash here"
)

SCONTROL = """#!/bin/bash
if [ "$1" = show ]; then
    tr , "\\n" <<<"$3"
else
    echo "$@" >>"$LOG/requeued"
fi
"""
# Runs what is behind the options once a host, as srun does; the highest status
# is its own.
SRUN = """#!/bin/bash
shift
worst=0
for ((rank = 0; rank < SLURM_NTASKS; rank++)); do
    SLURM_PROCID=$rank "$@"
    status=$?
    ((status > worst)) && worst=$status
done
exit $worst
"""
# In Python's place: notes what it is told.
PYTHON = """#!/bin/bash
echo "$@" >>"$LOG/arguments"
echo "${TF_CONFIG:-none}" >>"$LOG/cluster"
exit "$STATUS"
"""


def _submit(folder, hosts, status):
    """Runs the script; returns its status."""
    for name, text in (
        ("scontrol", SCONTROL),
        ("srun", SRUN),
        ("python", PYTHON),
    ):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    variables = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "PYTHON": str(folder / "python"),
        "LOG": str(folder),
        "STATUS": str(status),
        "SLURM_JOB_ID": "7",
        "SLURM_JOB_NODELIST": ",".join(hosts),
        "SLURM_NTASKS": str(len(hosts)),
    }
    command = ["bash", SCRIPT, "--config=demo", "--workdir=a folder"]
    return subprocess.run(command, env=variables, timeout=30).returncode


def test_every_host_is_told_who_it_is(tmp_path):
    assert _submit(tmp_path, ["n1", "n2"], 0) == 0

    lines = (tmp_path / "cluster").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    workers = ["n1:2222", "n2:2222"]
    assert [f["cluster"] for f in found] == [{"worker": workers}] * 2
    assert [f["task"] for f in found] == [
        {"type": "worker", "index": index} for index in (0, 1)
    ]
    first, _ = (tmp_path / "arguments").read_text().splitlines()
    assert first == "-m tools.train --config=demo --workdir=a folder"


@pytest.mark.parametrize(("status", "again"), [(75, True), (1, False)])
def test_what_was_interrupted_runs_again_and_what_failed_does_not(
    tmp_path, status, again
):
    assert _submit(tmp_path, ["n1"], status) == status

    assert (tmp_path / "cluster").read_text() == "none\n"
    assert (tmp_path / "requeued").exists() == again
