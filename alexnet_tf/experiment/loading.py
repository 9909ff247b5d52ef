"""What a path of weights gives to other programs: network, classifier."""

import os

import keras

from alexnet_tf.classifier import Classifier
from alexnet_tf.experiment import imported, pretrained
from alexnet_tf.experiment.experiment import open_workdir


def load(
    path: str | os.PathLike[str], checkpoint: str | int = "last"
) -> keras.Model:
    """Returns a trained `keras.Model`.

    Args:
        path: A workdir, a preset, or a published file; see `AlexNet`.
        checkpoint: Of a workdir: "last", "best" or a step.
    """
    if pretrained.is_workdir(path):
        return open_workdir(path).load(checkpoint)[0]
    return imported.build(pretrained.read(path), path)


def load_classifier(
    path: str | os.PathLike[str], checkpoint: str | int = "last"
) -> Classifier:
    """Returns a trained network that names what image files show.

        load_classifier("runs/demo").classify(["cat.jpg"])

    Args:
        path: A workdir, a preset, or a published file that has its mean.
        checkpoint: Of a workdir: "last", "best" (validation error) or a step.

    Returns:
        A `Classifier`.

    Raises:
        ValueError: The file does not say which mean to subtract.
    """
    if pretrained.is_workdir(path):
        return open_workdir(path).load_classifier(checkpoint)[0]
    found = pretrained.read(path)
    if found.mean_image is None:
        raise ValueError(
            f"{path} must say which mean image to subtract, and does not. "
            "Import it with its mean: python -m tools.import_weights --help"
        )
    return Classifier(
        imported.build(found, path),
        imported.statistics_of(found),
        list(found.class_names),
        found.mean,
        found.resample,
        found.resize,
        found.synsets,
    )
