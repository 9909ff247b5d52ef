"""bvlc_alexnet and CaffeNet, from Caffe's files into our layout.

A `.caffemodel` is a NetParameter of Caffe's protocol buffers: layers in any of
its three generations of messages, each with its blobs of numbers. Caffe's
kernels are (outputs, inputs, rows, columns); its images BGR; fc6 reads the
last map in channel, row, column order.
"""

import dataclasses
import pathlib

import numpy as np

from alexnet_tf import networks
from alexnet_tf.weights import pretrained, wire

LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8")


@dataclasses.dataclass(frozen=True)
class _Message:
    """Numbers of the fields of one generation of layers."""

    name: int
    kind: int
    blobs: int


_V0 = _Message(name=1, kind=2, blobs=50)
_V1 = _Message(name=4, kind=5, blobs=6)
_V2 = _Message(name=1, kind=2, blobs=7)
# V1 numbers the kinds that matter here.
_V1_KINDS = {15: "LRN", 17: "Pooling"}


def read_caffemodel(path):
    """Returns the order of a file's layers, and their blobs.

    Args:
        path: A `.caffemodel`.

    Returns:
        A list of `(name, kind)`, and a dict of lists of arrays by layer.

    Raises:
        ValueError: It is no such file, or damaged.
    """
    try:
        order, blobs = [], {}
        for number, value in wire.fields(pathlib.Path(path).read_bytes()):
            if number not in (2, 100) or isinstance(value, int):
                continue
            name, kind, found = _read_layer(value, _V2 if number > 2 else _V1)
            order.append((name, kind))
            if found:
                blobs[name] = found
    except (UnicodeDecodeError, ValueError) as error:
        raise ValueError(
            f"{path} must be a whole .caffemodel. Found: {error}. Download "
            "it again."
        ) from None
    return order, blobs


def _read_layer(message, generation):
    """Returns a layer's name, kind and blobs."""
    name = kind = ""
    blobs = []
    for number, value in wire.fields(message):
        if generation is _V1 and number == 1:
            return _read_layer(value, _V0)
        if number == generation.name:
            name = wire.text(value)
        elif number == generation.kind:
            is_number = isinstance(value, int)
            kind = _V1_KINDS.get(value, "") if is_number else wire.text(value)
        elif number == generation.blobs:
            blobs.append(read_blob(value))
    return name, kind, blobs


def read_blob(message):
    """Returns a BlobProto as an array.

    Raises:
        ValueError: Its numbers are not as many as its shape says.
    """
    old, shape, parts = {}, [], []
    for number, value in wire.fields(message):
        if number in (1, 2, 3, 4):
            old[number] = value
        elif number == 5:
            parts.append(np.frombuffer(value, "<f4"))
        elif number == 8:
            parts.append(np.frombuffer(value, "<f8").astype(np.float32))
        elif number == 7:
            for key, dims in wire.fields(value):
                shape += wire.varints(dims) if key == 1 else []
    shape = shape or [old.get(number, 1) for number in (1, 2, 3, 4)]
    values = np.concatenate(parts) if parts else np.empty(0, np.float32)
    # Python's integers: what a file claims may be larger than any other.
    claimed = 1
    for size in shape:
        claimed *= size
    if claimed != len(values):
        raise ValueError(
            f"a blob of {len(values)} numbers that claims {claimed}"
        )
    return values.reshape(shape)


def load_caffemodel(path, mean_bgr, network=None):
    """Reads a `.caffemodel`.

    Args:
        path: The file.
        mean_bgr: What `read_mean` returned, or `None`.
        network: CAFFE or CAFFENET of `networks`; what the file says, if
            `None`.

    Returns:
        A `Pretrained`.

    Raises:
        ValueError: The file is damaged, or another network's.
    """
    order, blobs = read_caffemodel(path)
    if network is None:
        network = _network_of(path, order)
    return _assemble(path, blobs, _from_caffe, mean_bgr, network)


def _network_of(path, order):
    """Returns CAFFE or CAFFENET, which differ in what comes first."""
    # The oldest generation says "pool".
    kinds = [kind.lower().removesuffix("ing") for _, kind in order]
    if "lrn" not in kinds or "pool" not in kinds:
        raise ValueError(
            f"{path} must hold an AlexNet's layers, LRN and Pooling among "
            f"them. Found: {', '.join(n for n, _ in order) or 'none'}"
        )
    if kinds.index("lrn") < kinds.index("pool"):
        return networks.CAFFE
    return networks.CAFFENET


