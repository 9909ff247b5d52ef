"""Files of weights that are damaged, false or hostile: one clear error."""

import json
import os
import pickle
import struct
import zipfile

import numpy as np
import pytest
import weight_files as wf

from alexnet_tf import networks
from alexnet_tf.experiment import imported
from alexnet_tf.weights import caffe, pickles, published, safetensor_files
from alexnet_tf.weights.pretrained import check_arrays

MEAN = np.array([104.0, 117.0, 123.0])
RAN = "ALEXNET_TF_TEST_RAN"


class Hostile:
    """A pickle that calls code when it is loaded the ordinary way."""

    def __reduce__(self):
        return os.putenv, (RAN, "1")


@pytest.fixture(scope="module")
def caffe_bytes():
    return wf.caffemodel(wf.draw(wf.CAFFE_SHAPES))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.999])
def test_truncated_caffemodel(tmp_path, caffe_bytes, share):
    path = tmp_path / "cut.caffemodel"
    path.write_bytes(caffe_bytes[: int(share * len(caffe_bytes))])

    with pytest.raises(ValueError, match=r"cut\.caffemodel must "):
        published.read(path, mean_bgr=MEAN)


@pytest.mark.parametrize("write", [wf.torch_zip, wf.torch_legacy])
@pytest.mark.parametrize("share", [0.001, 0.5, 0.99])
def test_truncated_state_dict(tmp_path, write, share):
    path = tmp_path / "cut.pth"
    write(path, wf.state_dict(wf.draw(wf.TORCH_SHAPES)))
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])

    with pytest.raises(ValueError, match=r"cut\.pth must be a whole torch"):
        published.read(path)


@pytest.mark.parametrize("share", [0.2, 0.9])
def test_truncated_npy_and_safetensors(tmp_path, share):
    wf.npy(tmp_path / "cut.npy", wf.draw(wf.CAFFE_SHAPES))
    state = wf.state_dict(wf.draw(wf.TORCH_SHAPES))
    wf.safetensors(tmp_path / "cut.safetensors", state)
    for name in ("cut.npy", "cut.safetensors"):
        path = tmp_path / name
        path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])

        with pytest.raises(ValueError, match=f"{name} must be a whole"):
            published.read(path, mean_bgr=MEAN, network=networks.CAFFE)


def test_no_code_of_a_pickle_is_run(tmp_path):
    with (tmp_path / "evil.npy").open("wb") as file:
        header = {"descr": "|O", "fortran_order": False, "shape": ()}
        np.lib.format.write_array_header_1_0(file, header)
        pickle.dump(Hostile(), file)
    (tmp_path / "old.pth").write_bytes(
        pickle.dumps(0x1950A86A20F9469CFC6C, 2)
        + pickle.dumps(1001, 2)
        + pickle.dumps({}, 2)
        + pickle.dumps({"a": Hostile()}, 2)
    )
    with zipfile.ZipFile(tmp_path / "new.pth", "w") as archive:
        archive.writestr("x/data.pkl", pickle.dumps({"a": Hostile()}))

    for name in ("evil.npy", "old.pth", "new.pth"):
        with pytest.raises(ValueError, match="putenv, which is no array"):
            published.read(
                tmp_path / name, mean_bgr=MEAN, network=networks.CAFFE
            )
    # putenv is seen by children alone.
    assert os.popen(f"printenv {RAN}").read() == ""


def test_names_that_lead_to_code_by_another_way_are_refused():
    for name in (b"builtins\neval\n", b"numpy\nload\n", b"os\nsystem\n"):
        with pytest.raises(ValueError, match="nothing of it was run"):
            pickles._Unpickler(_file(b"c" + name + b".")).load()


def _file(contents):
    import io

    return io.BytesIO(contents)


