"""The network of `tools.benchmark --mode=inference` as an ONNX graph.

Written operation by operation, as one would for ONNX Runtime: channels first,
groups for the towers, ONNX's own LRN within each.
"""

import numpy as np

_OPSET = 18


def make_graph(network, arrays):
    """Returns an ONNX model: uint8 images to classes and probabilities.

    Args:
        network: A `networks.Network` of convolutions, norms within a tower,
            pools of whole windows, dense layers and dropout.
        arrays: By name, those of `weights.to_arrays` and "mean", float32
            `(size, size, 3)`.
    """
    from onnx import TensorProto, helper

    graph = _Graph(arrays)
    size = len(arrays["mean"])
    start = (size - network.image_size) // 2
    stop = start + network.image_size
    x = graph.add("Cast", "images", to=TensorProto.FLOAT)
    for axis in (1, 2):
        x = graph.add("Slice", x, *_integers([start], [stop], [axis]))
    x = graph.add("Sub", x, arrays["mean"][start:stop, start:stop])
    x = graph.add("Transpose", x, perm=[0, 3, 1, 2])
    for layer in network.layers:
        x = getattr(graph, f"add_{type(layer).__name__.lower()}")(
            layer, x, network.towers
        )
    x = graph.add("Softmax", x, axis=1)
    probabilities, classes = graph.add(
        "TopK", x, *_integers([5]), outputs=2, axis=1
    )
    made = helper.make_graph(
        graph.nodes,
        "network",
        [
            helper.make_tensor_value_info(
                "images", TensorProto.UINT8, ["n", size, size, 3]
            )
        ],
        [
            helper.make_tensor_value_info(classes, TensorProto.INT64, None),
            helper.make_tensor_value_info(
                probabilities, TensorProto.FLOAT, None
            ),
        ],
        graph.constants,
    )
    return helper.make_model(
        made, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=9
    )


def _integers(*lists):
    """Returns lists as arrays of int64, which ONNX wants as inputs."""
    return [np.array(values, np.int64) for values in lists]


class _Graph:
    """Nodes and constants of a graph in the making."""

    def __init__(self, arrays):
        self.arrays = arrays
        self.nodes = []
        self.constants = []
        self.channels = 3

    def add(self, op, *inputs, outputs=1, **attributes):
        """Adds a node; an input is a name or an array. Returns its output."""
        from onnx import helper, numpy_helper

        names = []
        for value in inputs:
            if not isinstance(value, str):
                name = f"constant_{len(self.constants)}"
                value = np.ascontiguousarray(value)
                self.constants.append(numpy_helper.from_array(value, name))
                value = name
            names.append(value)
        found = [f"{op}_{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, names, found, **attributes))
        return found[0] if outputs == 1 else found

    def add_conv(self, layer, x, towers):
        """Adds a convolution, of groups where kernels see one tower."""
        del towers
        kernel = self.arrays[f"{layer.name}/kernel"]
        padding = layer.padding
        before, behind = (
            (padding, padding) if isinstance(padding, int) else padding
        )
        x = self.add(
            "Conv",
            x,
            kernel.transpose(3, 2, 0, 1),
            self.arrays[f"{layer.name}/bias"],
            group=self.channels // kernel.shape[2],
            strides=[layer.strides] * 2,
            pads=[before, before, behind, behind],
        )
        self.channels = kernel.shape[3]
        return self.add("Relu", x)

    def add_norm(self, layer, x, towers):
        """Adds a norm for each tower; ONNX divides `alpha` by the size."""
        size = 2 * layer.depth_radius + 1
        parts = self.add("Split", x, outputs=towers, axis=1, num_outputs=towers)
        parts = [
            self.add(
                "LRN",
                part,
                size=size,
                alpha=layer.alpha * size,
                beta=layer.beta,
                bias=layer.bias,
            )
            for part in parts
        ]
        return self.add("Concat", *parts, axis=1)

    def add_maxpool(self, layer, x, towers):
        """Adds a pool of whole windows."""
        del towers
        return self.add(
            "MaxPool",
            x,
            kernel_shape=[layer.size] * 2,
            strides=[layer.strides] * 2,
        )

    def add_dense(self, layer, x, towers):
        """Adds a dense layer; the first reads rows, columns, channels."""
        del towers
        kernel = self.arrays[f"{layer.name}/kernel"]
        if self.channels:
            x = self.add("Flatten", x, axis=1)
            maps = kernel.reshape(-1, self.channels, kernel.shape[-1])
            kernel = maps.transpose(1, 0, 2).reshape(kernel.shape)
            self.channels = 0
        bias = self.arrays[f"{layer.name}/bias"]
        # Stored as PyTorch's exporter does it, outputs first.
        x = self.add("Gemm", x, kernel.T, bias, transB=1)
        return self.add("Relu", x) if layer.units else x

    def add_dropout(self, layer, x, towers):
        """Multiplies by what is kept, as the paper does at test."""
        del towers
        return self.add("Mul", x, np.float32(1 - layer.rate))
