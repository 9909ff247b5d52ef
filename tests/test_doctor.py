"""What the doctor finds on machines that are not this one."""

import socket

import pytest

from alexnet_tf.doctor import folders, installed, machine, tensorflow
from alexnet_tf.doctor.finding import Finding


def remedies(found):
    return [finding.remedy for finding in found]


def test_a_finding_is_a_line_or_has_its_remedy():
    assert str(Finding("disk", "9 GB free")) == "good  disk         9 GB free"
    note = str(Finding("ports", "in use", "Take others."))
    assert note.startswith("note  ports")
    assert note.splitlines()[1].strip() == "Take others."
    assert str(Finding("x", "y", "z", is_needed=True)).startswith("BAD ")


# GPUs, cards, driver, built with CUDA, libraries, CUDA_VISIBLE_DEVICES.
@pytest.mark.parametrize(
    ("state", "words"),
    [
        (([], 1, False, True, True, None), "Install NVIDIA's driver"),
        (([], 1, True, True, True, "-1"), "unset it"),
        (([], 1, True, True, True, ""), "unset it"),
        (([], 1, True, False, False, None), "built without CUDA"),
        (([], 1, True, True, False, None), "tensorflow[and-cuda]"),
        (([], 2, True, True, True, None), "TF_CPP_MIN_LOG_LEVEL=0"),
        # A container: no bus, but a driver.
        (([], 0, True, True, False, None), "tensorflow[and-cuda]"),
    ],
)
def test_a_card_that_tensorflow_does_not_see_has_its_remedy(state, words):
    (found,) = tensorflow.devices(*state)

    assert found.is_needed
    assert words in found.remedy


def test_a_card_that_is_seen_and_none_at_all_are_good():
    for gpus, cards in ((["/physical_device:GPU:0"], 1), ([], 0)):
        (found,) = tensorflow.devices(gpus, cards, bool(gpus), True, True)
        assert not found.remedy
        assert ("1 GPU: " in found.words) == bool(gpus)


def test_cards_are_counted_on_the_bus(tmp_path):
    for name, vendor, kind in (
        ("0", "0x10de", "0x030000"),
        ("1", "0x10de", "0x040300"),  # The sound of a card.
        ("2", "0x8086", "0x030000"),
        ("3", "0x10de", "0x030200"),
    ):
        device = tmp_path / name
        device.mkdir()
        (device / "vendor").write_text(f"{vendor}\n")
        (device / "class").write_text(f"{kind}\n")
    (tmp_path / "4").mkdir()

    assert tensorflow.count_cards(tmp_path) == 2
    assert tensorflow.count_cards(tmp_path / "none") == 0


def test_onednn_switched_off_is_said():
    assert not remedies(tensorflow.onednn("1"))[0]
    assert "Unset it" in remedies(tensorflow.onednn("0"))[0]


def test_bfloat16_is_read_from_the_processors_flags(tmp_path):
    path = tmp_path / "cpuinfo"
    for flags, words in (
        ("fpu avx512f avx512_bf16", "bfloat16 by avx512_bf16"),
        ("fpu avx2", "no instructions for bfloat16"),
    ):
        path.write_text(f"processor\t: 0\nflags\t\t: {flags}\n")
        (found,) = machine.processor(path)
        assert words in found.words
        assert not found.remedy
    assert "no instructions" in machine.processor(tmp_path / "x")[0].words


def test_short_memory_and_disk_have_remedies(tmp_path):
    assert remedies(machine.memory(8e9)) == [""]
    assert "--config=demo" in remedies(machine.memory(2e9))[0]
    assert "Free some space" in remedies(machine.disk(tmp_path, 1e9))[0]
    (found,) = machine.disk(tmp_path, 20e9)
    assert not found.remedy
    assert "37 GB" in found.words


def test_a_port_in_use_is_named():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        (found,) = machine.ports((port,))

    assert f"{port} of {port} in use" in found.words
    assert "--port=" in found.remedy
    assert not remedies(machine.ports((port,)))[0]


@pytest.fixture
def metadata(monkeypatch):
    """Lets a test say what was installed, by name and version."""

    def install(versions, wanted, extras=("figures",)):
        def version(name):
            if name not in versions:
                raise installed.importlib.metadata.PackageNotFoundError(name)
            return versions[name]

        library = installed.importlib.metadata
        monkeypatch.setattr(library, "version", version)
        monkeypatch.setattr(library, "requires", lambda name: wanted[name])
        monkeypatch.setattr(
            installed,
            "_metadata",
            lambda field, every=False: list(extras) if every else ">=3.11",
        )

    return install


def test_a_package_that_does_not_fit_is_named(metadata):
    wanted = {"alexnet-tf": ["keras>=3.15,<3.16", "tqdm>=4"]}
    metadata({"alexnet-tf": "1.0.0", "keras": "2.9"}, wanted)

    (found,) = installed.packages()

    assert found.is_needed
    assert found.remedy.startswith("keras is 2.9, tqdm is missing. Install")


def test_extras_are_complete_or_named(metadata):
    wanted = {
        "alexnet-tf": [
            "tqdm>=4",
            "matplotlib>=3; extra == 'figures'",
            "tensorflow[and-cuda]>=2.21; extra == 'gpu'",
        ],
        "tensorflow": ["nvidia-cudnn>=9; extra == 'and-cuda'"],
    }
    there = {"alexnet-tf": "1.0.0", "matplotlib": "3.9", "tensorflow": "2.21"}
    metadata(there, wanted, extras=("figures", "gpu"))

    whole, partial = installed.extras()

    assert whole.words == "figures"
    assert partial.words == "not here: gpu"
    assert "[gpu]'" in partial.remedy
    assert not partial.is_needed


def test_a_checkout_that_was_not_installed_says_how(metadata):
    metadata({}, {})

    (found,) = installed.packages()

    assert "not installed" in found.words
    assert "pip install -e" in found.remedy


def test_an_old_python_is_named(monkeypatch):
    monkeypatch.setattr(installed.sys, "version_info", (3, 10, 2))
    monkeypatch.setattr(
        installed, "_metadata", lambda field, every=False: ">=3.11,<3.14"
    )

    (found,) = installed.python()

    assert found.words.startswith("3.10.2 at ")
    assert found.remedy.endswith("with Python >=3.11,<3.14.")


def test_records_are_whole_or_named(tiny_data_dir, tmp_path):
    (found,) = folders.records(tiny_data_dir)
    assert "whole by their names" in found.words
    assert not found.remedy

    for path in tiny_data_dir.iterdir():
        if "train" not in path.name:
            (tmp_path / path.name).symlink_to(path)
    (found,) = folders.records(tmp_path)
    assert found.is_needed
    assert "shards are missing, such as" in found.remedy

    (found,) = folders.records(tmp_path / "none")
    assert "There is no folder" in found.remedy


def test_a_folder_that_is_no_workdir_is_named(tmp_path):
    (found,) = folders.workdir(tmp_path)

    assert found.is_needed
    assert "no workdir" in found.remedy
