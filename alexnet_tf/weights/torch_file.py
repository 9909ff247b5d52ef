"""A torch state dict as a file, written without torch.

The format of PyTorch 1.6 and later: a zip file of a pickle, which says of each
tensor where its numbers are, and a member of numbers for each.
"""

import math
import pickle
import struct
import zipfile

import numpy as np

_CALL = pickle.TUPLE + pickle.REDUCE
_DICT = pickle.GLOBAL + b"collections\nOrderedDict\n" + b")" + pickle.REDUCE
_REBUILD = pickle.GLOBAL + b"torch._utils\n_rebuild_tensor_v2\n"
_STORAGE = pickle.GLOBAL + b"torch\nFloatStorage\n"


def write(path, state):
    """Writes a state dict; `torch.load(path, weights_only=True)` reads it.

    Args:
        path: Of the file, such as model.pth.
        state: Arrays by name.
    """
    entries = b"".join(
        _text(name) + _tensor(str(number), array.shape)
        for number, (name, array) in enumerate(state.items())
    )
    pickled = pickle.PROTO + b"\2" + _DICT
    pickled += pickle.MARK + entries + pickle.SETITEMS + pickle.STOP
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("model/data.pkl", pickled)
        archive.writestr("model/byteorder", "little")
        for number, array in enumerate(state.values()):
            numbers = np.ascontiguousarray(array, "<f4").tobytes()
            archive.writestr(f"model/data/{number}", numbers)
        archive.writestr("model/version", "3\n")


def _tensor(key, shape):
    """Returns the opcodes that make a tensor of a storage."""
    strides = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    reference = pickle.MARK + _text("storage") + _STORAGE + _text(key)
    reference += _text("cpu") + _number(math.prod(shape))
    reference += pickle.TUPLE + pickle.BINPERSID
    arguments = reference + _number(0) + _numbers(shape) + _numbers(strides)
    arguments += pickle.NEWFALSE + _DICT
    return _REBUILD + pickle.MARK + arguments + _CALL


def _text(text):
    encoded = text.encode("utf-8")
    return pickle.BINUNICODE + struct.pack("<I", len(encoded)) + encoded


def _number(number):
    return pickle.BININT + struct.pack("<i", number)


def _numbers(numbers):
    items = b"".join(_number(number) for number in numbers)
    return pickle.MARK + items + pickle.TUPLE
