import pickle

import numpy as np
import pytest

from input_pipeline.conversion.sources import cifar10, encodings
from tests import ilsvrc_miniature as miniature

BATCHES = [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]


def cifar_rows(seed, count=3):
    """Returns images `(n, 32, 32, 3)` and labels."""
    generator = np.random.default_rng(seed)
    shape = (count, 32, 32, 3)
    pixels = generator.integers(0, 256, shape, dtype=np.uint8)
    return pixels, generator.integers(0, 10, count).tolist()


def planes(image):
    """Returns the bytes of a CIFAR row: red, then green, then blue."""
    return (
        image[..., 0].tobytes()
        + image[..., 1].tobytes()
        + (image[..., 2].tobytes())
    )


def write_cifar_binary(directory):
    for seed, name in enumerate(BATCHES):
        rows = b"".join(
            bytes([label]) + planes(image)
            for image, label in zip(*cifar_rows(seed), strict=True)
        )
        (directory / f"{name}.bin").write_bytes(rows)


def write_cifar_python(directory):
    for seed, name in enumerate(BATCHES):
        pixels, labels = cifar_rows(seed)
        data = np.stack(
            [np.frombuffer(planes(image), np.uint8) for image in pixels]
        )
        names = [f"{name}_{i}.png" for i in range(len(labels))]
        batch = {"data": data, "labels": labels, "filenames": names}
        contents = pickle.dumps(batch, protocol=2)
        (directory / name).write_bytes(contents)


@pytest.mark.parametrize("write", [write_cifar_binary, write_cifar_python])
def test_cifar_is_read_in_both_official_versions(tmp_path, write):
    write(tmp_path)

    source = cifar10.open_source(tmp_path)

    assert source.synsets[:2] == ["airplane", "automobile"]
    assert [len(c) for c in source.splits.values()] == [15, 3]
    for split, seeds in (("train", range(5)), ("validation", [5])):
        rows = [cifar_rows(seed) for seed in seeds]
        pixels = np.concatenate([images for images, _ in rows])
        labels = [label for _, part in rows for label in part]
        for i, (image, label) in enumerate(zip(pixels, labels, strict=True)):
            read, found, _ = encodings.read(source.splits[split], i)
            np.testing.assert_array_equal(read, image)
            assert found == label


def test_cifar_as_class_folders_is_validated_on_its_test_images(tmp_path):
    miniature.make_folders(tmp_path / "train")
    miniature.make_folders(tmp_path / "test", count=2)

    source = cifar10.open_source(tmp_path)

    assert source.name == "cifar10"
    assert {n: len(c) for n, c in source.splits.items()} == {
        "train": 8,
        "validation": 4,
    }


class Attack:
    """Pickles to a call of a function."""

    def __reduce__(self):
        return (print, ("the pickle has run a program",))


@pytest.mark.parametrize(
    "batch",
    [
        Attack(),
        {"data": Attack(), "labels": [], "filenames": []},
        {
            "data": np.zeros((1, 3072), object),
            "labels": [0],
            "filenames": ["a"],
        },
        {
            "data": np.zeros((1, 3071), np.uint8),
            "labels": [0],
            "filenames": "a",
        },
        {
            "data": np.zeros((2, 3072), np.uint8),
            "labels": [0],
            "filenames": "a",
        },
        {"labels": [0]},
        [],
    ],
)
def test_a_pickle_of_anything_but_arrays_is_refused(tmp_path, capsys, batch):
    write_cifar_python(tmp_path)
    (tmp_path / "data_batch_3").write_bytes(pickle.dumps(batch, protocol=2))

    with pytest.raises(ValueError, match="data_batch_3 must be a batch"):
        cifar10.open_source(tmp_path)

    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("contents", [b"", b"\x80\x02.", b"cos\nsystem\n(S'x'"])
def test_a_damaged_pickle_is_refused(tmp_path, contents):
    write_cifar_python(tmp_path)
    (tmp_path / "test_batch").write_bytes(contents)

    with pytest.raises(ValueError, match="test_batch must be a batch"):
        cifar10.open_source(tmp_path)


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        (bytes(3072), "whole rows of 3073 bytes"),
        (b"", "whole rows"),
        (b"\x0a" + bytes(3072), "Received: 10 in row 0"),
    ],
)
def test_a_damaged_binary_batch_is_refused(tmp_path, contents, words):
    write_cifar_binary(tmp_path)
    (tmp_path / "data_batch_2.bin").write_bytes(contents)

    with pytest.raises(ValueError, match=words):
        cifar10.open_source(tmp_path)


@pytest.mark.parametrize("remove", ["data_batch_1.bin", "test_batch.bin"])
def test_a_missing_batch_is_named(tmp_path, remove):
    write_cifar_binary(tmp_path)
    (tmp_path / remove).unlink()

    with pytest.raises(FileNotFoundError, match=remove):
        cifar10.open_source(tmp_path)
