"""Presets and torch state dicts: what one needs to use a network elsewhere."""

import json

import narrow
import numpy as np
import pytest
import torch_python
import weight_files as wf
from PIL import Image

import alexnet_tf
from alexnet_tf import networks, weights
from alexnet_tf.export import preset as exported
from alexnet_tf.weights import describe, pickles, preset, torchvision
from alexnet_tf.weights.pretrained import Pretrained

NAMED = {k: v for k, v in vars(networks).items() if k.isupper()}
NARROW = narrow.shrink(networks.PAPER)
FACTS = {
    "name": "a run",
    "data": "pets",
    "source": {},
    "splits": {"train": {"num_images": 3680}},
    "revision": "abc123",
    "config": {
        "network": "PAPER",
        "init_from": "runs/trunk",
        "training": {"total_steps": 0, "total_epochs": 9.0, "seed": 3},
        "data": {"batch_size": 128},
        "optimizer": {"learning_rate": 0.001},
    },
    "evaluations": [
        {
            "split": "validation",
            "num_images": 1000,
            "crops": 10,
            "step": 7,
            "top1_error": 0.25,
            "top1_interval": [0.2, 0.3],
            "top5_error": 0.05,
            "top5_interval": [0.04, 0.06],
        }
    ],
    "imported": None,
}


def _found(network=NARROW, size=67, mean=None, seed=0):
    model = alexnet_tf.build(network, 5, image_size=size, seed=seed)
    rng = np.random.default_rng(seed)
    names = [f"class {i}" for i in range(5)]
    if mean is None:
        mean = rng.uniform(0, 255, (80, 80, 3)).astype(np.float32)
    arrays = weights.to_arrays(model)
    found = Pretrained(
        network, arrays, names, names, mean, size, 80, facts={"step": 7}
    )
    return found, model


@pytest.mark.parametrize("name", NAMED)
def test_description_of_every_network_comes_back(name):
    text = json.dumps(describe.to_dict(NAMED[name]))

    assert describe.from_dict(json.loads(text)) == NAMED[name]


def test_preset_comes_back_whole(tmp_path):
    found, model = _found()

    folder = exported.write_preset(found, FACTS, tmp_path)
    again = preset.read(folder)

    assert (again.network, again.class_names) == (NARROW, found.class_names)
    assert (again.crop_size, again.image_size) == (67, 80)
    np.testing.assert_array_equal(again.mean_image, found.mean_image)
    images = np.random.default_rng(0).normal(0, 50, (2, 67, 67, 3))
    images = images.astype(np.float32)
    loaded = alexnet_tf.AlexNet(weights=folder)
    np.testing.assert_array_equal(loaded(images), model(images))
    assert {path.name for path in folder.iterdir()} == {
        *("config.json", "preprocessor.json", "labels.json"),
        *("model.safetensors", "README.md"),
    }


def test_preset_is_loaded_as_a_classifier(tmp_path):
    found, model = _found()
    folder = exported.write_preset(found, FACTS, tmp_path)
    path = tmp_path / "image.png"
    pixels = np.random.default_rng(0).integers(0, 256, (80, 80, 3), np.uint8)
    Image.fromarray(pixels).save(path)

    classifier = alexnet_tf.load_classifier(folder)

    ((first, *_),) = classifier.classify([path])
    crop = pixels[6:73, 6:73] - found.mean_image[6:73, 6:73]
    logits = model(crop[np.newaxis].astype(np.float32)).numpy()[0]
    assert first[0] == logits.argmax()
    powers = np.exp(logits - logits.max())
    assert first[2] == pytest.approx(powers.max() / powers.sum(), rel=1e-4)
    assert alexnet_tf.load(folder).count_params() == model.count_params()


def test_file_without_its_mean_is_no_classifier(tmp_path):
    path = tmp_path / "any.caffemodel"
    path.write_bytes(wf.caffemodel(wf.draw(wf.CAFFE_SHAPES)))

    with pytest.raises(ValueError, match="must say which mean image"):
        alexnet_tf.load_classifier(path)


