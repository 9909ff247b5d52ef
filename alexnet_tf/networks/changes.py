"""Changes of single layers, as a config writes them."""

import ast
import dataclasses
import re


def apply(network, text):
    """Returns a network with some fields of its layers changed.

    Args:
        network: A `Network`.
        text: LAYER.FIELD=VALUE with commas: "fc6.units=2048, norm1.bias=1".

    Raises:
        ValueError: It is written otherwise, or does not fit.
    """
    # Commas within a pair, such as padding=(0,3), do not end a change.
    for change in re.split(r",(?![^(]*\))", text):
        if change.strip():
            network = _change(network, change.strip())
    return network


def _change(network, change):
    """Returns a network with one field of one layer changed.

    Raises:
        ValueError: It is not written LAYER.FIELD=VALUE, or does not fit.
    """
    match = re.fullmatch(r"(\w+)\.(\w+)=(.+)", change)
    if not match:
        raise ValueError(
            "changes must be written LAYER.FIELD=VALUE, with commas between "
            f"them. Received: {change!r}"
        )
    name, field, text = match.groups()
    layers = {layer.name: layer for layer in network.layers}
    known = dataclasses.fields(layers[name]) if name in layers else ()
    if name in layers and field not in {f.name for f in known} - {"name"}:
        raise ValueError(
            f"A {type(layers[name]).__name__} has no field {field}. "
            f"Received: {change!r}"
        )
    try:
        value = ast.literal_eval(text)
    except (SyntaxError, ValueError):
        value = text
    if name in layers:
        mine = getattr(layers[name], field)
        is_number = isinstance(value, int | float)
        if isinstance(mine, int | float) and not (
            is_number or value in ("he", "fan_in") or isinstance(value, tuple)
        ):
            raise ValueError(
                f"{name}.{field} must be like {mine!r}. Received: {text}"
            )
    return network.replace(name, **{field: value})
