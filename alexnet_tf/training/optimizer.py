"""The update rule of §5."""

import contextlib

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="alexnet_tf")
class PaperSGD(keras.optimizers.Optimizer):
    """Momentum with the learning rate inside the velocity.

        v <- momentum * v - learning_rate * (weight_decay * w + gradient)
        w <- w + v

    Every variable can have a rate of its own, see `set_rates`; one with a rate
    of 0 is frozen: its velocity stays as well.

    `keras.optimizers.SGD(weight_decay=...)` is another rule: it shrinks `w`
    directly and leaves the decay out of the velocity.

    Args:
        learning_rate: Paper: 0.01, divided by 10 three times.
        momentum: Paper: 0.9.
        weight_decay: Paper: 0.0005.
        bias_decay: Whether biases decay as well. Paper: yes. The authors'
            program spares them (src/weights.cu, layer parameter files).
        **kwargs: Those of `keras.optimizers.Optimizer`.

    Raises:
        ValueError: A number that could not train.
    """

    def __init__(
        self,
        learning_rate=0.01,
        momentum=0.9,
        weight_decay=0.0005,
        bias_decay=True,
        name="paper_sgd",
        **kwargs,
    ):
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        if not 0 <= momentum < 1:
            raise ValueError(
                "momentum must be at least 0 and below 1. "
                f"Received: momentum={momentum}"
            )
        if weight_decay < 0:
            raise ValueError(
                "weight_decay must be 0 or more. "
                f"Received: weight_decay={weight_decay}"
            )
        self.momentum = momentum
        # Not `self.weight_decay`: the base class would apply that by itself,
        # outside of the velocity.
        self.decay = weight_decay
        self.bias_decay = bias_decay

    def build(self, variables):
        """Makes a velocity for each variable, on the variable's device."""
        if self.built:
            return
        super().build(variables)
        # Rates in terms of the learning rate: a user of `fit` has one knob.
        self.scales = self.add_variable(
            (len(variables),), initializer="ones", name="scales"
        )
        self.velocities = []
        for variable in variables:
            with _beside(variable):
                self.velocities.append(
                    self.add_variable_from_reference(variable, "velocity")
                )

    def set_rates(self, learning_rate, rates):
        """Gives every variable its own rate.

        Args:
            learning_rate: The rate that is shown as the optimizer's, above 0.
            rates: One for each variable that the optimizer was built on.
        """
        self.learning_rate.assign(learning_rate)
        self.scales.assign([rate / learning_rate for rate in rates])

    def velocity(self, variable):
        """Returns the velocity of one of the optimizer's variables."""
        return self.velocities[self._get_variable_index(variable)]

    def update_step(self, gradient, variable, learning_rate):
        """Moves one variable and its velocity."""
        velocity = self.velocity(variable)
        scale = tf.convert_to_tensor(self.scales)[
            self._get_variable_index(variable)
        ]
        rate = tf.cast(learning_rate, tf.float32) * scale
        is_spared = variable.name.startswith("bias") and not self.bias_decay
        with _beside(variable):
            moved, new_velocity = _move(
                tf.convert_to_tensor(variable),
                tf.convert_to_tensor(velocity),
                tf.cast(gradient, variable.dtype),
                tf.cast(rate, variable.dtype),
                self.momentum,
                0.0 if is_spared else self.decay,
            )
            self.assign(velocity, new_velocity)
            self.assign(variable, moved)

    def get_config(self):
        """Returns the constructor's arguments."""
        config = super().get_config()
        config.update(
            momentum=self.momentum,
            weight_decay=self.decay,
            bias_decay=self.bias_decay,
        )
        return config


@tf.function(jit_compile=True)
def _move(variable, velocity, gradient, learning_rate, momentum, decay):
    """Returns the moved variable and its velocity, in one pass over memory."""
    moved = momentum * velocity - learning_rate * (decay * variable + gradient)
    velocity = tf.where(learning_rate > 0, moved, velocity)
    step = tf.where(learning_rate > 0, moved, tf.zeros_like(moved))
    return variable + step, velocity


def _beside(variable):
    """Returns a scope on a variable's own device.

    Keras runs the arithmetic of an update on the default device. Under a
    strategy with replicas TensorFlow chooses the device itself.
    """
    if tf.distribute.has_strategy():
        return contextlib.nullcontext()
    if isinstance(variable, keras.Variable):
        variable = variable.value
    return tf.device(variable.device)
