"""How the bytes of one image are read, for each encoding a source may have."""

import functools
import pickle

import numpy as np

from input_pipeline import array_records
from input_pipeline.conversion import images
from input_pipeline.conversion.sources import parquet_rows

CIFAR_SIDE_PIXELS = 32
CIFAR_ROW_BYTES = 3 * CIFAR_SIDE_PIXELS**2


def read(catalogue, position):
    """Returns file bytes, or pixels, label and file name of an image.

    Raises:
        images.ImageError: The bytes are not what the source promised.
    """
    return _READERS[catalogue.encoding](catalogue, position)


def _read_file(catalogue, position):
    label = int(catalogue.rows["label"][position])
    return catalogue.read(position), label, catalogue.name(position)


def _read_cifar_binary(catalogue, position):
    """A row of the binary version: planes of red, green and blue."""
    label = int(catalogue.rows["label"][position])
    image = _to_image(catalogue.read(position))
    return image, label, catalogue.name(position)


def _read_cifar_python(catalogue, position):
    """A row of an array in a pickle; `offset` is the row's number."""
    row = catalogue.rows[position]
    path = catalogue.containers[row["container"]]
    image = _to_image(load_cifar_batch(path)[0][row["offset"]])
    return image, int(row["label"]), catalogue.name(position)


def _to_image(planes):
    shape = (3, CIFAR_SIDE_PIXELS, CIFAR_SIDE_PIXELS)
    planes = np.frombuffer(planes, np.uint8).reshape(shape)
    return np.ascontiguousarray(planes.transpose(1, 2, 0))


@functools.lru_cache(6)
def load_cifar_batch(path):
    """Reads a file of the python version.

    A pickle can run any program. This one may make arrays and nothing else.

    Returns:
        uint8 `(n, 3072)` pixels, a list of labels, a list of file names.

    Raises:
        ValueError: The file is no such pickle.
    """
    try:
        with open(path, "rb") as file:
            batch = _ArrayUnpickler(file, encoding="latin1").load()
        pixels = np.asarray(batch["data"])
        labels = batch.get("labels", batch.get("fine_labels"))
        names = batch["filenames"]
        fits = (
            pixels.dtype == np.uint8
            and pixels.shape == (len(labels), CIFAR_ROW_BYTES)
            and len(names) == len(labels)
            and all(type(label) is int for label in labels)
            and all(type(name) is str for name in names)
        )
        if not fits:
            raise ValueError("arrays of another shape")
    except OSError:
        raise
    except Exception as error:
        # Damaged pickles raise errors of many types.
        raise ValueError(
            f"{path} must be a batch of CIFAR's python version. Received: "
            f"{type(error).__name__}: {error}. Download the archive again."
        ) from None
    return pixels, labels, names


class _ArrayUnpickler(pickle.Unpickler):
    """Admits what NumPy's arrays are made of."""

    def find_class(self, module, name):
        if (module, name) == ("_codecs", "encode"):
            # So does Python 3 write bytes in Python 2's protocol.
            return lambda text, encoding: text.encode("latin1")
        admitted = {
            "_reconstruct": np._core.multiarray._reconstruct,
            "ndarray": np.ndarray,
            "dtype": np.dtype,
        }
        if module.split(".")[0] == "numpy" and name in admitted:
            return admitted[name]
        raise pickle.UnpicklingError(f"{module}.{name} is not admitted")


def _read_example(catalogue, position):
    """A `tf.train.Example` of TFDS, which holds its own label."""
    return _parse(catalogue.read(position), catalogue, position)


def _read_array_record(catalogue, position):
    """The same in a file of ArrayRecord; `offset` is its number."""
    row = catalogue.rows[position]
    path = catalogue.containers[row["container"]]
    try:
        contents = array_records.read(path, int(row["offset"]))
    except ValueError as error:
        raise images.ImageError(str(error)) from None
    return _parse(contents, catalogue, position)


def _parse(contents, catalogue, position):
    fields = parse_example(contents)
    image, label = fields.get("image"), fields.get("label")
    if type(image) is not bytes or type(label) is not int:
        raise images.ImageError("its record holds no image and label")
    name = fields.get("file_name", fields.get("id"))
    if type(name) is not bytes:
        return image, label, catalogue.name(position)
    return image, label, name.decode("utf-8", "backslashreplace")


def parse_example(serialized):
    """Returns the first value of each field of a `tf.train.Example`.

    Raises:
        images.ImageError: The bytes are no Example.
    """
    fields = {}
    try:
        for _, features in _fields(serialized):
            for _, entry in _fields(features):
                parts = dict(_fields(entry))
                fields[bytes(parts[1]).decode()] = _value(parts[2])
    except (IndexError, KeyError, TypeError, ValueError):
        raise images.ImageError("its record is damaged") from None
    return fields


def _value(feature):
    """Returns the first value of a Feature, None if it is empty."""
    for kind, values in _fields(feature):
        for _, value in _fields(values):
            if kind == 3:
                number = value if type(value) is int else _varint(value, 0)[0]
                return number - 2**64 if number >= 2**63 else number
            return bytes(value)
    return None


def _fields(message):
    """Yields number and contents of each field of a protocol buffer."""
    message, position = memoryview(message), 0
    while position < len(message):
        key, position = _varint(message, position)
        length, position = _varint(message, position)
        if key & 7 == 0:
            yield key >> 3, length
            continue
        if key & 7 != 2 or position + length > len(message):
            raise ValueError("damaged")
        yield key >> 3, message[position : position + length]
        position += length


def _varint(message, position):
    number = shift = 0
    while True:
        byte = message[position]
        number |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return number, position
        if shift > 63:
            raise ValueError("damaged")


def _read_parquet(catalogue, position):
    """A row of a parquet file; its number and its group's make the offset."""
    row = catalogue.rows[position]
    path = catalogue.containers[row["container"]]
    image = parquet_rows.read(path, int(row["offset"]))
    return image, int(row["label"]), catalogue.name(position)


_READERS = {
    "image": _read_file,
    "cifar_binary": _read_cifar_binary,
    "cifar_python": _read_cifar_python,
    "example": _read_example,
    "array_record": _read_array_record,
    "parquet": _read_parquet,
}
