"""From the sections of a definition to its stages, one above the other.

A layer that lies on several GPUs is a section for each of them there; together
they are a stage here. The program allows any graph of layers. What a `Network`
can hold is a chain of stages, with the image, blurred and thinned out, as a
second input.
"""

import dataclasses

REFUSED = {
    "treefc": "a softmax over a tree of classes, which is not carried",
    "eltsum": "a sum of layers, which is not carried",
    "eltmax": "a maximum over layers, which is not carried",
    "resize": "images of another size, which are not carried",
    "rscale": "images at a random scale, which are not carried",
    "rgb2yuv": "colours in YUV, which are not carried",
    "rgb2lab": "colours in L*a*b*, which are not carried",
    "href": "mirrored images, which the input pipeline makes",
    "cost.crossent": "another cost than cost.logreg",
    "cost.crossent2": "a cost for several labels (Flickr's), not carried",
    "cost.rflickr": "a cost for several labels (Flickr's), not carried",
    "cost.msm": "a softmax over sets of classes, which is not carried",
    "cost.sum2": "another cost than cost.logreg",
    "cost.gsum2": "another cost than cost.logreg",
    "cost.tica": "another cost than cost.logreg",
}
CARRIED = (
    *("data", "conv", "local", "fc", "pool", "cmrnorm", "rnorm", "cnorm"),
    *("hs", "neuron", "concat", "softmax", "blur", "nailbed", "cost.logreg"),
)


@dataclasses.dataclass
class Node:
    """One section of a definition.

    Attributes:
        section: Its `syntax.Section`.
        kind: Its type, such as "conv".
        inputs: Names of the sections that it reads.
        gpu: Number of its GPU; its first input's where it names none.
        position: Number in the file.
    """

    section: object
    kind: str
    inputs: list
    gpu: int
    position: int

    @property
    def name(self):
        """The name of the section."""
        return self.section.name


@dataclasses.dataclass
class Stage:
    """A layer: one node a tower, or one for all of them.

    Attributes:
        kind: Type of its nodes.
        nodes: In the order of the towers.
        reads: For each node the towers of the stage below that it reads.
        side: Name of the blurred and thinned image that it reads, or `None`.
    """

    kind: str
    nodes: list
    reads: tuple
    side: str | None = None

    def same(self, what, value_of):
        """Returns what all nodes say alike.

        Args:
            what: Name of the key, for the error.
            value_of: Maps a node to its value.

        Raises:
            ValueError: Two of them differ.
        """
        first, *others = self.nodes
        value = value_of(first)
        for node in others:
            if value_of(node) != value:
                raise node.section.error(
                    what.lower(),
                    f"{what} must be {value}, as in [{first.name}]: towers "
                    f"are alike. Received: {value_of(node)}",
                )
        return value


def nodes(sections):
    """Returns the nodes of a definition by name.

    Raises:
        ValueError: A type is unknown or is not carried, or an input is none.
    """
    found = {}
    for position, section in enumerate(sections.values()):
        kind = section.text("type")
        if kind in REFUSED:
            raise section.error("type", f"type={kind} is {REFUSED[kind]}.")
        if kind not in CARRIED:
            raise section.error(
                "type",
                f"type must be one of {', '.join(CARRIED)}. Received: {kind}",
            )
        inputs = [] if kind == "data" else section.words("inputs")
        for name in inputs:
            if name not in found:
                raise section.error(
                    "inputs", f"inputs must be defined above. Received: {name}"
                )
        gpu = found[inputs[0]].gpu if inputs else -1
        gpu = section.number("gpu", int, str(gpu))
        found[section.name] = Node(section, kind, inputs, gpu, position)
    return found


def stages(found):
    """Returns the stages from the image to the softmax, below first.

    Args:
        found: What `nodes` returned.

    Raises:
        ValueError: They are no chain.
    """
    images = _images(found)
    sides = {n.name for n in found.values() if n.kind in ("blur", "nailbed")}
    front, chain, used = [images], [], {images.name, *sides}
    while True:
        below = {node.name for node in front}
        above = [
            node
            for node in found.values()
            if below & set(node.inputs) and node.name not in sides
        ]
        if not above:
            break
        if above[0].kind.startswith("cost."):
            used |= {n for node in above for n in (node.name, *node.inputs)}
            break
        chain.append(_stage(above, front, sides))
        front = chain[-1].nodes
        used |= {node.name for node in front}
    _check_end(found, chain, used)
    return chain


def _images(found):
    """Returns the data layer that holds the images."""
    for node in found.values():
        if node.kind == "data" and node.section.number("dataIdx", int) == 0:
            return node
    first = next(iter(found.values()), None)
    where = first.section.path if first else "The file"
    raise ValueError(
        f"{where} must have a layer of type=data with dataIdx=0. Found: none"
    )


def _stage(above, front, sides):
    """Returns the stage of the nodes that read the one below.

    Raises:
        ValueError: They read something else as well, or are of two kinds.
    """
    above = sorted(above, key=lambda node: (node.gpu, node.position))
    numbers = {node.name: tower for tower, node in enumerate(front)}
    reads, side = [], set()
    for node in above:
        for name in node.inputs:
            if name not in numbers and name not in sides:
                raise node.section.error(
                    "inputs",
                    f"inputs must be of the layer below ({', '.join(numbers)})"
                    f" or its blurred image. Received: {name}",
                )
        if node.kind != above[0].kind:
            raise node.section.error(
                "type",
                f"type must be {above[0].kind}, as of [{above[0].name}], "
                f"which reads the same layer. Received: {node.kind}",
            )
        row = tuple(numbers[name] for name in node.inputs if name in numbers)
        if len(set(row)) < len(row):
            raise node.section.error(
                "inputs",
                f"inputs must differ. Received: {node.section.text('inputs')}",
            )
        reads.append(row)
        side |= {n for n in node.inputs if n in sides}
    if len(side) > 1:
        raise above[0].section.error(
            "inputs",
            f"one image must be the second input. Received: {sorted(side)}",
        )
    return Stage(above[0].kind, above, tuple(reads), *side)


def _check_end(found, chain, used):
    """Refuses what does not end in a softmax and its cost, or lies loose."""
    last = chain[-1].nodes[0] if chain else _images(found)
    if last.kind != "softmax" or len(chain[-1].nodes) > 1:
        raise last.section.error(
            "type",
            "the last layer below cost.logreg must be one softmax. "
            f"Received: {last.kind}",
        )
    for node in found.values():
        if node.kind != "data" and node.name not in used:
            raise node.section.error(
                "inputs", f"layer {node.name} must lead to the softmax."
            )
