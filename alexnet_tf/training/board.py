"""What TensorBoard is told: scalars with their meaning, and HParams."""

from tensorboard.compat.proto import summary_pb2
from tensorboard.util import tensor_util

# What each scalar means, by its name or by the part before the slash.
_MEANINGS = {
    "loss": "Cross-entropy in nats, mean over the images. Chance is the "
    "logarithm of the number of classes: 6.908 with 1,000.",
    "top1_error": "Fraction of the images whose best guess is wrong. Of the "
    "training split: of augmented crops, with dropout.",
    "top5_error": "Fraction of the images whose class is not among the five "
    "best guesses.",
    "images_per_second": "Training images a second since the last line, "
    "without evaluations and checkpoints.",
    "waiting_share": "Fraction of the time in which the network waited for "
    "images. Much above 0: the input is too slow.",
    "learning_rate": "Base rate of the last update, after manual changes.",
    "rates": "Rate of the last update of these kernels or biases.",
    "gradient_norm": "Euclidean norm of the loss's gradient by this layer's "
    "kernels.",
    "weight_norm": "Euclidean norm of this layer's kernels.",
    "velocity_norm": "Euclidean norm of the momentum of this layer's kernels.",
    "skipped_steps": "Updates that were skipped since the last line, because "
    "the scaled loss overflowed.",
    "skipped_records": "Damaged records that were replaced so far.",
    "run": "Passes over the training split so far.",
}
# Settings that TensorBoard shows first, of the many that there are.
_FIRST = (
    "network",
    "optimizer.learning_rate",
    "training.seed",
    "data.batch_size",
    "optimizer.schedule",
    "training.total_epochs",
    "precision",
    "strategy",
)
_SCORES = {
    "top1_error": "top-1 error",
    "top5_error": "top-5 error",
    "loss": "loss",
}


def scalars(values, epoch):
    """Returns TensorBoard's record of several scalars, serialized.

    One record is written in the time that `tf.summary.scalar` takes for one
    value.

    Args:
        values: Dict of floats.
        epoch: Passes so far. It stands in a group of its own, "run", which
            comes after what people look for.
    """
    record = summary_pb2.Summary()
    for name, value in {**values, "run/epoch": epoch}.items():
        record.value.add(
            tag=name,
            metadata=_metadata(name),
            tensor=tensor_util.make_tensor_proto(float(value)),
        )
    return record.SerializeToString()


def write_hyperparameters(values):
    """Writes a run's settings for the HParams page.

    Its scores there are the last values of the same writer's scalars.

    Args:
        values: Dict of numbers, strings and booleans.
    """
    from tensorboard.plugins.hparams import api

    first = [name for name in _FIRST if name in values]
    others = sorted(values.keys() - set(first))
    api.hparams_config(
        hparams=[api.HParam(name) for name in [*first, *others]],
        metrics=[
            api.Metric(tag, display_name=title)
            for tag, title in _SCORES.items()
        ],
    )
    api.hparams(values)


def _metadata(name):
    """Says which of TensorBoard's pages a value belongs to, and its meaning."""
    return summary_pb2.SummaryMetadata(
        plugin_data=summary_pb2.SummaryMetadata.PluginData(
            plugin_name="scalars"
        ),
        data_class=summary_pb2.DATA_CLASS_SCALAR,
        summary_description=_MEANINGS.get(name.partition("/")[0], ""),
    )
