"""A network's description as plain values, for JSON, and back."""

import dataclasses

from alexnet_tf import networks


def to_dict(network):
    """Returns a `Network` as plain values: every part with its kind."""
    return _plain(network)


def from_dict(fields):
    """Returns the `Network` that `to_dict` made into plain values.

    Raises:
        ValueError: A part is of no kind known here, or lacks something.
    """
    try:
        network = _part(fields)
    except TypeError as error:
        raise ValueError(f"a part of a network: {error}") from None
    if not isinstance(network, networks.Network):
        raise ValueError("no network")
    return network


def _plain(value):
    """Returns a part, or something in one, as plain values."""
    if dataclasses.is_dataclass(value):
        fields = {
            field.name: _plain(getattr(value, field.name))
            for field in dataclasses.fields(value)
        }
        return {"kind": type(value).__name__, **fields}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


def _part(value):
    """Returns what `_plain` made into plain values."""
    if isinstance(value, list):
        return tuple(_part(item) for item in value)
    if not isinstance(value, dict):
        return value
    fields = dict(value)
    name = str(fields.pop("kind", None))
    kind = getattr(networks, name, None)
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
        raise ValueError(f"a part of unknown kind {name!r}")
    return kind(**{key: _part(item) for key, item in fields.items()})
