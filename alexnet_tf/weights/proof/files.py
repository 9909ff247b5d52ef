"""A file's kernels and biases as they are in it, for the proof."""

import json
import math
import pathlib
import zipfile

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from alexnet_tf.weights.proof import symbols

_SIZES = {"FloatStorage": "<f4", "HalfStorage": "<f2", "DoubleStorage": "<f8"}


def read_caffemodel(path):
    """Returns the kinds of a file's layers in order, and blobs by layer."""
    net = _message("Net")()
    net.ParseFromString(pathlib.Path(path).read_bytes())
    kinds, blobs = [], {}
    for layer in [*net.layers, *net.layer]:
        layer = layer.v0 if layer.HasField("v0") else layer
        kinds.append(str(layer.kind).lower())
        if layer.blobs:
            blobs[layer.name] = [_blob(blob) for blob in layer.blobs]
    return kinds, blobs


def read_binaryproto(path):
    """Returns a mean image, (3, rows, columns), BGR."""
    blob = _message("Blob")()
    blob.ParseFromString(pathlib.Path(path).read_bytes())
    return _blob(blob).squeeze()


def _blob(blob):
    shape = blob.shape.dim or [blob.num, blob.channels, blob.rows, blob.columns]
    return np.frombuffer(blob.data, "<f4").reshape([max(1, s) for s in shape])


def _message(name):
    """Returns a class of Caffe's messages, as far as the proof reads them."""
    number, text, raw, inner = 5, 9, 12, 11  # types of protocol buffers
    blob = [("num", 1, number), ("channels", 2, number), ("rows", 3, number)]
    blob += [("columns", 4, number), ("data", 5, raw), ("shape", 7, "Shape")]
    layers = {
        "V0": [("name", 1, text), ("kind", 2, text), ("blobs", 50, "Blob")],
        "V1": [("name", 4, text), ("kind", 5, number), ("blobs", 6, "Blob")],
        "V2": [("name", 1, text), ("kind", 2, text), ("blobs", 7, "Blob")],
    }
    layers["V1"].append(("v0", 1, "V0"))
    layers["V0"].append(("v0", 999, "V0"))
    layers["V2"].append(("v0", 999, "V0"))
    net = [("layers", 2, "V1"), ("layer", 100, "V2")]
    messages = {"Shape": [("dim", 1, 3)], "Blob": blob, **layers, "Net": net}
    file = descriptor_pb2.FileDescriptorProto(
        name="proof.proto", package="proof", syntax="proto2"
    )
    for key, members in messages.items():
        message = file.message_type.add(name=key)
        for field, tag, kind in members:
            many = field in ("blobs", "dim", "layers", "layer")
            made = message.field.add(
                name=field, number=tag, label=3 if many else 1
            )
            made.type = inner if isinstance(kind, str) else kind
            if isinstance(kind, str):
                made.type_name = f".proof.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(
        pool.FindMessageTypeByName(f"proof.{name}")
    )


def read_npy(path):
    """Returns the arrays of a dictionary in a .npy file, by layer."""
    with pathlib.Path(path).open("rb") as file:
        file.seek(8)
        file.seek(int.from_bytes(file.read(2), "little"), 1)
        found = symbols.read(file)
    (layers,) = found.state[-1]
    return {
        name: [
            _numpy_array(part)
            for part in (value.values() if isinstance(value, dict) else value)
        ]
        for name, value in layers.items()
    }


def _numpy_array(call):
    """Returns an array from the state that its pickle gives it."""
    _, shape, dtype, is_fortran, data = call.state
    if isinstance(data, symbols.Call):  # _codecs.encode, of Python 2's text
        data = data.arguments[0]
    data = data.encode("latin1") if isinstance(data, str) else data
    values = np.frombuffer(data, dtype.arguments[0])
    return values.reshape(shape, order="F" if is_fortran else "C")


def read_torch(path):
    """Returns the tensors of a state dict, by name."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            (name,) = (n for n in archive.namelist() if n.endswith("data.pkl"))
            found = symbols.read(archive.open(name))
            folder = name.removesuffix("data.pkl") + "data/"
            return _tensors(found, lambda key: archive.read(folder + key))
    with pathlib.Path(path).open("rb") as file:
        for _ in range(3):
            symbols.read(file)
        found, keys = symbols.read(file), symbols.read(file)
        sizes = {
            call.arguments[0].arguments[2]: np.dtype(
                _SIZES[call.arguments[0].arguments[1].split(".")[-1]]
            ).itemsize
            for call in _items(found).values()
        }
        parts = {}
        for key in keys:
            count = int.from_bytes(file.read(8), "little")
            parts[key] = file.read(count * sizes[key])
    return _tensors(found, parts.__getitem__)


def _items(found):
    """Returns the tensors of a dictionary, plain or ordered, by name."""
    items = found.state if isinstance(found, symbols.Call) else found
    tensors = {k: v for k, v in items.items() if isinstance(v, symbols.Call)}
    return {
        # A parameter is a tensor with a wrapping.
        name: call.arguments[0]
        if call.function.endswith("_rebuild_parameter")
        else call
        for name, call in tensors.items()
    }


def _tensors(found, bytes_of):
    """Returns tensors, contiguous ones, from the bytes of their storages."""
    tensors = {}
    for name, call in _items(found).items():
        storage, offset, shape, *_ = call.arguments
        _, kind, key, *_ = storage.arguments
        values = np.frombuffer(bytes_of(key), _SIZES[kind.split(".")[-1]])
        stop = offset + math.prod(shape)
        tensors[name] = values[offset:stop].reshape(shape)
    return tensors


def read_safetensors(path):
    """Returns the tensors of a safetensors file, by name."""
    data = pathlib.Path(path).read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    header.pop("__metadata__", None)
    kinds = {"F32": "<f4", "F16": "<f2", "F64": "<f8"}
    return {
        name: np.frombuffer(
            data[start:][slice(*facts["data_offsets"])], kinds[facts["dtype"]]
        ).reshape(facts["shape"])
        for name, facts in header.items()
        if facts["dtype"] in kinds
    }
