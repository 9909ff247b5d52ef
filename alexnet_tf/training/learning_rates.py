"""The rate of every layer at every step: schedule, phases, manual changes.

The authors watched the validation error and changed rates manually, of all
layers or of one; their biases kept a rate of their own. What they did is data
here: it follows from the config, the events and the step alone, so that a
resumed run goes on with the right rates without any of them in a checkpoint.
"""

import bisect
import dataclasses
import re

_LAYER = r"\w+(?:/kernel|/bias)?"


@dataclasses.dataclass(frozen=True)
class Phase:
    """From a step on a layer has a rate of its own, whatever the schedule.

    Attributes:
        step: First update with it.
        layer: Name of the layer; with "/kernel" or "/bias" behind it, that
            alone.
        rate: Of its kernel and its bias; 0 freezes both: neither gradient
            nor decay nor velocity moves them.
    """

    step: int
    layer: str
    rate: float


def parse_phases(text):
    """Returns what a text says of layers, rates and epochs.

    Args:
        text: "LAYER=RATE@EPOCH" with commas, such as
            "conv1=1e-5@67,conv1=0@72".

    Returns:
        A list of (layer, rate, epoch).

    Raises:
        ValueError: It is written otherwise.
    """
    found = []
    for word in filter(None, (w.strip() for w in text.split(","))):
        match = re.fullmatch(rf"({_LAYER})=([^@]+)@(.+)", word)
        try:
            rate, epoch = float(match[2]), float(match[3])
        except (TypeError, ValueError):
            rate = epoch = -1.0
        if not (0 <= rate < float("inf") and 0 <= epoch < float("inf")):
            raise ValueError(
                "optimizer.phases must be LAYER=RATE@EPOCH with commas, such "
                f"as conv1=1e-5@67,conv1=0@72. Received: {word!r}"
            )
        found.append((match[1], rate, epoch))
    return found


def parse_layers(field, text):
    """Returns what a text says of single layers.

    Args:
        field: Name of the text, for the error.
        text: "LAYER=NUMBER" with commas, such as "conv1=0,fc10=0.01".

    Returns:
        A dict of floats by layer.

    Raises:
        ValueError: It is written otherwise.
    """
    found = {}
    for word in filter(None, (w.strip() for w in text.split(","))):
        layer, _, number = word.partition("=")
        try:
            found[layer] = float(number)
        except ValueError:
            found[layer] = -1.0
        if not re.fullmatch(_LAYER, layer):
            found[layer] = -1.0
        if not 0 <= found[layer] < float("inf"):
            raise ValueError(
                f"{field} must be LAYER=NUMBER with commas, such as "
                f"conv1=0,fc10=0.01. Received: {word!r}"
            )
    return found


class ManualFactor:
    """Manual changes of the rate: a factor from each of some steps on."""

    def __init__(self):
        self._steps = [0]
        self._factors = [1.0]

    def set(self, step, factor):
        """Multiplies the schedule's rate by a factor from a step on."""
        index = bisect.bisect_right(self._steps, step)
        self._steps.insert(index, step)
        self._factors.insert(index, factor)

    def changes_at(self, step):
        """Returns whether the factor changes with the update at a step."""
        return step in self._steps[1:]

    def factor(self, step):
        """Returns the factor of the update after `step` updates."""
        return self._factors[bisect.bisect_right(self._steps, step) - 1]


class Rates:
    """The rate of every layer's kernel and bias.

    Args:
        schedule: Of the kernels; see `training.schedule`.
        biases: Schedule of the biases; as the kernels', if `None`.
        phases: `Phase`s.
        manual: A `ManualFactor`; its factor multiplies both schedules.
        factors: Of single layers, by name: what their kernels' and biases'
            rates are multiplied by, unless a phase gives them one.
    """

    def __init__(
        self, schedule, biases=None, phases=(), manual=None, factors=None
    ):
        self.schedule = schedule
        self.biases = biases
        self.phases = sorted(phases, key=lambda phase: phase.step)
        self.manual = manual or ManualFactor()
        self.factors = dict(factors or {})

    def base(self, step):
        """Returns the kernels' rate, but for phases."""
        return self.schedule.rate(step) * self.manual.factor(step)

    def begin_step(self, step):
        """Restarts the schedule's patience where a manual change begins.

        Args:
            step: Updates so far.
        """
        if self.manual.changes_at(step):
            self.schedule.restart_patience()

    def groups(self, step):
        """Returns the rates by group.

        Returns:
            A dict with "kernels", "biases" and the layers that have a rate
            of their own.
        """
        rates = {"kernels": self.base(step), "biases": self.base(step)}
        if self.biases is not None:
            factor = self.manual.factor(step)
            rates["biases"] = self.biases.rate(step) * factor
        for phase in self.phases:
            if phase.step <= step:
                for part in ("/kernel", "/bias"):
                    rates.pop(phase.layer + part, None)
                rates[phase.layer] = phase.rate
        return rates


def per_variable(model, rates, factors=None):
    """Returns the rate of each of a model's trainable variables, in order.

    Args:
        model: What `model.build` returned.
        rates: What `Rates.groups` returned.
        factors: Those of `Rates`.
    """
    factors = factors or {}
    by_variable = {}
    for layer in model.layers:
        for variable in layer.trainable_variables:
            is_bias = variable.name.startswith("bias")
            own = rates["biases" if is_bias else "kernels"]
            part = f"{layer.name}/{'bias' if is_bias else 'kernel'}"
            own *= factors.get(part, factors.get(layer.name, 1.0))
            own = rates.get(layer.name, own)
            by_variable[id(variable)] = rates.get(part, own)
    return [by_variable[id(v)] for v in model.trainable_variables]
