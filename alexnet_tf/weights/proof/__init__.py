"""The proof of an import: the file's network once more, by other means.

Reads the file itself and computes in NumPy, in the layout and with the
preprocessing of its source. Shares no code with what it is to prove.
"""

from alexnet_tf.weights.proof.compare import LIMIT, differences, sample_images
from alexnet_tf.weights.proof.forward import run

__all__ = ["LIMIT", "differences", "run", "sample_images"]
