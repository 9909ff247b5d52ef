"""A definition and its parameters into a `Network` and the rates."""

import dataclasses
import pathlib

from alexnet_tf.networks.convnet_cfg import graph, syntax
from alexnet_tf.networks.convnet_cfg.builder import Builder
from alexnet_tf.networks.convnet_cfg.parameters import Parameters
from alexnet_tf.networks.network import Network


@dataclasses.dataclass(frozen=True)
class Definition:
    """What the two files say.

    Attributes:
        network: The `Network`. Its last layer has as many outputs as a data
            set has classes, whatever the file says.
        num_classes: What the file says.
        parameters: Weights and biases, as the program would store them.
        names: The sections of each layer with weights, one a tower, by the
            layer's name.
        gpus: Numbers of the towers' GPUs.
        copied: Layers that begin with another network's weights, by
            `initWFunc`.
    """

    network: Network
    num_classes: int
    parameters: int
    names: dict[str, tuple[str, ...]]
    gpus: tuple[int, ...]
    copied: tuple[str, ...]
    _nodes: dict = dataclasses.field(repr=False, compare=False)
    _file: Parameters = dataclasses.field(repr=False, compare=False)

    def rates(self):
        """Returns the `LayerRates` of each layer with weights, by its name.

        The authors' files hold the rates that a run ended with, as they
        changed them by hand on the way.

        Raises:
            ValueError: The update rule is one that is not carried, or differs
                between towers.
        """
        found = {}
        for name, nodes in self._nodes.items():
            first = self._file.of_layer(nodes[0])
            for node in nodes[1:]:
                if self._file.of_layer(node) != first:
                    raise self._file.section(node).error(
                        "",
                        f"must be as [{nodes[0].name}]: towers are alike.",
                    )
            found[name] = first
        return found


def read(layers_path, params_path=None, image_size=224):
    """Returns the `Definition` of a network.

    Args:
        layers_path: A layers-*.cfg.
        params_path: Its layer-params-*.cfg; the one of the same name in the
            same folder, if `None`.
        image_size: Rows and columns of the images, which the files do not say.

    Raises:
        FileNotFoundError: One of them is not there.
        ValueError: What one says cannot be carried, with file and line.
    """
    params_path = params_path or parameters_path(layers_path)
    texts = read_files(layers_path, params_path)
    return read_texts(*texts, image_size, (str(layers_path), str(params_path)))


def read_files(layers_path, params_path=None):
    """Returns the texts of a definition and its parameters; see `read`."""
    params_path = params_path or parameters_path(layers_path)
    return syntax.read_text(layers_path), syntax.read_text(params_path)


def parameters_path(layers_path):
    """Returns the parameter file that goes with a definition."""
    path = pathlib.Path(layers_path)
    if not path.name.startswith("layers-"):
        raise ValueError(
            f"{path} must be called layers-NAME.cfg, so that its parameters "
            "are layer-params-NAME.cfg. Name the parameter file otherwise."
        )
    return path.with_name(path.name.replace("layers-", "layer-params-", 1))


def read_texts(layers, parameters, image_size=224, paths=("layers", "params")):
    """Returns the `Definition` of the texts of two files; see `read`.

    Args:
        layers: Text of a layers-*.cfg.
        parameters: Text of a layer-params-*.cfg.
        image_size: As in `read`.
        paths: What errors call them.
    """
    found = graph.nodes(syntax.parse(layers, paths[0]))
    chain = graph.stages(found)
    file = Parameters(parameters, paths[1])
    builder = Builder(found, file, image_size, len(chain[0].nodes))
    for stage in chain:
        builder.add(stage)
    for node in found.values():
        if node.kind == "cost.logreg":
            file.check_cost(node)
    return Definition(
        Network(image_size, len(chain[0].nodes), tuple(builder.layers)),
        builder.num_classes,
        builder.parameters,
        {
            name: tuple(node.name for node in nodes)
            for name, nodes in builder.nodes.items()
        },
        tuple(max(node.gpu, 0) for node in chain[0].nodes),
        tuple(
            name
            for name, nodes in builder.nodes.items()
            if all(node.section.text("initWFunc", "") for node in nodes)
        ),
        builder.nodes,
        file,
    )