def test_model_card_has_the_runs_own_facts(tmp_path):
    found, _ = _found()

    card = exported.card(found, FACTS)

    for words in (
        "`pets`, 5 classes: 3,680 images to train",
        "shorter side to 80, centre cut",
        "centre of 67 x 67",
        "| validation | 1,000 | 10 | 25.00% (20.00% to 30.00%) | 5.00%",
        "PAPER, 9 epochs of batches of 128, rate 0.001, seed 3",
        "revision abc123. Began with runs/trunk",
        "Not for decisions about people",
    ):
        assert words in card
    other = {**FACTS, "evaluations": [], "data": "ilsvrc2012"}
    assert "Not evaluated before" in exported.card(found, other)
    assert "non-commercial" in exported.card(found, other)


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("config.json", lambda t: t[:30], "must be whole"),
        ("config.json", lambda t: t.replace('"Dense"', '"os.system"'), "kind"),
        ("labels.json", lambda t: t.replace('"class 3",', ""), "class names"),
        ("labels.json", lambda t: "{}", "KeyError"),
        ("preprocessor.json", None, "must be whole"),
        ("model.safetensors", lambda t: t[:-9], "safetensors file"),
        ("model.safetensors", None, "There is no"),
    ],
)
def test_damaged_presets_are_named(tmp_path, name, change, words):
    folder = exported.write_preset(_found()[0], FACTS, tmp_path)
    path = folder / name
    if change is None:
        path.unlink()
    else:
        text = path.read_bytes().decode("latin1")
        path.write_bytes(change(text).encode("latin1"))

    with pytest.raises((ValueError, FileNotFoundError), match=words):
        preset.read(folder)


def test_torchvisions_network_goes_out_as_it_came_in(tmp_path):
    drawn = wf.state_dict(wf.draw(wf.TORCH_SHAPES))
    wf.torch_zip(tmp_path / "theirs.pth", drawn)
    found = torchvision.load(tmp_path / "theirs.pth")

    folder = exported.write_torch(found, FACTS, tmp_path / "out")

    state = pickles.read_torch(folder / "model.pth")
    assert state.keys() == drawn.keys()
    for name, array in drawn.items():
        np.testing.assert_allclose(state[name], array, rtol=1e-6)
    assert not (folder / "alexnet.py").exists()


def test_what_torch_does_not_have_is_refused(tmp_path):
    found, _ = _found(narrow.shrink(networks.ORIGINAL_2012))

    with pytest.raises(ValueError, match="mapnorm2 must have a like in torch"):
        exported.write_torch(found, FACTS, tmp_path)

    assert not list(tmp_path.iterdir())


_ASK = """
import json, sys
import numpy as np, torch
sys.path.insert(0, sys.argv[1])
import alexnet
config = json.load(open(f"{sys.argv[1]}/config.json"))
model = alexnet.AlexNet(config)
state = torch.load(f"{sys.argv[1]}/model.pth", weights_only=True)
model.load_state_dict(state)
model.eval()
images = np.load(f"{sys.argv[1]}/../images.npy").transpose(0, 3, 1, 2)
with torch.no_grad():
    logits = model(torch.from_numpy(images.copy()))
np.save(f"{sys.argv[1]}/../logits.npy", logits.numpy())
"""


@torch_python.needs_torch
@pytest.mark.parametrize("name", ["PAPER", "CAFFE", "ONE_TOWER"])
def test_torch_gives_the_same_logits(tmp_path, name):
    network = narrow.shrink(networks.named(name))
    found, model = _found(network)
    images = np.random.default_rng(0).normal(0, 50, (2, 67, 67, 3))
    images = images.astype(np.float32)
    np.save(tmp_path / "images.npy", images)
    folder = exported.write_torch(found, FACTS, tmp_path)

    torch_python.run(_ASK, folder)

    logits = np.load(tmp_path / "logits.npy")
    scale = abs(logits).max()
    np.testing.assert_allclose(model(images), logits, atol=1e-5 * scale)
