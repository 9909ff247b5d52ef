"""Weights in other people's formats, written by hand for tests."""

import collections
import io
import json
import pickle
import struct
import sys
import types
import zipfile

import numpy as np

# Inputs, outputs and kernels of a narrow AlexNet; groups as Caffe's.
CAFFE_SHAPES = {
    "conv1": (8, 3, 11, 11),
    "conv2": (12, 4, 5, 5),
    "conv3": (8, 12, 3, 3),
    "conv4": (8, 4, 3, 3),
    "conv5": (4, 4, 3, 3),
    "fc6": (10, 144),
    "fc7": (6, 10),
    "fc8": (5, 6),
}
TORCH_SHAPES = {
    "features.0": (8, 3, 11, 11),
    "features.3": (12, 8, 5, 5),
    "features.6": (8, 12, 3, 3),
    "features.8": (8, 8, 3, 3),
    "features.10": (4, 8, 3, 3),
    "classifier.1": (10, 144),
    "classifier.4": (6, 10),
    "classifier.6": (5, 6),
}


def draw(shapes, seed=0):
    """Returns a kernel and a bias by layer, whose signal does not fade."""
    rng = np.random.default_rng(seed)
    return {
        name: (
            rng.normal(0, np.sqrt(2 / np.prod(s[1:])), s).astype(np.float32),
            rng.normal(0, 0.5, s[0]).astype(np.float32),
        )
        for name, s in shapes.items()
    }


def caffemodel(weights, generation="V1", pools_first=False):
    """Returns the bytes of a .caffemodel.

    Args:
        weights: What `draw` returned.
        generation: "V0", "V1" or "V2" of Caffe's layer messages.
        pools_first: Whether it is CaffeNet.
    """
    order = ["data"]
    for name in weights:
        order.append(name)
        if name in ("conv1", "conv2"):
            steps = [f"norm{name[-1]}", f"pool{name[-1]}"]
            order += steps[::-1] if pools_first else steps
        if name == "conv5":
            order.append("pool5")
    message = b"".join(
        _layer(name, weights.get(name, ()), generation) for name in order
    )
    return _field(1, b"a network") + message


def _layer(name, arrays, generation):
    """Returns a layer's field of a NetParameter."""
    word = "".join(c for c in name if c.isalpha())
    numbers = {"data": 5, "conv": 4, "norm": 15, "pool": 17, "fc": 14}
    words = {"data": "Data", "conv": "Convolution", "norm": "LRN"}
    words |= {"pool": "Pooling", "fc": "InnerProduct"}
    blobs = [blob(array, new=generation == "V2") for array in arrays]
    if generation == "V2":
        body = _field(1, name.encode()) + _field(2, words[word].encode())
        return _field(100, body + b"".join(_field(7, b) for b in blobs))
    if generation == "V1":
        body = _field(4, name.encode()) + _key(5, 0) + _varint(numbers[word])
        return _field(2, body + b"".join(_field(6, b) for b in blobs))
    old = {"norm": b"lrn", "fc": b"innerproduct"}.get(word, word.encode())
    body = _field(1, name.encode()) + _field(2, old)
    return _field(2, _field(1, body + b"".join(_field(50, b) for b in blobs)))


def blob(array, new=True):
    """Returns the bytes of a BlobProto."""
    data = _field(5, array.astype("<f4").tobytes())
    if new:
        dims = b"".join(_varint(size) for size in array.shape)
        return _field(7, _field(1, dims)) + data
    shape = (1,) * (4 - array.ndim) + array.shape
    sizes = [_key(n + 1, 0) + _varint(size) for n, size in enumerate(shape)]
    return b"".join(sizes) + data


def _field(number, contents):
    return _key(number, 2) + _varint(len(contents)) + contents


def _key(number, kind):
    return _varint(number << 3 | kind)


def _varint(number):
    found = b""
    while number > 127:
        found += bytes([number & 127 | 128])
        number >>= 7
    return found + bytes([number])


def npy(path, weights, protocol=4):
    """Writes a .npy dictionary, laid out as caffe-tensorflow does."""
    layers = {}
    for name, (kernel, bias) in weights.items():
        if kernel.ndim == 4:
            kernel = kernel.transpose(2, 3, 1, 0)
        elif name == "fc6":
            maps = kernel.reshape(len(kernel), -1, 6, 6)
            kernel = maps.transpose(2, 3, 1, 0).reshape(-1, len(kernel))
        else:
            kernel = kernel.T
        layers[name] = [np.ascontiguousarray(kernel), bias]
    with open(path, "wb") as file:
        header = {"descr": "|O", "fortran_order": False, "shape": ()}
        np.lib.format.write_array_header_1_0(file, header)
        pickle.dump(np.array(layers, dtype=object), file, protocol)