def load_npy(path, mean_bgr, network):
    """Reads a `.npy` dictionary of a caffemodel, as caffe-tensorflow wrote it.

    Its kernels are (rows, columns, inputs, outputs) already, and fc6 reads
    row, column, channel order; its images are BGR.

    Args:
        path: The file.
        mean_bgr: What `read_mean` returned, or `None`.
        network: CAFFE or CAFFENET: the file has no layers without weights.

    Raises:
        ValueError: The file is damaged, another network's, or would run code.
    """
    from alexnet_tf.weights import pickles

    layers = pickles.read_npy(path)
    if not isinstance(layers, dict):
        raise ValueError(
            f"{path} must hold a dictionary of layers. Found: "
            f"{type(layers).__name__}"
        )
    blobs = {}
    for name, value in layers.items():
        if isinstance(value, dict):
            value = [value.get("weights"), value.get("biases")]
        blobs[name] = list(value)
    return _assemble(path, blobs, _from_npy, mean_bgr, network)


def _arrays(blobs, convert):
    """Returns our arrays of a file's blobs; for images in RGB."""
    arrays = {}
    for name in LAYERS:
        found = blobs.get(name, [])
        is_pair = len(found) == 2 and all(
            isinstance(array, np.ndarray) for array in found
        )
        if not is_pair:
            raise ValueError(
                f"no kernel and bias of {name} among the layers "
                f"{', '.join(sorted(map(str, blobs))) or '(none)'}"
            )
        kernel, bias = found
        arrays[f"{name}/bias"] = bias.reshape(-1)
        channels = len(arrays["conv5/bias"]) if name == "fc6" else None
        arrays[f"{name}/kernel"] = convert(kernel, channels)
    # BGR to RGB.
    arrays["conv1/kernel"] = np.flip(arrays["conv1/kernel"], axis=-2)
    return {k: np.ascontiguousarray(v, np.float32) for k, v in arrays.items()}


def _from_caffe(kernel, channels):
    """Returns a Caffe kernel in TensorFlow's layout.

    Args:
        kernel: Of a convolution or of a dense layer.
        channels: Of the last map, for the kernel that reads it; else `None`.
    """
    # Old blobs always have four dimensions: (1, 1, outputs, inputs).
    if kernel.ndim == 4 and kernel.shape[:2] != (1, 1):
        return kernel.transpose(2, 3, 1, 0)
    kernel = kernel.reshape(kernel.shape[-2:])
    if channels is None:
        return kernel.T
    maps = kernel.reshape(len(kernel), channels, *pretrained.LAST_MAP)
    return maps.transpose(2, 3, 1, 0).reshape(-1, len(kernel))


def _from_npy(kernel, channels):
    """Returns a kernel of caffe-tensorflow, which is laid out as ours."""
    return kernel


def _assemble(path, blobs, convert, mean_bgr, network):
    """Returns the `Pretrained` of a file's blobs."""
    try:
        arrays = _arrays(blobs, convert)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{path} must hold AlexNet's kernels and biases. Found: {error}"
        ) from None
    network = pretrained.fit(network, arrays)
    names, synsets = pretrained.classes_of(len(arrays["fc8/bias"]))
    side = 256
    mean_image = None
    if mean_bgr is not None:
        mean_rgb = np.asarray(mean_bgr, np.float64)[..., ::-1]
        mean_image = np.broadcast_to(mean_rgb, (side, side, 3)).copy()
    return pretrained.Pretrained(
        network=network,
        arrays=arrays,
        class_names=names,
        synsets=synsets,
        mean_image=mean_image,
        crop_size=network.image_size,
        image_size=side,
        resize="squash",
        facts=pretrained.facts_of(path),
    )


def read_mean(path_or_numbers):
    """Returns a mean in BGR: `(3,)`, or an image `(256, 256, 3)`.

    Args:
        path_or_numbers: A `.binaryproto`, a `.npy` of (3, rows, columns), or
            three numbers with commas, such as "104,117,123". All BGR, as
            Caffe has them.

    Raises:
        ValueError: It is none of these.
        FileNotFoundError: There is no such file.
    """
    words = path_or_numbers.split(",")
    if len(words) == 3:
        try:
            return np.array([float(word) for word in words])
        except ValueError:
            pass
    path = pathlib.Path(path_or_numbers)
    if not path.is_file():
        raise FileNotFoundError(
            "--mean_file must be a .binaryproto, a .npy or three numbers "
            f"with commas, such as 104,117,123 (BGR). Received: "
            f"{path_or_numbers!r}"
        )
    try:
        if path.suffix == ".npy":
            mean = np.load(path, allow_pickle=False)
        else:
            mean = read_blob(path.read_bytes())
    except (EOFError, ValueError) as error:
        raise ValueError(
            f"{path} must be a mean image of Caffe's. Found: {error}"
        ) from None
    mean = mean.astype(np.float64).squeeze()
    if mean.shape not in ((3,), (3, 256, 256)) or not np.isfinite(mean).all():
        raise ValueError(
            f"{path} must hold 3 numbers, or (3, 256, 256). Found: {mean.shape}"
        )
    return mean if mean.ndim == 1 else mean.transpose(1, 2, 0)
