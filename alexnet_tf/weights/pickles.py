"""Arrays out of pickles, without running what else may be in them.

A pickle names functions and has them called. `_Unpickler` knows a handful of
names, by which NumPy and PyTorch store arrays, and puts functions of its own
in their place; any other name is an error.
"""

import collections
import contextlib
import dataclasses
import io
import pathlib
import pickle
import zipfile

import numpy as np

_TORCH_DTYPES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
}
_TORCH_MAGIC = 0x1950A86A20F9469CFC6C
# Pickled, the structure of a state dict takes a few kilobytes.
_MAX_STRUCTURE_BYTES = 1 << 24


def read_npy(path):
    """Returns what a `.npy` file holds: a dictionary of arrays, for example.

    Raises:
        ValueError: It is damaged, or would run code.
    """
    path = pathlib.Path(path)
    with path.open("rb") as file, _named(path, ".npy dictionary of arrays"):
        version = np.lib.format.read_magic(file)
        read = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = read(file)
        if dtype.kind != "O":
            raise ValueError(f"an array {shape} of {dtype}")
        # Its size is that of the file: nothing is allocated on its word.
        found = _Unpickler(file, encoding="latin1").load()
        return found.item() if isinstance(found, np.ndarray) else found


def read_torch(path):
    """Returns a torch state dict as a dict of arrays.

    Args:
        path: A `.pth` file, either a zip file or the format before it.

    Raises:
        ValueError: It is damaged, no state dict, or would run code.
    """
    path = pathlib.Path(path)
    with _named(path, "torch state dict"):
        if zipfile.is_zipfile(path):
            found = _read_zip(path)
        else:
            found = _read_legacy(path)
        if isinstance(found, dict) and isinstance(
            found.get("state_dict"), dict
        ):
            found = found["state_dict"]
        if not isinstance(found, dict) or not all(
            isinstance(array, np.ndarray) for array in found.values()
        ):
            raise ValueError(f"a {type(found).__name__} of other things")
        return {
            str(name).removeprefix("module."): array
            for name, array in found.items()
        }


@contextlib.contextmanager
def _named(path, what):
    """A scope that says which file failed, and what it should have been."""
    try:
        yield
    except (OSError, KeyboardInterrupt):
        raise
    except Exception as error:
        # A damaged pickle may raise anything.
        text = str(error) or type(error).__name__
        raise ValueError(
            f"{path} must be a whole {what}. Found: {text}. Download it again."
        ) from None


@dataclasses.dataclass
class _Storage:
    """The numbers that tensors are views of; filled when they are read."""

    dtype: str
    count: int
    values: np.ndarray | None = None


class _Unpickler(pickle.Unpickler):
    """Knows arrays, and nothing that could do harm.

    Args:
        file: Where the pickle is read from.
        storages: `_Storage` by key, which tensors find theirs in.
    """

    def __init__(self, file, storages=None, **kwargs):
        super().__init__(file, **kwargs)
        self.storages = storages

    def find_class(self, module, name):
        """Returns what stands for a name in the file."""
        known = {
            "numpy.ndarray": np.ndarray,
            "numpy.dtype": _dtype,
            "_codecs.encode": _encode,
            "collections.OrderedDict": collections.OrderedDict,
            "torch._utils._rebuild_tensor": _rebuild_tensor,
            "torch._utils._rebuild_tensor_v2": _rebuild_tensor,
            "torch._utils._rebuild_parameter": _rebuild_parameter,
        }
        for room in ("numpy.core", "numpy._core"):
            known[f"{room}.multiarray._reconstruct"] = _reconstruct
        if module == "torch" and name in _TORCH_DTYPES:
            return _TORCH_DTYPES[name]
        if f"{module}.{name}" not in known:
            raise ValueError(
                f"{module}.{name}, which is no array; nothing of it was run"
            )
        return known[f"{module}.{name}"]

    def persistent_load(self, pid):
        """Returns the storage that a tensor of PyTorch refers to."""
        kind, dtype, key, _, count, *_ = pid
        if kind != "storage" or self.storages is None:
            raise ValueError(f"a reference to {kind!r}")
        return self.storages.setdefault(str(key), _Storage(dtype, count))