def state_dict(weights):
    """Returns a torch state dict of NumPy arrays."""
    return {
        f"{name}.{part}": array
        for name, pair in weights.items()
        for part, array in zip(("weight", "bias"), pair, strict=True)
    }


def torch_zip(path, state):
    """Writes the format of PyTorch 1.6 and later, without PyTorch."""
    tensors, storages = _stand_ins(state)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("alexnet/data.pkl", _pickle(tensors, new=True))
        for key, values in storages.items():
            archive.writestr(f"alexnet/data/{key}", values.tobytes())
        archive.writestr("alexnet/version", "3\n")


def torch_legacy(path, state):
    """Writes the format before PyTorch 1.6, without PyTorch."""
    tensors, storages = _stand_ins(state)
    with open(path, "wb") as file:
        pickle.dump(0x1950A86A20F9469CFC6C, file, 2)
        pickle.dump(1001, file, 2)
        pickle.dump({"little_endian": True}, file, 2)
        file.write(_pickle(tensors, new=False))
        pickle.dump(sorted(storages), file, 2)
        for key in sorted(storages):
            file.write(struct.pack("<q", storages[key].size))
            file.write(storages[key].tobytes())


class _Parameter:
    """A tensor in the wrapping that PyTorch gives to what it trains."""

    def __init__(self, tensor):
        self.tensor = tensor

    def __reduce__(self):
        rebuild = sys.modules["torch._utils"]._rebuild_parameter
        return rebuild, (self.tensor, True, collections.OrderedDict())


class _Storage:
    def __init__(self, key, count):
        self.key = key
        self.count = count


class _Tensor:
    def __init__(self, storage, shape):
        self.storage = storage
        self.shape = shape

    def __reduce__(self):
        strides = tuple(
            int(np.prod(self.shape[i + 1 :])) for i in range(len(self.shape))
        )
        rebuild = sys.modules["torch._utils"]._rebuild_tensor_v2
        hooks = collections.OrderedDict()
        return rebuild, (self.storage, 0, self.shape, strides, False, hooks)


def _stand_ins(state):
    """Returns tensors that pickle as PyTorch's, and the numbers by key."""
    tensors, storages = collections.OrderedDict(), {}
    for number, (name, array) in enumerate(state.items()):
        key = str(number)
        storages[key] = np.ascontiguousarray(array, "<f4")
        tensor = _Tensor(_Storage(key, array.size), array.shape)
        # torch.save(model.state_dict()) has tensors, older files parameters.
        tensors[name] = tensor if number % 2 else _Parameter(tensor)
    return tensors, storages


def _pickle(tensors, new):
    """Returns a pickle with PyTorch's names in it."""

    class FloatStorage:
        __module__ = "torch"
        __qualname__ = "FloatStorage"

    def named(name):
        def never_called(*_):
            raise AssertionError

        never_called.__module__ = "torch._utils"
        never_called.__qualname__ = never_called.__name__ = name
        return never_called

    modules = {
        name: types.ModuleType(name) for name in ("torch", "torch._utils")
    }
    modules["torch"].FloatStorage = FloatStorage
    for name in ("_rebuild_tensor_v2", "_rebuild_parameter"):
        setattr(modules["torch._utils"], name, named(name))

    class Pickler(pickle.Pickler):
        def persistent_id(self, thing):
            if not isinstance(thing, _Storage):
                return None
            pid = ("storage", FloatStorage, thing.key, "cpu", thing.count)
            return pid if new else (*pid, None)

    kept = {name: sys.modules.get(name) for name in modules}
    sys.modules.update(modules)
    try:
        file = io.BytesIO()
        Pickler(file, 2).dump(tensors)
        return file.getvalue()
    finally:
        for name, module in kept.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def safetensors(path, state):
    """Writes a safetensors file: a length, a header in JSON, numbers."""
    header, data = {}, b""
    for name, array in state.items():
        start, data = len(data), data + array.astype("<f4").tobytes()
        header[name] = {
            "dtype": "F32",
            "shape": list(array.shape),
            "data_offsets": [start, len(data)],
        }
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)
