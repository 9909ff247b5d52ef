"""The update rule of §5."""

import contextlib
from typing import Any

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
        layer_decays: Decays of single layers by their name, which win over
            `weight_decay`, such as `{"conv1": 0.0, "fc10": 0.01}`.
        **kwargs: Those of `keras.optimizers.Optimizer`. `global_clipnorm`
            asks for the norm after gradients are summed over replicas, of
            the variables that are not frozen; Keras would ask each replica.

    Raises:
        ValueError: A number that could not train.
    """

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.9,
        weight_decay: float = 0.0005,
        bias_decay: bool = True,
        layer_decays: Any = None,
        name: str = "paper_sgd",
        **kwargs: Any,
    ):
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        if not 0 <= momentum < 1:
            raise ValueError(
                "momentum must be at least 0 and below 1. "
                f"Received: momentum={momentum}"
            )
        self.layer_decays = dict(layer_decays or {})
        for decay in (weight_decay, *self.layer_decays.values()):
            if decay < 0:
                raise ValueError(
                    "weight_decay must be 0 or more, of every layer. "
                    f"Received: weight_decay={weight_decay}, "
                    f"layer_decays={self.layer_decays}"
                )
        self.momentum = momentum
        # Not `self.weight_decay`: the base class would apply that by itself,
        # outside of the velocity.
        self.decay = weight_decay
        self.bias_decay = bias_decay
        self._moves: dict[Any, Any] = {}
        self._scales_before: list[Any] = []

    def build(self, variables: Any) -> None:
        """Makes a velocity for each variable, on the variable's device."""
        if self.built:
            return
        super().build(variables)
        unknown = set(self.layer_decays) - set(map(_layer_of, variables))
        if unknown:
            raise ValueError(
                "layer_decays must name layers with weights. Received: "
                f"{', '.join(sorted(unknown))}"
            )
        # By place: under a strategy updates see variables without a path.
        self._decays = [self._decay(variable) for variable in variables]
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

    def set_rates(self, learning_rate: Any, rates: Any) -> None:
        """Gives every variable its own rate.

        Args:
            learning_rate: The rate that is shown as the optimizer's, above 0.
            rates: One for each variable that the optimizer was built on.
        """
        self.learning_rate.assign(learning_rate)
        scales = [rate / learning_rate for rate in rates]
        # Most schedules move all rates alike, some of them at every step.
        if scales != self._scales_before:
            self.scales.assign(scales)
            self._scales_before = scales

    def velocity(self, variable: Any) -> Any:
        """Returns the velocity of one of the optimizer's variables."""
        return self.velocities[self._get_variable_index(variable)]

    def _clip_gradients(self, grads):
        """Leaves to `_clip` what must be clipped after the sum."""
        return grads if self.global_clipnorm else super()._clip_gradients(grads)

    def _all_reduce_sum_gradients(self, grads_and_vars):
        """Sums gradients over the replicas, and clips the sums."""
        return self._clip(super()._all_reduce_sum_gradients(grads_and_vars))

    def _clip(self, pairs):
        """Scales gradients down, all by one factor, where they are too large.

        Each is squared and scaled on its own device; numbers cross alone.
        """
        if not self.global_clipnorm:
            return pairs
        scales = tf.convert_to_tensor(self.scales)
        squares = []
        for gradient, variable in pairs:
            is_live = scales[self._get_variable_index(variable)] > 0
            with _device_of(gradient):
                square = tf.reduce_sum(tf.square(tf.cast(gradient, tf.float32)))
                squares.append(tf.where(is_live, square, 0.0))
        norm = tf.sqrt(tf.add_n(squares))
        factor = self.global_clipnorm / tf.maximum(norm, self.global_clipnorm)
        clipped = []
        for gradient, variable in pairs:
            with _device_of(gradient):
                scaled = gradient * tf.cast(factor, gradient.dtype)
            clipped.append((scaled, variable))
        return clipped

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        """Moves all variables, those of one device in one pass over memory.

        Keras moves one after another by `update_step`, which under a strategy
        is also the way here. Compiled as one, the new values replace the
        old ones: a third of the time for the paper's network, where fresh
        memory for 61 million weights and velocities costs more than the sums.
        """
        if tf.distribute.has_strategy():
            super()._backend_update_step(
                grads, trainable_variables, learning_rate
            )
            return
        by_device = {}
        grads = map(tf.convert_to_tensor, grads)
        pairs = list(zip(grads, trainable_variables, strict=True))
        for gradient, variable in self._clip(pairs):
            device = _plain(variable).device
            by_device.setdefault(device, []).append((gradient, variable))
        for device, pairs in by_device.items():
            gradients, variables = zip(*pairs, strict=True)
            numbers = tuple(self._get_variable_index(v) for v in variables)
            if (device, numbers) not in self._moves:
                self._moves[device, numbers] = self._make_move(variables)
            with tf.device(device):
                rates = tf.gather(tf.convert_to_tensor(self.scales), numbers)
                self._moves[device, numbers](
                    [
                        tf.cast(g, v.dtype)
                        for g, v in zip(gradients, variables, strict=True)
                    ],
                    tf.cast(learning_rate, tf.float32) * rates,
                )

    def _make_move(self, variables):
        """Returns a compiled function that moves variables where they are."""
        decays = [self._decay_of(v) for v in variables]
        moving = [_plain(v) for v in variables]
        velocities = [_plain(self.velocity(v)) for v in variables]

        @tf.function(jit_compile=True, autograph=False)
        def move(gradients, rates):
            for index, (variable, velocity) in enumerate(
                zip(moving, velocities, strict=True)
            ):
                new_value, new_velocity = _move(
                    variable.read_value(),
                    velocity.read_value(),
                    gradients[index],
                    tf.cast(rates[index], variable.dtype),
                    self.momentum,
                    decays[index],
                )
                velocity.assign(new_velocity)
                variable.assign(new_value)

        return move

    def update_step(
        self, gradient: Any, variable: Any, learning_rate: Any
    ) -> Any:
        """Moves one variable and its velocity, under a strategy."""
        velocity = self.velocity(variable)
        scale = tf.convert_to_tensor(self.scales)[
            self._get_variable_index(variable)
        ]
        rate = tf.cast(learning_rate, tf.float32) * scale
        moved, new_velocity = _compiled_move(
            tf.convert_to_tensor(variable),
            tf.convert_to_tensor(velocity),
            tf.cast(gradient, variable.dtype),
            tf.cast(rate, variable.dtype),
            self.momentum,
            self._decay_of(variable),
        )
        self.assign(velocity, new_velocity)
        self.assign(variable, moved)

    def _decay_of(self, variable):
        """Returns the decay of one of the optimizer's variables."""
        return self._decays[self._get_variable_index(variable)]

    def _decay(self, variable):
        """Returns the decay that a kernel or a bias is to have."""
        is_spared = variable.name.startswith("bias") and not self.bias_decay
        if is_spared:
            return 0.0
        return self.layer_decays.get(_layer_of(variable), self.decay)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        config = super().get_config()
        config.update(
            momentum=self.momentum,
            weight_decay=self.decay,
            bias_decay=self.bias_decay,
            layer_decays=self.layer_decays,
        )
        return config


