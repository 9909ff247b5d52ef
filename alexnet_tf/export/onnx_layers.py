"""The layers of a network description as nodes of an ONNX graph.

Maps are `(n, channels, rows, columns)`, as ONNX has them. The reverse of
`builder`, which connects the same descriptions in Keras.
"""

import numpy as np

from alexnet_tf import builder, networks
from alexnet_tf.export import onnx_maps
from alexnet_tf.layers import low_resolution


def add(graph, network, arrays, images, size):
    """Adds all layers of a network to a graph.

    Each layer's output is called as the layer is, but for dropout that does
    nothing after training.

    Args:
        graph: An `onnx_graph.Graph`.
        network: A `networks.Network`.
        arrays: Weights by name, as `weights.to_arrays` returns them.
        images: Name of a value `(n, 3, size, size)` of the graph's precision.
        size: Rows and columns of the images.

    Returns:
        By layer, the name of what comes out and the shape of one of them:
        `(channels, rows, columns)` or `(units,)`.

    Raises:
        ValueError: A layer has no like in ONNX.
    """
    connected = _Connected(graph, network, arrays, images, size)
    outputs, x = {}, images
    for layer in network.layers:
        connect = connected.kinds.get(type(layer))
        if connect is None:
            raise ValueError(
                f"{layer.name} must have a like in ONNX. Received: a "
                f"{type(layer).__name__}. Export as saved_model instead."
            )
        before, x = x, connect(layer, x)
        if x != before:
            x = graph.name_last(layer.name)
        outputs[layer.name] = x, connected.shape
    return outputs


