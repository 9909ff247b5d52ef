"""Versions that come, break and go while others are served."""

import asyncio
import threading

import pytest

from alexnet_tf.serving.refusal import Refusal
from alexnet_tf.serving.versions import Versions


class _Loader:
    """Stands in for the loading of models."""

    def __init__(self):
        self.used = []
        self.hold = threading.Event()
        self.hold.set()

    def load(self, directory, number):
        assert self.hold.wait(10)
        text = (directory / "saved_model.pb").read_text()
        if text != "good":
            raise ValueError(f"It is {text}.")
        return f"model {number}"

    def use(self, models):
        self.used = sorted(set(models))


def _write(folder, number, text="good"):
    (folder / str(number)).mkdir(exist_ok=True)
    (folder / str(number) / "saved_model.pb").write_text(text)


@pytest.fixture
def loader():
    return _Loader()


def _make(folder, loader, keep=1):
    return Versions(folder, loader.load, loader.use, keep)


def test_the_newest_is_served_by_number_and_without(tmp_path, loader):
    _write(tmp_path, 9)
    _write(tmp_path, 10)
    versions = _make(tmp_path, loader)

    asyncio.run(versions.refresh())

    assert versions() == versions(10) == "model 10"
    assert versions.states() == [(10, "AVAILABLE", "")]
    with pytest.raises(Refusal, match="Version 9 is not served. Served: 10"):
        versions(9)


def test_two_are_served_at_once(tmp_path, loader):
    for number in (1, 2, 3):
        _write(tmp_path, number)
    versions = _make(tmp_path, loader, keep=2)

    asyncio.run(versions.refresh())

    assert (versions(), versions(3), versions(2)) == (
        "model 3",
        "model 3",
        "model 2",
    )
    assert loader.used == ["model 2", "model 3"]
    with pytest.raises(Refusal):
        versions(1)


def test_a_new_one_takes_over_and_the_old_one_is_asked_until_then(
    tmp_path, loader
):
    _write(tmp_path, 1)
    versions = _make(tmp_path, loader)

    async def swap():
        await versions.refresh()
        _write(tmp_path, 2)
        loader.hold.clear()
        loading = asyncio.ensure_future(versions.refresh())
        while (2, "LOADING", "") not in versions.states():
            await asyncio.sleep(0.01)
        meanwhile = versions()
        loader.hold.set()
        await loading
        return meanwhile

    assert asyncio.run(swap()) == "model 1"
    assert versions() == "model 2"
    assert loader.used == ["model 2"]


def test_a_broken_newest_is_named_and_the_last_good_one_serves(
    tmp_path, loader
):
    _write(tmp_path, 1)
    _write(tmp_path, 2, "half written")
    versions = _make(tmp_path, loader)

    asyncio.run(versions.refresh())

    assert versions() == "model 1"
    assert versions.states() == [
        (2, "END", "It is half written."),
        (1, "AVAILABLE", ""),
    ]
    # It is tried again when its file has changed, and not before.
    loader.load = None
    asyncio.run(versions.refresh())
    assert versions() == "model 1"


def test_a_mended_version_takes_over(tmp_path, loader):
    import os

    _write(tmp_path, 1)
    _write(tmp_path, 2, "half written")
    versions = _make(tmp_path, loader)
    asyncio.run(versions.refresh())

    _write(tmp_path, 2)
    os.utime(tmp_path / "2" / "saved_model.pb", (1, 1))
    asyncio.run(versions.refresh())

    assert versions() == "model 2"
    assert versions.states() == [(2, "AVAILABLE", "")]


def test_the_last_good_one_stays_when_its_folder_goes(tmp_path, loader):
    import shutil

    _write(tmp_path, 1)
    versions = _make(tmp_path, loader)
    asyncio.run(versions.refresh())

    shutil.rmtree(tmp_path / "1")
    (tmp_path / "2").mkdir()
    asyncio.run(versions.refresh())

    assert versions() == "model 1"


def test_a_version_alone_is_served(tmp_path, loader):
    _write(tmp_path, 7)
    versions = _make(tmp_path / "7", loader)

    asyncio.run(versions.refresh())

    assert versions() == "model 7"


def test_an_empty_folder_is_refused(tmp_path, loader):
    with pytest.raises(FileNotFoundError, match="holds no exported model"):
        asyncio.run(_make(tmp_path, loader).refresh())