def _move(variable, velocity, gradient, learning_rate, momentum, decay):
    """Returns the moved variable and its velocity.

    A frozen one must keep both, and does by its factors: a choice between old
    and new arrays would keep the old ones in memory.
    """
    is_live = learning_rate > 0
    momentum = tf.where(is_live, tf.cast(momentum, velocity.dtype), 1)
    share = tf.cast(is_live, variable.dtype)
    # Nothing times zero is not always nothing.
    gradient = tf.where(is_live, gradient, tf.zeros_like(gradient))
    velocity = momentum * velocity - learning_rate * (
        decay * variable + gradient
    )
    return variable + share * velocity, velocity


_compiled_move = tf.function(_move, jit_compile=True, autograph=False)


def _layer_of(variable):
    """Returns the name of the layer that a variable belongs to."""
    return variable.path.split("/")[-2] if "/" in variable.path else ""


def _plain(variable):
    """Returns TensorFlow's variable of a Keras variable, or itself."""
    return variable.value if isinstance(variable, keras.Variable) else variable


def _device_of(tensor):
    """Returns a scope on a tensor's device, where it has one."""
    if not tensor.device:
        return contextlib.nullcontext()
    return tf.device(tensor.device)


def _beside(variable):
    """Returns a scope on a variable's own device.

    Under a strategy with replicas TensorFlow chooses the device itself.
    """
    if tf.distribute.has_strategy():
        return contextlib.nullcontext()
    return tf.device(_plain(variable).device)
