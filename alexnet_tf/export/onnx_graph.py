"""An ONNX graph in the making."""

import numpy as np


class Graph:
    """Nodes and constants, added one after another.

    Constants are written into the graph at once, each a single time: weights
    of hundreds of megabytes are not to be copied about.

    Args:
        proto: An empty `onnx.GraphProto`, which is filled.
        precision: "float32" or "float16": what is computed with.
    """

    def __init__(self, proto, precision="float32"):
        self.proto = proto
        self.proto.name = "alexnet"
        self.precision = np.dtype(precision)

    def add(self, op, *inputs, **attributes):
        """Adds a node with one output, and returns that value's name.

        Args:
            op: Of ONNX, such as "Conv".
            *inputs: Names of values; or arrays, which become constants.
            **attributes: Those of the node.
        """
        from onnx import helper

        names = [
            x if isinstance(x, str) else self._constant(x, self.precision)
            for x in inputs
        ]
        output = f"{op}_{len(self.proto.node)}"
        self.proto.node.append(
            helper.make_node(op, names, [output], name=output, **attributes)
        )
        return output

    def name_last(self, name):
        """Names the last node, and what comes out of it; returns the name."""
        node = self.proto.node[-1]
        node.name = node.output[0] = name
        return name

    def exact(self, values):
        """Adds a constant of float32 in any case, and returns its name."""
        return self._constant(values, np.dtype("float32"))

    def cut(self, x, axes, starts, stops, steps=None):
        """Adds a slice along some axes."""
        return self.add(
            "Slice", x, starts, stops, axes, steps or [1] * len(axes)
        )

    def in_float32(self, x, compute):
        """Adds what `compute` adds, in float32, between values of `precision`.

        Args:
            x: Name of a value.
            compute: Maps the name of a float32 value to that of another.
        """
        precision, self.precision = self.precision, np.dtype("float32")
        if precision != "float32":
            x = self.to_float32(x)
        x = compute(x)
        self.precision = precision
        return self.to_precision(x)

    def to_float32(self, x):
        """Adds a cast of any value to float32."""
        from onnx import TensorProto

        return self.add("Cast", x, to=TensorProto.FLOAT)

    def to_precision(self, x):
        """Adds a cast of a float32 value to `precision`, where need be."""
        from onnx import TensorProto

        if self.precision == "float32":
            return x
        return self.add("Cast", x, to=TensorProto.FLOAT16)

    def declare_input(self, name, kind, shape):
        """Makes a value an input.

        Args:
            name: Of the value.
            kind: Of its numbers, as `onnx.TensorProto` names it.
            shape: Integers, and a name for what may be any.
        """
        self._declare(self.proto.input, name, kind, shape)

    def declare_output(self, name, shape):
        """Makes a float32 value an output; arguments as above."""
        self._declare(self.proto.output, name, "FLOAT", shape)

    def _declare(self, values, name, kind, shape):
        from onnx import TensorProto, helper

        kind = getattr(TensorProto, kind)
        values.append(helper.make_tensor_value_info(name, kind, shape))

    def _constant(self, values, precision):
        """Adds a constant, and returns its name.

        Args:
            values: An array; integers become int64, as ONNX wants them.
            precision: Of others.
        """
        from onnx import helper

        values = np.asarray(values)
        if values.dtype.kind in "iu":
            precision = np.dtype("int64")
        tensor = self.proto.initializer.add()
        tensor.name = f"constant_{len(self.proto.initializer)}"
        tensor.data_type = helper.np_dtype_to_tensor_dtype(precision)
        tensor.dims.extend(values.shape)
        tensor.raw_data = values.astype(precision, copy=False).tobytes()
        return tensor.name
