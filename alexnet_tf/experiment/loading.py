"""What a workdir gives to other programs: its network, its classifier."""

from alexnet_tf.experiment.experiment import open_workdir


def load(workdir, checkpoint="last"):
    """Returns a trained `keras.Model`.

    Args:
        workdir: Folder of a run.
        checkpoint: "last", "best" or a step.
    """
    return open_workdir(workdir).load(checkpoint)[0]


def load_classifier(workdir, checkpoint="best"):
    """Returns a trained network that names what image files show.

        load_classifier("runs/demo").classify(["cat.jpg"])

    Args:
        workdir: Folder of a run.
        checkpoint: "best" (validation error), "last" or a step.

    Returns:
        A `Classifier`.
    """
    return open_workdir(workdir).load_classifier(checkpoint)[0]
