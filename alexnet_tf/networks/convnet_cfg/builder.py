"""The layers of a `Network`, stage after stage of a definition."""

import dataclasses

from alexnet_tf.networks import description
from alexnet_tf.networks.convnet_cfg import convolution, fields, maps

# In the paper's count the first fully connected layer is the sixth.
_BELOW_DENSE = 5


class Builder:
    """Makes layer after layer, and follows the size of their maps.

    Names are those that everybody uses, whatever the file's: conv1, norm1,
    pool1, ... fc6, drop6, ... A linear layer below the classes is named after
    the one below it, as `networks.CONV6_FALL_2011` has it.

    Args:
        found: The nodes of the definition by name.
        parameters: A `parameters.Parameters`.
        image_size: Rows and columns of the images.
        towers: How many.

    Attributes:
        layers: What has been made, a list.
        nodes: The nodes of each layer with weights, by its name.
        parameters: Weights and biases, counted as the program stores them.
        num_classes: Outputs of the last dense layer.
    """

    def __init__(self, found, parameters, image_size, towers):
        self._found, self._file = found, parameters
        self._image_size, self._towers = image_size, towers
        self._map = fields.Map(image_size, 3, 1)
        self._convolutions, self._dense = 0, _BELOW_DENSE
        self.layers, self.nodes = [], {}
        self.parameters = self.num_classes = 0
        self._units = []

    def add(self, stage):
        """Adds the layer of a stage.

        Raises:
            ValueError: A `Network` cannot hold it.
        """
        if self._is_uneven and stage.kind not in ("concat", "softmax"):
            raise stage.nodes[0].section.error(
                "inputs",
                "parts of a layer must be alike, but for the classes'. "
                f"Received: outputs of {self._units} below",
            )
        add = {
            "conv": self._add_weights,
            "local": self._add_weights,
            "fc": self._add_dense,
            "neuron": self._add_neuron,
            "concat": self._join,
            "softmax": self._finish,
        }
        add.get(stage.kind, self._add_plain)(stage)

    def _add_weights(self, stage):
        """Adds a convolution or a local layer."""
        fields.require_towers(stage, self._towers)
        self._convolutions += 1
        name = f"{stage.kind}{self._convolutions}"
        if stage.kind == "conv":
            made = convolution.read_conv(
                stage, self._map, name, self._low_resolution
            )
        else:
            made = convolution.read_local(stage, self._map, name)
        layer, self._map, parameters = made
        self.parameters += parameters
        if not self.layers:
            # The image is on every GPU.
            layer = dataclasses.replace(layer, reads="own tower")
        self._append(stage, layer)

    def _low_resolution(self, stage, outputs):
        return convolution.read_low_resolution(
            self._found, stage, self._image_size, outputs
        )

    def _add_plain(self, stage):
        """Adds a layer without weights."""
        number = self._convolutions
        if stage.kind == "pool":
            layer, self._map = maps.read_pool(stage, self._map, f"pool{number}")
        elif stage.kind == "hs":
            number = self._dense if self._dense > _BELOW_DENSE else number
            layer = maps.read_dropout(
                stage, self._map, f"drop{number}", self._file
            )
        else:
            names = {"cmrnorm": "norm", "rnorm": "mapnorm", "cnorm": "contrast"}
            layer = maps.read_norm(
                stage, self._map, f"{names[stage.kind]}{number}", self._file
            )
        self._append(stage, layer)

    def _add_dense(self, stage):
        """Adds a dense layer, of a part a tower or of one part."""
        first = stage.nodes[0].section
        if len(stage.nodes) > 1:
            fields.require_towers(stage, self._towers)
        elif set(stage.reads[0]) != set(range(self._map.parts)):
            raise first.error(
                "inputs", "inputs must be all parts of the layer below."
            )
        units = [node.section.number("outputs", int) for node in stage.nodes]
        for node, row, count in zip(
            stage.nodes, stage.reads, units, strict=True
        ):
            fields.refuse_sharing(node)
            if count < 1:
                raise node.section.error(
                    "outputs", f"outputs must be 1 or more. Received: {count}"
                )
            self.parameters += count * (len(row) * self._map.values + 1)
        activation = fields.activation(stage)
        self._dense += activation != "none"
        layer = description.Dense(
            self._dense_name(activation),
            sum(units),
            bias=stage.same("initB", convolution.bias),
            stddev=fields.of_inputs(stage, "initW", float, default="0.01"),
            reads=fields.reads(stage, self._map)
            if len(stage.nodes) > 1
            else "all towers",
            activation=activation,
        )
        self._units = units
        self._map = fields.Map(1, units[0], len(stage.nodes))
        self._append(stage, layer)

    def _dense_name(self, activation):
        """Returns the name of a dense layer, a linear one's for the time."""
        name = f"fc{self._dense}"
        if activation == "none":
            name += "_linear"
            while name in self.nodes:
                name += "_linear"
        return name

    def _add_neuron(self, stage):
        """Lets a neuron of its own section follow the layer below."""
        fields.require_own_tower(stage, self._map)
        last = self.layers[-1] if self.layers else None
        if getattr(last, "activation", None) != "none":
            raise stage.nodes[0].section.error(
                "inputs", "a neuron must follow a linear layer."
            )
        activation = fields.activation(stage)
        self.layers[-1] = dataclasses.replace(last, activation=activation)
        if isinstance(last, description.Dense) and activation != "none":
            self._dense += 1
            self._rename_last(f"fc{self._dense}")

    def _join(self, stage):
        """Joins the parts of a layer; a description has them joined.

        Their order does not matter: no weights are there yet.
        """
        if [set(row) for row in stage.reads] != [set(range(self._map.parts))]:
            raise stage.nodes[0].section.error(
                "inputs", "concat must join all parts of the layer below."
            )
        self._map = fields.Map(
            self._map.size, self._map.channels * self._map.parts, 1
        )

    def _finish(self, stage):
        """Makes the last dense layer the one with an output a class."""
        last = self.layers[-1] if self.layers else None
        if not isinstance(last, description.Dense) or (
            last.activation != "none"
        ):
            raise stage.nodes[0].section.error(
                "inputs",
                "inputs must be a layer of type=fc without a neuron. "
                f"Received: {stage.nodes[0].inputs[0]}",
            )
        if self._map.parts > 1:
            raise stage.nodes[0].section.error(
                "inputs", "parts must be joined by concat below softmax."
            )
        self.num_classes = sum(self._units)
        self.layers[-1] = dataclasses.replace(
            last, units=None, reads="all towers", activation="relu"
        )
        self._rename_last(f"fc{self._dense + 1}")

    @property
    def _is_uneven(self):
        """Whether the parts of the dense layer below differ."""
        return len(set(self._units)) > 1

    def _append(self, stage, layer):
        """Adds a layer, unless its name is taken."""
        if layer.name in (known.name for known in self.layers):
            raise stage.nodes[0].section.error(
                "type",
                f"there must be one {layer.name} between two layers with "
                f"weights. Received: a second type={stage.kind}",
            )
        self.layers.append(layer)
        if stage.kind in ("conv", "local", "fc"):
            self.nodes[layer.name] = stage.nodes

    def _rename_last(self, name):
        """Gives the last layer another name."""
        nodes = self.nodes.pop(self.layers[-1].name)
        self.layers[-1] = dataclasses.replace(self.layers[-1], name=name)
        self.nodes[name] = nodes
