"""One update of the weights, on any number of replicas."""

import tensorflow as tf


def make_train_step(model, optimizer, strategy, batch_size):
    """Returns the function that `training.loop` calls once per batch.

    Args:
        model: Maps images to logits.
        optimizer: Built on the model's variables within `strategy.scope()`.
        strategy: A `tf.distribute.Strategy`.
        batch_size: Images per step, over all replicas together.

    Returns:
        A function of one distributed batch `(images, labels)`. It updates the
        weights and returns a dict of scalars, means over the whole batch:
        "loss" in nats, "top1_error" and "top5_error" as fractions.

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

    def replica_step(images, labels):
        logits = tf.cast(model(images, training=True), tf.float32)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels=labels, logits=logits
        )
        # Gradients are summed over replicas, so each divides by the whole
        # batch and not by its own share of it.
        loss = tf.reduce_sum(losses) / batch_size
        # A tape would put both towers' backward pass on one device.
        gradients = tf.compat.v1.gradients(
            loss,
            [variable.value for variable in variables],
            colocate_gradients_with_ops=True,
        )
        optimizer.apply(gradients, variables)
        return {
            "loss": loss,
            "top1_error": _missed(logits, labels, 1) / batch_size,
            "top5_error": _missed(logits, labels, 5) / batch_size,
        }

    @tf.function
    def train_step(batch):
        per_replica = strategy.run(replica_step, args=batch)
        return {
            name: strategy.reduce(tf.distribute.ReduceOp.SUM, value, axis=None)
            for name, value in per_replica.items()
        }

    return train_step


def _missed(logits, labels, k):
    """Returns how many labels are not among their image's k best."""
    if logits.shape[-1] <= k:
        return tf.constant(0.0)
    hits = tf.math.in_top_k(labels, logits, k)
    return tf.reduce_sum(1.0 - tf.cast(hits, tf.float32))