class _Connected:
    """What is known of the map that the next layer reads.

    Attributes:
        channels: Of it, or units.
        size: Its rows and columns; `None` after a dense layer.
        is_cut: Whether its channels are those of the towers, side by side.
    """

    def __init__(self, graph, network, arrays, images, size):
        self.graph = graph
        self.towers = network.towers
        self.arrays = arrays
        self.images, self.image_size = images, size
        self.channels, self.size, self.is_cut = 3, size, False
        self.kinds = {
            networks.Conv: self._conv,
            networks.Local: self._local,
            networks.Norm: self._norm,
            networks.MapNorm: self._map_norm,
            networks.ContrastNorm: self._contrast_norm,
            networks.MaxPool: self._max_pool,
            networks.AveragePool: self._average_pool,
            networks.Dense: self._dense,
            networks.Dropout: self._dropout,
        }

    @property
    def parts(self):
        """Parts that the channels are cut into."""
        return self.towers if self.is_cut else 1

    @property
    def shape(self):
        """Of the map, without the images."""
        sides = (self.size, self.size) if self.size else ()
        return (self.channels, *sides)

    def _conv(self, layer, x):
        x, groups = self._read(layer, x)
        x = self._convolve(layer.name, layer, x, groups)
        self.size = _windows(self.size, layer)
        if layer.side is not None:
            x = self.graph.add("Add", x, self._side(layer))
        self.channels, self.is_cut = layer.filters, True
        return self._activate(layer, x)

    def _convolve(self, name, window, x, groups, kernel="kernel"):
        """Adds a convolution, with a bias unless it is a side's.

        Args:
            name: Of the layer.
            window: Has kernel_size, strides and padding.
            x: What is read.
            groups: Of its channels.
            kernel: Name of the array.
        """
        inputs = [x, self.arrays[f"{name}/{kernel}"].transpose(3, 2, 0, 1)]
        if kernel == "kernel":
            inputs.append(self.arrays[f"{name}/bias"])
        return self.graph.add(
            "Conv",
            *inputs,
            group=groups,
            kernel_shape=[window.kernel_size] * 2,
            strides=[window.strides] * 2,
            pads=_pads(window),
        )

    def _side(self, layer):
        """Adds the convolution of the image at low resolution."""
        side, x = layer.side, self.images
        taps = low_resolution.taps(side.blur_size, side.blur_stddev)
        reach = side.blur_size // 2
        for shape in ((1, 1, 1, -1), (1, 1, -1, 1)):
            kernel = np.tile(taps.reshape(shape), (3, 1, 1, 1))
            rows, columns = kernel.shape[2:]
            pads = [reach * (rows > 1), reach * (columns > 1)] * 2
            x = self.graph.add(
                "Conv",
                x,
                kernel.astype(np.float32),
                group=3,
                kernel_shape=[rows, columns],
                pads=pads,
            )
        start = low_resolution.first_pixel(self.image_size, side.step)
        size = self.image_size
        x = self.graph.cut(x, [2, 3], [start] * 2, [size] * 2, [side.step] * 2)
        return self._convolve(layer.name, side, x, 1, "side_kernel")

    def _local(self, layer, x):
        """Multiplies the window at every place by its own kernel."""
        add, groups = self.graph.add, self.parts
        size, window = _windows(self.size, layer), layer.kernel_size
        pads = [0, 0, layer.padding, layer.padding] * 2
        x = add("Pad", x, pads)
        kernels = np.split(self.arrays[f"{layer.name}/kernel"], groups, axis=-1)
        outputs = []
        for group, kernel in enumerate(kernels):
            part = self._part(x, group, groups)
            cuts = [
                self.graph.cut(
                    part, [2, 3], [top, left], [top + size, left + size]
                )
                for top in range(window)
                for left in range(window)
            ]
            # Rows, columns and channels of a window along one axis.
            windows = add("Concat", *cuts, axis=1)
            places = add("Transpose", windows, perm=[2, 3, 0, 1])
            products = add("MatMul", places, kernel)
            outputs.append(add("Transpose", products, perm=[2, 3, 0, 1]))
        x = add("Concat", *outputs, axis=1)
        bias = self.arrays[f"{layer.name}/bias"].transpose(2, 0, 1)
        x = add("Add", x, bias)
        self.channels, self.size, self.is_cut = layer.filters, size, True
        return self._activate(layer, x)

    def _norm(self, layer, x):
        parts = 1 if layer.reads == "all towers" else self.parts
        return onnx_maps.norm(self.graph, layer, x, self.shape, parts)

    def _map_norm(self, layer, x):
        return onnx_maps.map_norm(self.graph, layer, x)

    def _contrast_norm(self, layer, x):
        return onnx_maps.contrast_norm(self.graph, layer, x)

    def _max_pool(self, layer, x):
        return self._pool("MaxPool", layer, x)

    def _average_pool(self, layer, x):
        # A window that reaches over the edge divides by what it covers.
        return self._pool("AveragePool", layer, x, count_include_pad=0)

    def _pool(self, op, layer, x, **attributes):
        self.size, pads = onnx_maps.pool_sides(layer, self.size)
        x = self.graph.add(
            op,
            x,
            kernel_shape=[layer.size] * 2,
            strides=[layer.strides] * 2,
            pads=pads,
            **attributes,
        )
        return self._activate(layer, x)

    def _dense(self, layer, x):
        """Adds products; Keras's kernels read rows, columns, channels."""
        is_last, groups = layer.units is None, 1
        if not is_last:
            x, groups = self._read(layer, x)
        places, channels = (self.size or 1) ** 2, self.channels // groups
        if self.size:
            x = self.graph.add("Flatten", x, axis=1)
        kernel = self.arrays[f"{layer.name}/kernel"]
        kernel = kernel.reshape(places, channels, -1)
        kernels = np.split(kernel, groups, axis=-1)
        biases = np.split(self.arrays[f"{layer.name}/bias"], groups)
        self.channels = places * channels * groups
        outputs = [
            self.graph.add(
                "Gemm",
                self._part(x, group, groups),
                # Outputs first, as PyTorch's exporter stores them.
                kernel.transpose(2, 1, 0).reshape(kernel.shape[-1], -1),
                bias,
                transB=1,
            )
            for group, (kernel, bias) in enumerate(
                zip(kernels, biases, strict=True)
            )
        ]
        x = outputs[0]
        if groups > 1:
            x = self.graph.add("Concat", *outputs, axis=1)
        self.channels = len(self.arrays[f"{layer.name}/bias"])
        self.size, self.is_cut = None, True
        return x if is_last else self._activate(layer, x)

    def _dropout(self, layer, x):
        """Scales as §4.2 does after training; there is nothing to draw."""
        if layer.scaling == "inverted":
            return x
        return self.graph.add("Mul", x, np.float32(1 - layer.rate))

    def _read(self, layer, x):
        """Returns what the towers of a layer read, and how many groups."""
        parts, reads = self.parts, layer.reads
        if getattr(layer, "random_groups", 1) > 1:
            order = builder.random_channels(
                layer, self.towers, parts, self.channels
            )
            self.channels = len(order)
            x = self.graph.add("Gather", x, order, axis=1)
            return x, self.towers * layer.random_groups
        if reads == "own tower" or parts == 1:
            return x, parts
        if reads == "all towers":
            return x, 1
        towers = [self._part(x, t, parts) for row in reads for t in row]
        self.channels = self.channels // parts * len(towers)
        return self.graph.add("Concat", *towers, axis=1), parts

    def _part(self, x, part, parts):
        """Returns a part of the channels."""
        if parts == 1:
            return x
        width = self.channels // parts
        return self.graph.cut(x, [1], [part * width], [(part + 1) * width])

    def _activate(self, layer, x):
        ops = {"relu": "Relu", "tanh": "Tanh"}
        if layer.activation == "none":
            return x
        return self.graph.add(ops[layer.activation], x)


def _pads(window):
    """Returns zeros around a map: top, left, bottom, right."""
    padding = window.padding
    before, after = (padding, padding) if isinstance(padding, int) else padding
    return [before, before, after, after]


def _windows(size, layer):
    """Returns rows and columns of a convolution's map."""
    before, _, after, _ = _pads(layer)
    strides = getattr(layer, "strides", 1)
    return (size + before + after - layer.kernel_size) // strides + 1
