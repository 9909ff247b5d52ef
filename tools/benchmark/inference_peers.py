"""What others would write to classify the same images.

Imports neither TensorFlow nor anything of ours that does: peers may live in
an environment of their own.
"""

import pathlib

import numpy as np

from .inference import checked_turn
from .inference_files import FILE_NAME, GRAPH_NAME

_CROP_SIZE = 224


def make_torch(folder, batch_size, how):
    """Returns a turn of PyTorch's two towers, eager.

    Args:
        folder: Where `make_files` has written.
        batch_size: Images a call.
        how: "contiguous", which is what most programs feed, or
            "channels_last".
    """
    import torch

    from . import step_torch

    with np.load(pathlib.Path(folder) / FILE_NAME) as contents:
        arrays = dict(contents)
    start = (len(arrays["mean"]) - _CROP_SIZE) // 2
    window = slice(start, start + _CROP_SIZE)
    mean = torch.from_numpy(arrays["mean"][window, window])
    classes = len(arrays["fc8/bias"])
    model = step_torch.two_towers(inverted=False, num_classes=classes)
    _load(model, arrays)
    layout = {
        "contiguous": torch.contiguous_format,
        "channels_last": torch.channels_last,
    }[how]
    model = model.eval().to(memory_format=layout)

    @torch.inference_mode()
    def compute(images):
        pixels = torch.from_numpy(images)[:, window, window].float() - mean
        maps = pixels.permute(0, 3, 1, 2).contiguous(memory_format=layout)
        best = model(maps).softmax(1).topk(5)
        return best.indices.numpy(), best.values.numpy()

    return checked_turn(compute, folder, int(batch_size))


def _load(model, arrays):
    """Sets the weights of `two_towers`, which flattens channels first."""
    import torch

    names = [f"conv{i}" for i in range(1, 6)] + ["fc6", "fc7", "fc8"]
    layers = [m for m in model if hasattr(m, "weight")]
    for name, layer in zip(names, layers, strict=True):
        kernel = arrays[f"{name}/kernel"]
        if kernel.ndim == 4:
            kernel = kernel.transpose(3, 2, 0, 1)
        elif name == "fc6":
            channels = len(arrays["conv5/bias"])
            maps = kernel.reshape(-1, channels, kernel.shape[1])
            kernel = maps.transpose(2, 1, 0).reshape(kernel.shape[::-1])
        else:
            kernel = kernel.T
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(kernel.copy()))
            layer.bias.copy_(torch.from_numpy(arrays[f"{name}/bias"]))


def make_onnxruntime(folder, batch_size, how=""):
    """Returns a turn of ONNX Runtime; arguments as above."""
    del how
    import onnxruntime

    session = onnxruntime.InferenceSession(
        str(pathlib.Path(folder) / GRAPH_NAME),
        providers=["CPUExecutionProvider"],
    )

    def compute(images):
        return _best(session.run(None, {"images": images})[0])

    return checked_turn(compute, folder, int(batch_size))


def make_openvino(folder, batch_size, how=""):
    """Returns a turn of OpenVINO; arguments as above."""
    del how
    import openvino

    core = openvino.Core()
    model = core.read_model(str(pathlib.Path(folder) / GRAPH_NAME))
    _, *rest = model.input().partial_shape
    model.reshape([int(batch_size), *(d.get_length() for d in rest)])
    # Left to itself it computes in bfloat16 where the CPU can.
    compiled = core.compile_model(
        model,
        "CPU",
        {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"},
    )
    request = compiled.create_infer_request()

    def compute(images):
        return _best(request.infer([images])[0])

    return checked_turn(compute, folder, int(batch_size))


def _best(probabilities):
    """Returns the five best classes and their probabilities."""
    best = np.argpartition(probabilities, -5)[:, -5:]
    values = np.take_along_axis(probabilities, best, 1)
    order = np.argsort(-values)
    return (
        np.take_along_axis(best, order, 1),
        np.take_along_axis(values, order, 1),
    )
