"""A layer-params file of the 2012 program: norms, rates and schedules."""

import dataclasses
import re

from alexnet_tf.networks.convnet_cfg import syntax

SCHEDULES = {
    "default": (),
    "linear": ("tgtfactor", "noisestdev"),
    "exp": ("tgtfactor", "noisestdev"),
    "dexp": ("tgtfactor", "noisestdev", "numsteps"),
    "jdexp": ("tgtfactor", "noisestdev", "numsteps"),
}


@dataclasses.dataclass(frozen=True)
class Schedule:
    """How a rate goes down in the course of a run.

    Attributes:
        name: "default" stays; "linear" and "exp" go down evenly, by
            differences or by ratios; "dexp" in `levels` equal intervals;
            "jdexp" with a step in the middle of each.
        factor: First rate over last rate.
        levels: Of "dexp" and "jdexp".
    """

    name: str = "default"
    factor: float = 1.0
    levels: int = 1


@dataclasses.dataclass(frozen=True)
class LayerRates:
    """What moves the weights of one layer.

    Attributes:
        kernel_rate: Learning rate of the kernel, `epsW`.
        bias_rate: Learning rate of the bias, `epsB`.
        momentum: Share of the velocity that stays.
        decay: Of the kernel, `wc`; biases do not decay.
        kernel_schedule: A `Schedule`.
        bias_schedule: A `Schedule`.
    """

    kernel_rate: float
    bias_rate: float
    momentum: float
    decay: float
    kernel_schedule: Schedule = Schedule()
    bias_schedule: Schedule = Schedule()


class Parameters:
    """The sections of a layer-params file.

    Args:
        text: Of the file.
        path: For errors.
    """

    def __init__(self, text, path):
        self.path = path
        self.sections = syntax.parse(text, path)

    def section(self, node):
        """Returns the section of a node of the definition.

        Raises:
            ValueError: There is none.
        """
        if node.name not in self.sections:
            raise ValueError(
                f"{self.path} must have a section [{node.name}], as "
                f"{node.section.path} has one in line {node.section.line}. "
                "Found: none"
            )
        return self.sections[node.name]

    def of_norm(self, node, across):
        """Returns scale, pow and the least denominator of a norm."""
        section = self.section(node)
        return (
            section.number("scale", float),
            section.number("pow", float),
            # Norms within a map know no other than 1.
            section.number("minDiv", float, "1") if across else 1.0,
        )

    def check_cost(self, node):
        """Refuses a cost that counts otherwise than once."""
        section = self.section(node)
        coefficient = section.number("coeff", float)
        if coefficient != 1:
            raise section.error(
                "coeff", f"coeff must be 1. Received: {coefficient}"
            )

    def of_layer(self, node):
        """Returns the `LayerRates` of a node.

        Raises:
            ValueError: A key is missing, or says what cannot be carried.
        """
        section = self.section(node)
        for key in ("wball", "wcNormMin", "wcNormMax", "superEps", "superMom"):
            if any(section.numbers(key, float, "0")):
                raise section.error(
                    key.lower(), f"{key} must be 0; others are not carried."
                )
        for key in ("quantF", "quantB"):
            if section.text(key, "default") != "default":
                raise section.error(
                    key.lower(), f"{key} must be default: nothing is quantized."
                )
        momentum = _alike(section, "momW", section.number("momB", float))
        return LayerRates(
            _alike(section, "epsW"),
            section.number("epsB", float),
            momentum,
            _alike(section, "wc", default="0"),
            _schedule(section, "schedW"),
            _schedule(section, "schedB"),
        )


def _alike(section, key, value=None, default=None):
    """Returns a number that is the same for all inputs of a layer."""
    numbers = set(section.numbers(key, float, default))
    if value is not None:
        numbers.add(value)
    if len(numbers) > 1 or not all(0 <= n < float("inf") for n in numbers):
        with_bias = "" if value is None else f", and as momB={value}"
        raise section.error(
            key.lower(),
            f"{key} must be 0 or more, and the same for all inputs{with_bias}. "
            f"Received: {section.text(key)}",
        )
    return numbers.pop()


def _schedule(section, key):
    """Returns the `Schedule` that a key names.

    Raises:
        ValueError: It is written otherwise, or cannot be carried.
    """
    text = section.text(key, "default")
    match = re.fullmatch(r"(\w+)(?:\[([^\]]*)\])?", text)
    name = match[1].lower() if match else ""
    given = (
        dict(
            pair.lower().replace(" ", "").split("=", 1)
            for pair in (match[2] or "").split(",")
            if "=" in pair
        )
        if match
        else {}
    )
    try:
        if sorted(given) != sorted(SCHEDULES[name]):
            raise ValueError
        factor = float(given.get("tgtfactor", 1))
        noise = float(given.get("noisestdev", 0))
        levels = int(given.get("numsteps", 1))
        if not 0 < factor < float("inf") or levels < 1:
            raise ValueError
    except (KeyError, ValueError):
        raise section.error(
            key.lower(),
            f"{key} must be default, linear[tgtFactor=F,noiseStdev=0], exp[...]"
            ", dexp[tgtFactor=F,noiseStdev=0,numSteps=N] or jdexp[...]. "
            f"Received: {text}",
        ) from None
    if noise:
        raise section.error(
            key.lower(), f"noiseStdev must be 0: rates are not drawn. {text}"
        )
    return Schedule(name, factor, levels)