def _dtype(name, *_):
    """Returns a dtype, of numbers or of the dictionary itself."""
    dtype = np.dtype(name)
    if dtype.kind not in "fiuO":
        raise ValueError(f"an array of {dtype}")
    return dtype


def _encode(text, encoding):
    """Returns the bytes that Python 2 pickled as text."""
    return text.encode("latin1")


def _reconstruct(kind, shape, dtype):
    """Returns an empty array, which its state fills afterwards."""
    return np.ndarray.__new__(np.ndarray, (0,), "f4")


@dataclasses.dataclass
class _Tensor:
    """A tensor whose storage may not have been read yet."""

    storage: _Storage
    offset: int
    shape: tuple
    strides: tuple

    def to_array(self):
        """Returns it as an array; checks that it lies within its storage."""
        values = self.storage.values
        last = self.offset + sum(
            (size - 1) * stride
            for size, stride in zip(self.shape, self.strides, strict=True)
        )
        if (
            values is None
            or min(self.strides, default=0) < 0
            or self.offset < 0
        ):
            raise ValueError("a tensor without its numbers")
        if last >= len(values) and 0 not in self.shape:
            raise ValueError(
                f"a tensor {self.shape} that claims {last + 1} numbers of "
                f"{len(values)}"
            )
        step = values.itemsize
        view = np.lib.stride_tricks.as_strided(
            values[self.offset :],
            self.shape,
            [stride * step for stride in self.strides],
            writeable=False,
        )
        return view.copy()


def _rebuild_tensor(storage, offset, shape, strides, *_):
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


def _rebuild_parameter(tensor, *_):
    return tensor


def _to_arrays(found):
    """Returns a structure with arrays in the place of tensors."""
    if isinstance(found, _Tensor):
        return found.to_array()
    if isinstance(found, dict):
        return {key: _to_arrays(value) for key, value in found.items()}
    return found


def _read_zip(path):
    """Reads the format of PyTorch 1.6 and later."""
    storages = {}
    with zipfile.ZipFile(path) as archive:
        names = {
            name.split("/", 1)[-1]: archive.getinfo(name)
            for name in archive.namelist()
        }
        if "data.pkl" not in names:
            raise ValueError(f"a zip file of {len(names)} others")
        if names["data.pkl"].file_size > _MAX_STRUCTURE_BYTES:
            raise ValueError(f"a pickle of {names['data.pkl'].file_size} bytes")
        pickled = io.BytesIO(archive.read(names["data.pkl"]))
        found = _Unpickler(pickled, storages).load()
        for key, storage in storages.items():
            member = names.get(f"data/{key}")
            size = np.dtype(storage.dtype).itemsize * storage.count
            there = member.file_size if member else 0
            if there != size or member.compress_type != zipfile.ZIP_STORED:
                raise ValueError(
                    f"{there} bytes of numbers where {size} are claimed"
                )
            values = np.frombuffer(archive.read(member), storage.dtype)
            storage.values = values
    return _to_arrays(found)


def _read_legacy(path):
    """Reads the format before PyTorch 1.6: pickles, then the numbers."""
    storages = {}
    with path.open("rb") as file:
        if _Unpickler(file).load() != _TORCH_MAGIC:
            raise ValueError("another beginning")
        _Unpickler(file).load()  # version
        _Unpickler(file).load()  # the machine it was written on
        found = _Unpickler(file, storages).load()
        for key in _Unpickler(file).load():
            storage = storages[str(key)]
            count = int.from_bytes(file.read(8), "little")
            size = np.dtype(storage.dtype).itemsize * storage.count
            left = path.stat().st_size - file.tell()
            if count != storage.count or left < size:
                raise ValueError(
                    f"{left} bytes of numbers where {size} are claimed"
                )
            storage.values = np.frombuffer(file.read(size), storage.dtype)
    return _to_arrays(found)
