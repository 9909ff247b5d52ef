"""Published weights, and the proof that they have been understood."""

import numpy as np
import pytest
import weight_files as wf

from alexnet_tf import networks
from alexnet_tf.experiment import imported
from alexnet_tf.weights import caffe, proof, published, torchvision

MEAN = "104,117,123"


@pytest.fixture(scope="module")
def images():
    return proof.sample_images(1)


@pytest.fixture(scope="module")
def caffe_weights():
    return wf.draw(wf.CAFFE_SHAPES)


@pytest.fixture(scope="module")
def torch_weights():
    return wf.draw(wf.TORCH_SHAPES)


def _prove(path, images, kind="auto", mean=None, network=None):
    """Returns the differences of an import, by layer."""
    kind = published.kind_of(path, kind)
    mean_bgr = caffe.read_mean(mean) if mean else None
    found = published.read(path, kind, mean_bgr, network)
    model = imported.build(found, path)
    pools_first = network is networks.CAFFENET
    expected = proof.run(path, kind, images, mean, pools_first)
    return imported.prove(model, found, expected, images), found


@pytest.mark.parametrize("generation", ["V0", "V1", "V2"])
@pytest.mark.parametrize("pools_first", [False, True])
def test_caffemodel_is_proven(
    tmp_path, images, caffe_weights, generation, pools_first
):
    path = tmp_path / "any.caffemodel"
    path.write_bytes(wf.caffemodel(caffe_weights, generation, pools_first))

    differences, found = _prove(path, images, mean=MEAN)

    assert set(differences) >= {*wf.CAFFE_SHAPES, "norm1", "pool1", "pool5"}
    names = [layer.name for layer in found.network.layers]
    assert (names.index("pool1") < names.index("norm1")) == pools_first
    assert found.crop_size == 227
    assert found.resize == "squash"
    assert found.num_classes == 5


def test_mean_image_of_caffe_is_subtracted_where_the_crop_is(
    tmp_path, images, caffe_weights
):
    path = tmp_path / "any.caffemodel"
    path.write_bytes(wf.caffemodel(caffe_weights))
    mean = np.random.default_rng(1).uniform(90, 130, (1, 3, 256, 256))
    (tmp_path / "mean.binaryproto").write_bytes(wf.blob(mean, new=False))
    np.save(tmp_path / "mean.npy", mean[0].astype(np.float32))

    for name in ("mean.binaryproto", "mean.npy"):
        _, found = _prove(path, images, mean=str(tmp_path / name))

        np.testing.assert_allclose(
            found.mean_image, mean[0, ::-1].transpose(1, 2, 0), rtol=1e-6
        )


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("network", [networks.CAFFE, networks.CAFFENET])
def test_npy_dictionary_is_proven(
    tmp_path, images, caffe_weights, protocol, network
):
    path = tmp_path / "weights.npy"
    wf.npy(path, caffe_weights, protocol)

    differences, _ = _prove(path, images, mean=MEAN, network=network)

    assert max(differences.values()) < 1e-5


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("new.pth", wf.torch_zip),
        ("old.pth", wf.torch_legacy),
        ("any.safetensors", wf.safetensors),
    ],
)
def test_torchvision_is_proven(tmp_path, images, torch_weights, name, write):
    path = tmp_path / name
    write(path, wf.state_dict(torch_weights))

    differences, found = _prove(path, images)

    assert set(differences) >= {"conv1", "pool1", "pool5", "fc8"}
    np.testing.assert_allclose(
        found.mean_image[0, 0], [123.675, 116.28, 103.53], rtol=1e-9
    )


def _plant(monkeypatch, name):
    """Makes the importer make one mistake."""
    right = caffe._from_caffe

    def wrong(kernel, channels):
        array = right(kernel, channels)
        if name == "transposed axis" and array.ndim == 4:
            return array.transpose(1, 0, 2, 3)
        if name == "fc6 in Caffe's order" and channels:
            return kernel.reshape(kernel.shape[-2:]).T
        if name == "halves swapped" and array.shape[-2:] == (4, 12):
            return np.roll(array, 6, axis=-1)
        if name == "BGR for RGB" and array.shape[-2] == 3:
            return array[:, :, ::-1]
        return array

    monkeypatch.setattr(caffe, "_from_caffe", wrong)


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("transposed axis", "conv1"),
        ("BGR for RGB", "conv1"),
        ("halves swapped", "conv2"),
        ("fc6 in Caffe's order", "fc6"),
    ],
)
def test_proof_finds_what_the_importer_got_wrong(
    tmp_path, images, caffe_weights, monkeypatch, name, layer
):
    path = tmp_path / "any.caffemodel"
    path.write_bytes(wf.caffemodel(caffe_weights))
    _plant(monkeypatch, name)

    with pytest.raises(ValueError, match=f"Found: {layer} is"):
        _prove(path, images, mean=MEAN)


def test_proof_finds_a_forgotten_mean(tmp_path, images, caffe_weights):
    path = tmp_path / "any.caffemodel"
    path.write_bytes(wf.caffemodel(caffe_weights))
    found = published.read(path, "caffe", np.zeros(3))
    expected = proof.run(path, "caffe", images, MEAN)

    with pytest.raises(ValueError, match="Is the mean the file's own"):
        imported.prove(imported.build(found, path), found, expected, images)


def test_proof_finds_a_forgotten_deviation(
    tmp_path, images, torch_weights, monkeypatch
):
    path = tmp_path / "new.pth"
    wf.torch_zip(path, wf.state_dict(torch_weights))
    monkeypatch.setattr(torchvision, "DEVIATION", np.ones(3))

    with pytest.raises(ValueError, match="Found: conv1 is"):
        _prove(path, images)


def test_digest_on_record_is_named(tmp_path, caffe_weights, monkeypatch):
    from alexnet_tf.weights import pretrained

    path = tmp_path / "any.caffemodel"
    path.write_bytes(wf.caffemodel(caffe_weights))
    assert "published" not in pretrained.facts_of(path)
    digest = pretrained.facts_of(path)["sha256"]
    record = {("sha256", digest[:8]): {"name": "it"}}
    monkeypatch.setattr(pretrained, "_PUBLISHED", record)

    assert pretrained.facts_of(path)["published"] == {"name": "it"}


def test_a_blob_of_doubles_is_read():
    values = np.arange(6, dtype="<f8").reshape(2, 3) / 3
    # BlobProto: 7 is the shape, whose 1 are the sides, and 8 double_data.
    dims = b"\x0a\x02\x02\x03"
    data = values.tobytes()
    message = b"\x3a" + bytes([len(dims)]) + dims
    message += b"\x42" + bytes([len(data)]) + data

    found = caffe.read_blob(message)

    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, values.astype(np.float32))
