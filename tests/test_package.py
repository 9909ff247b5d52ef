"""What is installed: everything of the two packages, and nothing else."""

import pathlib
import re
import shutil
import subprocess
import sys
import zipfile

import pytest
from programs import ROOT

import alexnet_tf

# Where the folders of the checkout are in the wheel.
PLACES = {
    "alexnet_tf": "alexnet_tf",
    "input_pipeline": "input_pipeline",
    "configs": "alexnet_tf/configs",
    "tools": "alexnet_tf/tools",
}


def _sources():
    """Returns the files of the packages, below the root."""
    return [
        path.relative_to(ROOT)
        for folder in PLACES
        for path in sorted((ROOT / folder).rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    ]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The names of a wheel's files."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    for source in _sources():
        (folder / source).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / source, folder / source)
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet"]
        + ["--no-build-isolation", f"--wheel-dir={folder}", str(folder)],
        check=True,
    )
    (wheel,) = folder.glob("*.whl")
    return zipfile.ZipFile(wheel).namelist()


def test_version_is_that_of_citation_and_changes():
    version = alexnet_tf.__version__

    citation = (ROOT / "CITATION.cff").read_text()
    assert f"\nversion: {version}\n" in citation
    changes = (ROOT / "CHANGELOG.md").read_text()
    assert re.search(rf"^## {re.escape(version)}\b", changes, re.M)


@pytest.mark.slow
def test_nothing_is_in_the_way_of_others_at_top_level(installed):
    tops = {pathlib.PurePosixPath(name).parts[0] for name in installed}

    assert {t for t in tops if not t.endswith(".dist-info")} == {
        "alexnet_tf",
        "input_pipeline",
    }


@pytest.mark.slow
def test_programs_experiments_and_pages_travel_along(installed):
    expected = {
        str(pathlib.PurePosixPath(PLACES[path.parts[0]], *path.parts[1:]))
        for path in _sources()
    }

    assert expected <= set(installed)
    assert "alexnet_tf/py.typed" in expected
