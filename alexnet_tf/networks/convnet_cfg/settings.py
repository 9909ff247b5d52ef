"""A file's rates in the words of `training.config.OptimizerConfig`."""

import collections

from alexnet_tf.networks.convnet_cfg.parameters import Schedule

_SCHEDULES = {
    "default": "constant",
    "linear": "linear",
    "exp": "exponential",
    "dexp": "geometric",
    "jdexp": "geometric_jumps",
}


def optimizer_settings(rates):
    """Returns the fields of an `OptimizerConfig` that rates amount to.

    Args:
        rates: What `Definition.rates` returned.

    Returns:
        A dict of values by field.

    Raises:
        ValueError: No settings amount to them.
    """
    live = {
        name: r for name, r in rates.items() if r.kernel_rate or r.bias_rate
    }
    if not live:
        raise ValueError(
            "The parameter file must leave a layer to train. All have epsW=0 "
            "and epsB=0: it holds the last rates of a run."
        )
    kernel = _usual(r.kernel_rate for r in live.values())
    bias = _usual(r.bias_rate for r in live.values())
    decay = _usual(r.decay for r in rates.values())
    if not kernel or not bias:
        raise ValueError(
            "epsW and epsB must be above 0 for some layer. Received: "
            f"epsW={kernel}, epsB={bias}"
        )
    down = _one("schedW", (r.kernel_schedule for r in live.values()))
    bias_down = _one("schedB", (r.bias_schedule for r in live.values()))
    return {
        "learning_rate": kernel,
        "momentum": _one("momW", (r.momentum for r in rates.values())),
        "weight_decay": decay,
        "schedule": _SCHEDULES[down.name],
        **_shape(down, ""),
        "bias_schedule": _SCHEDULES[bias_down.name],
        **_shape(bias_down, "bias_"),
        "bias_learning_rate": bias,
        "bias_decay": False,
        "layer_rates": _words(_factors(live, kernel, bias)),
        "layer_decays": _words(
            {n: r.decay for n, r in rates.items() if r.decay != decay}
        ),
        "phases": ",".join(f"{n}=0@0" for n in rates if n not in live),
    }


def _factors(live, kernel, bias):
    """Returns what single layers' rates are multiplied by."""
    factors = {}
    for name, each in live.items():
        of_kernel = _round(each.kernel_rate / kernel)
        of_bias = _round(each.bias_rate / bias)
        if of_kernel == of_bias:
            factors[name] = of_kernel
        else:
            factors[f"{name}/kernel"] = of_kernel
            factors[f"{name}/bias"] = of_bias
    return {name: factor for name, factor in factors.items() if factor != 1}


def _shape(schedule: Schedule, prefix):
    """Returns how a schedule goes down, as fields."""
    if schedule.name == "default":
        return {}
    shape = {f"{prefix}factor": schedule.factor}
    if schedule.name in ("dexp", "jdexp"):
        shape[f"{prefix}levels"] = schedule.levels
    return shape


def _usual(values):
    """Returns the value that most layers have; the largest of several."""
    counts = collections.Counter(values)
    return max(counts, key=lambda value: (bool(value), counts[value], value))


def _one(key, values):
    """Returns the value that all layers have.

    Raises:
        ValueError: They differ.
    """
    found = list(dict.fromkeys(values))
    if len(found) > 1:
        raise ValueError(
            f"{key} must be the same for all layers that learn. "
            f"Received: {', '.join(str(value) for value in found)}"
        )
    return found[0]


def _round(value):
    """Returns a ratio of two decimal numbers without its binary dust."""
    return float(f"{value:.12g}")


def _words(values):
    """Returns a dict as "NAME=VALUE" with commas."""
    return ",".join(f"{name}={value:g}" for name, value in values.items())
