"""What the sections of a stage say, and the maps that it reads and gives."""

import dataclasses

_ACTIVATIONS = {"": "none", "ident": "none", "relu": "relu"}


@dataclasses.dataclass(frozen=True)
class Map:
    """What a stage gives: maps of a tower, or neurons.

    Attributes:
        size: Rows and columns; 1 for neurons.
        channels: Of each part.
        parts: As many as towers, or 1 that stands for all of them.
    """

    size: int
    channels: int
    parts: int

    @property
    def values(self):
        """Values of a part."""
        return self.size**2 * self.channels


def equal(stage, key, default=None):
    """Returns an integer that all sections of a stage agree on."""
    return stage.same(key, lambda n: n.section.number(key, int, default))


def of_inputs(stage, key, kind, side=False, default=None):
    """Returns a number that stands once for each input.

    Args:
        stage: A `graph.Stage`.
        key: Name of the key.
        kind: `int` or `float`.
        side: Whether the number of the second input is asked for, the blurred
            image's, or that of all others, which must be one.
        default: Text of the number where there is none.

    Raises:
        ValueError: There are more or fewer than inputs, or they differ.
    """

    def value_of(node):
        section, count = node.section, len(node.inputs)
        every = None if default is None else ",".join([default] * count)
        numbers = section.numbers(key, kind, every)
        if len(numbers) != count:
            raise section.error(
                key.lower(),
                f"{key} must have a number for each of the {count} inputs. "
                f"Received: {section.text(key)}",
            )
        asked = {
            number
            for number, name in zip(numbers, node.inputs, strict=True)
            if (name == stage.side) == side
        }
        if len(asked) != 1:
            raise section.error(
                key.lower(),
                f"{key} must be the same for all towers that are read. "
                f"Received: {section.text(key)}",
            )
        return asked.pop()

    return stage.same(key, value_of)


def activation(stage):
    """Returns what follows a stage, in a description's word."""

    def value_of(node):
        text = node.section.text("neuron", "")
        if text.replace(" ", "") in ("tanh[1,1]", "tanh[1.0,1.0]"):
            return "tanh"
        if text not in _ACTIVATIONS:
            raise node.section.error(
                "neuron",
                "neuron must be ident, relu or tanh[1,1]. Others are not "
                f"carried. Received: {text}",
            )
        return _ACTIVATIONS[text]

    return stage.same("neuron", value_of)


def reads(stage, below):
    """Returns whom the towers of a stage read, in a description's words."""
    own = tuple((tower,) for tower in range(len(stage.nodes)))
    if below.parts == 1:
        return "own tower" if len(stage.nodes) == 1 else "all towers"
    if stage.reads == own:
        return "own tower"
    if all(set(row) == set(range(below.parts)) for row in stage.reads):
        return "all towers"
    return stage.reads


def require_towers(stage, towers):
    """Refuses a stage that is not one node for each tower."""
    if len(stage.nodes) != towers:
        raise stage.nodes[0].section.error(
            "inputs",
            f"each of the {towers} towers must have such a layer. Received: "
            f"{', '.join(node.name for node in stage.nodes)}",
        )


def require_own_tower(stage, below):
    """Refuses a stage whose nodes do not each read the one below it."""
    require_towers(stage, below.parts)
    for tower, (node, row) in enumerate(
        zip(stage.nodes, stage.reads, strict=True)
    ):
        if row != (tower,):
            raise node.section.error(
                "inputs", f"layer {node.name} must read its own tower alone."
            )


def require_channels(stage, below):
    """Refuses channels that are not those of the layer below."""
    channels = equal(stage, "channels")
    if channels != below.channels:
        raise stage.nodes[0].section.error(
            "channels",
            f"channels must be {below.channels}, as the layer below has them. "
            f"Received: {channels}",
        )


def refuse_sharing(node):
    """Refuses weights that are another layer's."""
    if node.section.text("weightSource", "") not in ("", ","):
        raise node.section.error(
            "weightsource", "weights must be a layer's own: no weightSource."
        )
