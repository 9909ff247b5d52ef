"""What stands below a figure: network, checkpoint, data and protocol."""

from alexnet_tf import protocol


def describe(run, step=None, how=""):
    """Returns the caption of a figure of a run.

    Args:
        run: An `Experiment`.
        step: Of the checkpoint; `None` where the figure is of no checkpoint.
        how: What else was done, in a sentence, such as "Training split.".
    """
    words = f"Network {run.config.network_name}"
    if step is not None:
        words += f", step {step:,} of {run.workdir}"
    else:
        words += f", {run.workdir}"
    words += f"; data: {run.info.name}, {run.info.num_classes:,} classes."
    return f"{words} {how}".strip()


def describe_images(classifier, crops=1):
    """Returns how images come to a classifier, in a sentence."""
    found = protocol.describe(classifier, crops)
    return (
        f"Images: {found['resize']}, {found['resample']} filter; "
        f"{found['views']} crop of {found['crop_size']} pixels, less the "
        f"{found['mean']}."
    )
