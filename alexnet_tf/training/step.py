"""One update of the weights, on any number of replicas."""

from typing import Any

import keras
import tensorflow as tf

from alexnet_tf.layers import dropout


def make_train_step(
    model: keras.Model,
    optimizer: Any,
    strategy: Any,
    batch_size: int,
    gradient_accumulation_steps: int = 1,
    augment: Any = None,
) -> Any:
    """Returns the function that `training.loop` calls once per batch.

    Args:
        model: Maps images to logits.
        optimizer: Built on the model's variables within `strategy.scope()`.
        strategy: A `tf.distribute.Strategy`.
        batch_size: Images per step, over all replicas together.
        gradient_accumulation_steps: Parts that each replica computes its
            share in, one after another, for one update; divides the share.
        augment: Makes `(images, labels)` of a replica's part of a batch, on
            its device; they are the batch's own, if `None`.

    Returns:
        A function of one distributed batch, `(images, labels)` or what
        `augment` takes, and of whether to measure. It updates the weights and
        returns a dict of scalars, means over the whole batch: "loss" in nats,
        "top1_error" and "top5_error" as fractions; measured, on one replica,
        also "gradient_norm/LAYER" of each layer's kernel, whatever the scale
        of the loss.

    Raises:
        ValueError: The optimizer was built outside of the strategy, which
            would let the replicas drift apart without a word.
    """
    if strategy.num_replicas_in_sync > 1 and not isinstance(
        optimizer.iterations.value, tf.distribute.DistributedValues
    ):
        raise ValueError(
            "The optimizer must be built within strategy.scope(). Received: "
            "an optimizer with ordinary variables"
        )
    variables = model.trainable_variables
    norms = _kernels(model) if strategy.num_replicas_in_sync == 1 else {}
    scales_loss = hasattr(optimizer, "dynamic_scale")

    def compute(images, labels):
        """Returns the gradients and the metrics of some images."""
        logits = tf.cast(model(images, training=True), tf.float32)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels=labels, logits=logits
        )
        # Gradients are summed over replicas, so each divides by the whole
        # batch and not by its own share of it.
        loss = tf.reduce_sum(losses) / batch_size
        # A tape would put both towers' backward pass on one device.
        gradients = tf.compat.v1.gradients(
            optimizer.scale_loss(loss) if scales_loss else loss,
            [variable.value for variable in variables],
            colocate_gradients_with_ops=True,
        )
        return gradients, {
            "loss": loss,
            "top1_error": _missed(logits, labels, 1) / batch_size,
            "top5_error": _missed(logits, labels, 5) / batch_size,
        }

    def replica_step(batch, measured):
        images, labels = augment(*batch) if augment else batch
        if gradient_accumulation_steps == 1:
            gradients, metrics = compute(images, labels)
        else:
            gradients, metrics = _accumulate(
                compute, images, labels, gradient_accumulation_steps
            )
        if scales_loss and strategy.num_replicas_in_sync > 1:
            gradients = _spread_overflow(gradients)
        scale = optimizer.dynamic_scale if scales_loss else 1.0
        optimizer.apply(gradients, variables)
        for name, indices in norms.items():
            parts = [gradients[index] for index in indices]
            metrics[name] = tf.cond(
                measured,
                lambda parts=parts: tf.linalg.global_norm(parts) / scale,
                lambda: tf.constant(0.0),
            )
        return metrics

    # As it stands: to convert Keras's code and ours takes seconds.
    @tf.function(autograph=False)
    def update(batch, measured):
        per_replica = strategy.run(replica_step, args=(batch, measured))
        return {
            name: strategy.reduce(tf.distribute.ReduceOp.SUM, value, axis=None)
            for name, value in per_replica.items()
        }

    def train_step(batch, measured=False):
        metrics = update(batch, tf.constant(measured))
        if not measured:
            return {k: v for k, v in metrics.items() if k not in norms}
        return metrics

    train_step.trace = update  # type: ignore[attr-defined]
    return train_step


def _accumulate(compute, images, labels, parts):
    """Returns what `compute` gives for a batch, summed over parts of it.

    They are unrolled, each after the gradients of the one before: operations
    stay on the devices of their towers, and the maps of one part alone are in
    memory.
    """
    gradients, metrics = [], {}
    for part, pair in enumerate(
        zip(tf.split(images, parts), tf.split(labels, parts), strict=True)
    ):
        with tf.control_dependencies(gradients), dropout.part_of_step(part):
            found, more = compute(*map(tf.identity, pair))
        gradients = found if not part else list(map(tf.add, gradients, found))
        metrics = {k: v + metrics.get(k, 0.0) for k, v in more.items()}
    return gradients, metrics


def _spread_overflow(gradients):
    """Lets every replica's gradients overflow where one replica's do.

    Keras asks the first replica alone whether a step is to be skipped, before
    gradients are summed; the others' infinities would reach the weights.
    """
    finite = tf.reduce_all(
        [tf.reduce_all(tf.math.is_finite(g)) for g in gradients]
    )
    context = tf.distribute.get_replica_context()
    overflows = context.all_reduce(
        tf.distribute.ReduceOp.SUM, 1.0 - tf.cast(finite, tf.float32)
    )
    return [
        tf.where(overflows > 0, tf.constant(float("nan"), g.dtype), g)
        for g in gradients
    ]


def _kernels(model):
    """Returns the indices of each layer's kernels among the variables."""
    numbers = {id(v): i for i, v in enumerate(model.trainable_variables)}
    return {
        f"gradient_norm/{layer.name}": [numbers[id(k)] for k in layer.kernels]
        for layer in model.layers
        if layer.weights
    }


def _missed(logits, labels, k):
    """Returns how many labels are not among their image's k best."""
    if logits.shape[-1] <= k:
        return tf.constant(0.0)
    hits = tf.math.in_top_k(labels, logits, k)
    return tf.reduce_sum(1.0 - tf.cast(hits, tf.float32))
