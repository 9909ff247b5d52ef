"""A process that brings image files to the records' size, and may be killed.

It runs the exported model's own signature `preprocess`, so that its pixels
are those of any other program that has the model. It has no weights.
"""

import io
import os
import pathlib
import resource

import numpy as np
import tensorflow as tf
from PIL import Image
from tensorflow.core.protobuf import saved_model_pb2

_ORIENTATION = 0x0112
# By the number of EXIF: what makes the image upright.
_TURNS = {
    2: np.fliplr,
    3: lambda image: np.rot90(image, 2),
    4: np.flipud,
    5: lambda image: np.swapaxes(image, 0, 1),
    6: lambda image: np.rot90(image, -1),
    7: lambda image: np.rot90(np.swapaxes(image, 0, 1), 2),
    8: np.rot90,
}


def run(connection, max_bytes, niceness):
    """Answers a parent process until it hangs up.

    The parent sends `("load", directories)`, or `("image", directory,
    upright)` and then the file. The answer is `("ok", None)` or `("error",
    message)`; after the "ok" of an image come its pixels.

    Args:
        connection: A `multiprocessing.connection.Connection`.
        max_bytes: Memory it may take beyond what it has.
        niceness: How much others go before it; see nice(1).
    """
    os.nice(niceness)
    # Its work is on a CPU; the network has the GPUs.
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    _limit_memory(max_bytes)
    # libjpeg and libpng have words for each odd file; a log has none for them.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    loaded = {}
    try:
        while True:
            kind, *rest = connection.recv()
            if kind == "load":
                wanted = rest[0]
                loaded = {d: loaded.get(d) or _warm(d) for d in wanted}
                connection.send(("ok", None))
                continue
            directory, upright = rest
            _answer(connection, loaded[directory], upright)
    except (EOFError, OSError, KeyboardInterrupt):
        pass


def _answer(connection, preprocess, upright):
    """Answers with the pixels of one image."""
    image_bytes = connection.recv_bytes()
    try:
        square = preprocess(image_bytes)
        if upright:
            square = turn_upright(square, image_bytes)
    except tf.errors.OpError as error:
        connection.send(("error", error.message))
    except MemoryError:
        connection.send(("error", "it takes too much memory"))
    else:
        connection.send(("ok", None))
        connection.send_bytes(square.tobytes())


def load_preprocess(directory):
    """Returns a function of a file's bytes to pixels, from a version.

    Args:
        directory: Of the version.

    Returns:
        A function that returns uint8 `(size, size, 3)`.

    Raises:
        ValueError: The version has no signature `preprocess`.
    """
    contents = (pathlib.Path(directory) / "saved_model.pb").read_bytes()
    meta = saved_model_pb2.SavedModel.FromString(contents).meta_graphs[0]
    if "preprocess" not in meta.signature_def:
        raise ValueError(
            f"{directory} must have the signature preprocess. It is older "
            "than this server; export it again with: python -m tools.export"
        )
    signature = meta.signature_def["preprocess"]
    given = signature.outputs["images"].name
    graph = tf.Graph()
    with graph.as_default():
        # Its variables are never read: there is nothing to load.
        tf.import_graph_def(meta.graph_def, name="")
    session = tf.compat.v1.Session(
        graph=graph,
        config=tf.compat.v1.ConfigProto(
            intra_op_parallelism_threads=1, inter_op_parallelism_threads=1
        ),
    )
    call = session.make_callable(given, [signature.inputs["image_bytes"].name])
    return lambda image_bytes: call([image_bytes])[0]


def _warm(directory):
    """Returns a version's preprocessing when it has worked once: the first
    image takes a second.
    """
    preprocess = load_preprocess(directory)
    contents = io.BytesIO()
    Image.new("RGB", (300, 200)).save(contents, "jpeg")
    preprocess(contents.getvalue())
    return preprocess


def turn_upright(square, image_bytes):
    """Returns a square as its photographer held it, by the file's EXIF."""
    try:
        with Image.open(io.BytesIO(image_bytes)) as image:
            orientation = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # Whatever a hostile header does to the reader.
        return square
    return _TURNS.get(orientation, lambda image: image)(square)


def _limit_memory(max_bytes):
    """Lets the process take no more than so much beyond what it has."""
    status = pathlib.Path("/proc/self/status")
    if status.exists():
        line = next(x for x in status.read_text().splitlines() if "VmData" in x)
        most = int(line.split()[1]) * 1024 + max_bytes
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
