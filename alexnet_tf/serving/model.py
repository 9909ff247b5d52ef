"""One version of an exported model, loaded."""

import numpy as np
import tensorflow as tf

from alexnet_tf import export
from alexnet_tf.export import saved_model
from alexnet_tf.serving.refusal import Refusal, invalid, missing, shorten

PREPROCESS = "preprocess"
# How many single crops an answer costs; others cost one.
_COSTS = {"ten_crop": 10, "explain": 3}


class Model:
    """Answers batches of images.

    Args:
        directory: Of the version.
        number: Of the version.

    Raises:
        FileNotFoundError: It is no exported model.
        ValueError: It was made before the server that is to serve it.
    """

    def __init__(self, directory, number):
        self.directory = directory
        self.number = number
        loaded = export.load(directory)
        # The model's variables go when nobody holds it.
        self._loaded = loaded
        self.signatures = {
            name: call
            for name, call in loaded.signatures.items()
            if not name.startswith("__")
        }
        for name in ("tensor", PREPROCESS):
            if name not in self.signatures:
                raise ValueError(
                    f"{directory} must have the signature {name}. It is older "
                    "than this server; export it again with: "
                    "python -m tools.export"
                )
        outputs = self.signatures[PREPROCESS].structured_outputs
        self.image_size = outputs["images"].shape[1]
        self.crop_size = outputs["crops"].shape[1]
        self.labels = _read_labels(directory)
        self._alike = self._compare_classes()

    def input_name(self, signature):
        """Returns the name of a signature's one input.

        Raises:
            Refusal: There is no such signature.
        """
        if signature not in self.signatures:
            raise invalid(
                f"signature_name must be one of {', '.join(self.signatures)}. "
                f"Received: {shorten(signature)}"
            )
        (name,) = self.signatures[signature].structured_input_signature[1]
        return name

    def cost(self, signature):
        """Returns how many single crops an answer costs."""
        return _COSTS.get(signature.removeprefix("tensor_"), 1)

    def values(self, signature):
        """Returns how many numbers the answer to an image has."""
        outputs = self.signatures[signature].structured_outputs.values()
        return sum(int(np.prod(out.shape[1:])) for out in outputs)

    def answer(self, signature, squares):
        """Returns what a signature says of images.

        Args:
            signature: Of files or of pixels.
            squares: A list of uint8 `(image_size, image_size, 3)`.

        Returns:
            As many dicts of arrays.
        """
        images = np.stack(squares)
        name = signature
        if self.input_name(signature) != "images":
            name = saved_model.tensor_name(signature)
        if name in self.signatures:
            found = self.signatures[name](images=tf.constant(images))
        else:
            # Of a signature without a twin: PNGs of that size pass unchanged.
            files = [tf.io.encode_png(image, 0) for image in images]
            found = self.signatures[signature](image_bytes=tf.stack(files))
        arrays = {key: value.numpy() for key, value in found.items()}
        return [
            {key: array[place] for key, array in arrays.items()}
            for place in range(len(squares))
        ]

    def check_answers(self, batch_size):
        """Answers once for each size of a batch; the first takes seconds.

        Raises:
            Refusal: The answer is not finite.
        """
        grey = np.full((self.image_size, self.image_size, 3), 128, np.uint8)
        for count in sorted({*range(1, min(batch_size, 8) + 1), batch_size}):
            for row in self.answer("serving_default", [grey] * count):
                check_finite(row)

    def similar(self, label, count=5):
        """Returns the classes whose weights are most like those of a class.

        Args:
            label: From 0.
            count: How many.

        Returns:
            A list of dicts of "name" and "cosine", most alike first. Those
            at a right angle or more are not alike and are left out.

        Raises:
            Refusal: There is no such class, or the model does not tell.
        """
        if self._alike is None:
            raise missing("This model does not tell its classes' weights.")
        if not 0 <= label < len(self.labels):
            raise missing(
                f"The class must be from 0 to {len(self.labels) - 1}. "
                f"Received: {label}"
            )
        cosines = self._alike[:, label] @ self._alike
        best = [i for i in np.argsort(-cosines) if i != label][:count]
        return [
            {"name": self.labels[i], "cosine": float(cosines[i])}
            for i in best
            if cosines[i] > 0
        ]

    @property
    def compares(self):
        """Whether `similar` knows which classes are alike."""
        return self._alike is not None

    def _compare_classes(self):
        """Returns fc8's kernel with columns of length 1, or `None`."""
        kernels = [
            v for v in self._loaded.variables if v.name == "fc8/kernel:0"
        ]
        if not (kernels and self.labels):
            return None
        return tf.math.l2_normalize(kernels[0], axis=0).numpy()


def check_finite(row):
    """Refuses an answer that is no number.

    Raises:
        Refusal: It is not finite.
    """
    for name, array in row.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise Refusal(
                "INTERNAL",
                "not finite",
                f"The model's {name} must be finite numbers. It answers with "
                "nan or infinity: its weights are not to be served.",
            )


def _read_labels(directory):
    """Returns the names of the classes, none where they are not there."""
    path = directory / "assets.extra" / saved_model.LABELS_FILE_NAME
    return path.read_text("utf-8").splitlines() if path.exists() else []