def test_file_that_claims_ten_gigabytes(tmp_path):
    # A blob of (50000, 50000), with four numbers in it.
    dims = wf._field(1, wf._varint(50_000) * 2)
    huge = wf._field(7, dims) + wf._field(5, bytes(16))
    with pytest.raises(ValueError, match="4 numbers that claims 2500000000"):
        caffe.read_blob(huge)

    header = {
        "a": {
            "dtype": "F32",
            "shape": [50_000, 50_000],
            "data_offsets": [0, 10_000_000_000],
        }
    }
    text = json.dumps(header).encode()
    path = tmp_path / "huge.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    with pytest.raises(ValueError, match="must be a whole safetensors file"):
        safetensor_files.read(path)

    state = {"a": np.zeros(4, np.float32)}
    path = tmp_path / "huge.pth"
    wf.torch_zip(path, state)
    with (
        zipfile.ZipFile(path) as old,
        zipfile.ZipFile(tmp_path / "huge2.pth", "w") as new,
    ):
        for name in ("alexnet/data.pkl", "alexnet/data/0"):
            # 4 becomes 2,500,000,000 throughout the structure.
            data = old.read(name).replace(b"K\x04", b"\x8a\5\0\xf9\2\x95\0")
            new.writestr(name, data)
    with pytest.raises(ValueError, match="16 bytes of numbers where 1000"):
        pickles.read_torch(tmp_path / "huge2.pth")


def test_other_networks_weights(tmp_path, caffe_bytes):
    shapes = {k: v for k, v in wf.CAFFE_SHAPES.items() if k != "conv5"}
    path = tmp_path / "other.caffemodel"
    path.write_bytes(wf.caffemodel(wf.draw(shapes)))
    with pytest.raises(ValueError, match="no kernel and bias of conv5"):
        published.read(path, mean_bgr=MEAN)

    shapes = {**wf.CAFFE_SHAPES, "conv2": (12, 4, 3, 3)}
    path.write_bytes(wf.caffemodel(wf.draw(shapes)))
    found = published.read(path, mean_bgr=MEAN)
    with pytest.raises(ValueError, match=r"must hold conv2/kernel of shape"):
        imported.build(found, path)

    wf.torch_zip(tmp_path / "vgg.pth", {"features.0.weight": np.zeros(3)})
    with pytest.raises(ValueError, match=r"torchvision's alexnet. Found: no"):
        published.read(tmp_path / "vgg.pth")


def test_numbers_that_are_none():
    arrays = {"conv1/kernel": np.array([1.0, np.nan])}

    with pytest.raises(ValueError, match=r"conv1/kernel with infinite"):
        check_arrays("a.pth", arrays, {"conv1/kernel": (2,)})


@pytest.mark.parametrize(
    ("name", "words"),
    [("weights.bin", "must end with one of"), ("weights.npy", "--network=")],
)
def test_files_that_do_not_say_what_they_are(tmp_path, name, words):
    wf.npy(tmp_path / name, wf.draw(wf.CAFFE_SHAPES))

    with pytest.raises(ValueError, match=words):
        published.read(tmp_path / name, mean_bgr=MEAN)


@pytest.mark.parametrize("text", ["104,117", "a,b,c", "nowhere.binaryproto"])
def test_mean_that_is_none(text):
    with pytest.raises(FileNotFoundError, match="three numbers"):
        caffe.read_mean(text)


def test_mean_of_another_shape(tmp_path):
    np.save(tmp_path / "mean.npy", np.zeros((3, 5, 5)))

    with pytest.raises(ValueError, match=r"Found: \(3, 5, 5\)"):
        caffe.read_mean(str(tmp_path / "mean.npy"))


def test_keras_file_that_names_code(tmp_path):
    from alexnet_tf.experiment import pretrained

    path = tmp_path / "evil.keras"
    layer = {"module": "os", "class_name": "system", "config": {"name": "x"}}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps({"config": [layer]}))

    with pytest.raises(ValueError, match=r"Found: os\.system; nothing was run"):
        pretrained.read(path)
    path.write_bytes(b"no zip file")
    with pytest.raises(ValueError, match=r"must be a whole \.keras file"):
        pretrained.read(path)
