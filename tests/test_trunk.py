"""A trunk trained on ImageNet: equal to PyTorch's layers on photographs."""

import pathlib

import keras
import numpy as np
import pytest
import torch_python

import alexnet_tf
from alexnet_tf import networks, weights
from alexnet_tf.weights import torchvision

_TRUNK = (
    pathlib.Path(__file__).parents[2]
    / "shared"
    / "data"
    / "weights"
    / "alexnet_owt_trunk.npz"
)
CONVOLUTIONS = [f"conv{number}" for number in range(1, 6)]

_ASK = """
import sys
import numpy as np, torch
from torch.nn import functional as F
w = np.load(sys.argv[1])
x = np.load(f"{sys.argv[2]}/crops.npy").astype(np.float32) / 255
mean, deviation = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
x = (x - np.float32(mean)) / np.float32(deviation)
x = torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))
found = {}
for n, padding in enumerate((2, 2, 1, 1, 1), 1):
    stride = 4 if n == 1 else 1
    kernel = w[f"conv{n}/kernel"].transpose(3, 2, 0, 1).copy()
    bias = torch.from_numpy(w[f"conv{n}/bias"])
    x = F.relu(F.conv2d(x, torch.from_numpy(kernel), bias, stride, padding))
    found[f"conv{n}"] = x.numpy().transpose(0, 2, 3, 1)
    if n in (1, 2):
        x = F.max_pool2d(x, 3, 2)
np.savez(f"{sys.argv[2]}/theirs.npz", **found)
"""


@torch_python.needs_torch
@pytest.mark.skipif(
    not _TRUNK.exists(), reason=f"{_TRUNK} is not here: see shared/data"
)
def test_convolutions_are_those_of_pytorch_on_photographs(
    photographs, tmp_path
):
    np.save(tmp_path / "crops.npy", photographs)
    torch_python.run(_ASK, _TRUNK, tmp_path)
    theirs = np.load(tmp_path / "theirs.npz")
    model = alexnet_tf.AlexNet(include_top=False, network=networks.TORCHVISION)
    with np.load(_TRUNK) as trunk:
        arrays = {k: trunk[k] for k in trunk if k.startswith("conv")}
    scale = (255 * torchvision.DEVIATION)[:, np.newaxis]
    arrays["conv1/kernel"] = (arrays["conv1/kernel"] / scale).astype("f4")
    weights.from_arrays(model, arrays)

    ours = keras.Model(
        model.input, {n: model.get_layer(n).output for n in CONVOLUTIONS}
    )(photographs - (255 * torchvision.MEAN).astype("f4"))

    for name in CONVOLUTIONS:
        scale = abs(theirs[name]).max()
        difference = abs(ours[name].numpy() - theirs[name]).max()
        assert difference < 1e-5 * scale, name


@pytest.fixture
def photographs(ilsvrc_mini):
    """Eight photographs: float32 `(8, 224, 224, 3)`, RGB of 0 to 255."""
    import io
    import tarfile

    from PIL import Image

    crops = []
    with tarfile.open(ilsvrc_mini / "ILSVRC2012_img_val.tar") as archive:
        for member in archive:
            if member.isfile() and len(crops) < 8:
                data = io.BytesIO(archive.extractfile(member).read())
                image = Image.open(data).convert("RGB").resize((224, 224))
                crops.append(np.asarray(image, np.float32))
    return np.stack(crops)
