"""A network description into a `keras.Model`, on one device or several."""

import math
import zlib

import keras
import numpy as np
import tensorflow as tf

from alexnet_tf import layers, networks
from alexnet_tf.weights import assign


def AlexNet(  # noqa: N802, named like the networks of keras.applications
    num_classes=1000, network=networks.PAPER, devices=None
):
    """Returns the network of the paper, with fresh weights.

    Args:
        num_classes: Outputs of the last layer.
        network: A network of `networks`.
        devices: One device for each tower, such as ("GPU:0", "GPU:1"), or
            `None` for no constraint. What is computed is the same.

    Returns:
        A `keras.Model`: float32 images `(n, 224, 224, 3)`, RGB of 0 to 255
        less the mean image, to logits `(n, num_classes)`.
    """
    return build(network, num_classes, devices=devices)


def build(
    network,
    num_classes,
    *,
    image_size=None,
    devices=None,
    seed=0,
    native_ops_only=False,
    initialize=True,
    precision="float32",
):
    """Returns the `keras.Model` of a network description.

    Args:
        network: A `networks.Network`.
        num_classes: Outputs of the last layer.
        image_size: Rows and columns of the images; the network's own where
            `None`.
        devices: One device for each tower, or `None`.
        seed: Integer that fixes the initial weights and the dropout masks.
            The same weights come out whatever the devices.
        native_ops_only: Whether to use only operations that every program
            which loads a SavedModel knows.
        initialize: Whether to draw the first weights; without, they are zeros.
        precision: "float32", "mixed_bfloat16" or "mixed_float16": what is
            computed with; weights are float32 throughout.

    Raises:
        ValueError: The description, the image size and the devices do not
            fit together.
    """
    if num_classes < 1:
        raise ValueError(
            f"num_classes must be 1 or more. Received: {num_classes}"
        )
    if devices and len(devices) != network.towers:
        raise ValueError(
            "devices must name one device for each tower. "
            f"Received: devices={tuple(devices)}, {network.towers} towers"
        )
    size = image_size or network.image_size
    builder = _Builder(network, num_classes, devices, seed, native_ops_only)
    images = keras.Input((size, size, 3), name="images")
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        logits = builder.connect(images)
    finally:
        keras.config.set_dtype_policy(before)
    model = keras.Model(images, logits, name="alexnet")
    if initialize:
        assign.from_arrays(model, _initial_arrays(model, builder.drawn, seed))
    return model


def feature_extractor(model, layer_name="fc7"):
    """Returns a model from images to a layer's output, rectified.

    Args:
        model: What `build` returned.
        layer_name: A layer's name; "fc7" gives the features of Figure 4.

    Raises:
        ValueError: The model has no such layer.
    """
    output = model.get_layer(layer_name).output
    if isinstance(output, list):
        output = keras.layers.Concatenate()(output)
    return keras.Model(model.input, output, name=f"{model.name}_{layer_name}")


class _Builder:
    """Connects layer after layer; the towers are a list of tensors.

    `drawn` collects the layers whose first weights must be drawn.
    """

    def __init__(self, network, num_classes, devices, seed, native_ops_only):
        self.network = network
        self.num_classes = num_classes
        self.devices = tuple(devices) if devices else None
        self.seed = seed
        self.implementation = "native" if native_ops_only else "auto"
        self.drawn = {}

    def connect(self, images):
        """Returns the logits for a tensor of images."""
        connect = {
            networks.Conv: self._conv,
            networks.Local: self._local,
            networks.Norm: self._norm,
            networks.MapNorm: self._map_norm,
            networks.MaxPool: self._pool,
            networks.AveragePool: self._pool,
            networks.Dense: self._dense,
            networks.Dropout: self._dropout,
        }
        self.images = images
        towers = [images] * self.network.towers
        for layer in self.network.layers:
            _check_size(layer, towers[0])
            towers = connect[type(layer)](layer, towers)
        return towers[0]

    def _conv(self, layer, towers):
        if towers[0] is not self.images:
            towers = self._read(layer, towers)
        self.drawn[layer.name] = layer
        padding = layer.padding
        padding = (padding, padding) if isinstance(padding, int) else padding
        return layers.GroupedConv2D(
            layer.filters,
            layer.kernel_size,
            layer.strides,
            padding,
            groups=len(towers),
            devices=self.devices,
            activation=_activation(layer),
            kernel_initializer="zeros",
            name=layer.name,
        )(towers)

    def _local(self, layer, towers):
        self.drawn[layer.name] = layer
        return layers.LocallyConnected2D(
            layer.filters,
            layer.kernel_size,
            layer.padding,
            groups=len(towers),
            devices=self.devices,
            activation=_activation(layer),
            kernel_initializer="zeros",
            name=layer.name,
        )(towers)

    def _norm(self, layer, towers):
        crosses = layer.reads == "all towers" and len(towers) > 1
        if crosses:
            readers = len(towers) if self.devices else 1
            towers = self._merge(towers, layer.name, readers)
        towers = layers.LocalResponseNormalization(
            layer.depth_radius,
            layer.bias,
            layer.alpha,
            layer.beta,
            implementation=self.implementation,
            devices=self.devices,
            name=layer.name,
        )(towers)
        return self._split(towers, layer.name) if crosses else towers

    def _map_norm(self, layer, towers):
        return layers.WithinMapNormalization(
            layer.size,
            layer.bias,
            layer.alpha,
            layer.beta,
            implementation=self.implementation,
            devices=self.devices,
            name=layer.name,
        )(towers)

    def _pool(self, layer, towers):
        is_average = isinstance(layer, networks.AveragePool)
        kind = layers.AveragePool2D if is_average else layers.MaxPool2D
        return kind(
            layer.size,
            layer.strides,
            layer.padding,
            activation=_activation(layer),
            devices=self.devices,
            name=layer.name,
        )(towers)

    def _dense(self, layer, towers):
        """Adds a dense layer: a part on each device, the last on the first."""
        self.drawn[layer.name] = layer
        is_last = layer.units is None
        if layer.reads == "own tower" and not is_last:
            if len(towers) < self.network.towers:
                towers = self._split(towers, f"to_{layer.name}")
            groups = len(towers)
            devices = self.devices
        else:
            groups = 1 if is_last or not self.devices else len(self.devices)
            devices = self.devices[:groups] if self.devices else None
            towers = self._merge(towers, layer.name, groups, devices)
        return layers.GroupedDense(
            self.num_classes if is_last else layer.units,
            groups,
            devices,
            activation=None if is_last else _activation(layer),
            kernel_initializer="zeros",
            name=layer.name,
        )(towers)

    def _dropout(self, layer, towers):
        return layers.Dropout(
            layer.rate,
            scaling=layer.scaling,
            seed=_layer_seed(self.seed, layer.name),
            devices=self.devices,
            name=layer.name,
        )(towers)

    def _read(self, layer, towers):
        """Returns what each tower of a layer sees."""
        if layer.reads == "own tower":
            return towers
        return self._merge(towers, layer.name, len(towers))

    def _merge(self, towers, name, readers, devices=None):
        """Lets every reader see all towers, where there is more than one."""
        if len(towers) == 1 and readers == 1:
            return towers
        return layers.MergeTowers(
            readers,
            devices=devices or self.devices,
            name=f"all_towers_to_{name}",
        )(towers)

    def _split(self, towers, name):
        """Gives every tower its own part again."""
        return layers.SplitTowers(
            self.network.towers,
            devices=self.devices,
            name=f"own_tower_{name}",
        )(towers)


def _activation(layer):
    """Returns Keras's name of what follows a layer."""
    return None if layer.activation == "none" else layer.activation


def _check_size(layer, tensor):
    """Raises an error where a window is larger than the map below it."""
    if isinstance(layer, networks.Conv | networks.Local):
        padding = layer.padding
        padding = 2 * padding if isinstance(padding, int) else sum(padding)
        window = layer.kernel_size - padding
    elif isinstance(layer, networks.MaxPool) and layer.padding == "valid":
        window = layer.size
    else:
        return
    if tensor.shape[1] < window:
        raise ValueError(
            f"Images must be large enough for {layer.name}. Received: a map "
            f"of {tensor.shape[1]} pixels below a window of {window}. Raise "
            "data.crop_size, or leave that layer out."
        )


def _initial_arrays(model, drawn, seed):
    """Draws the first weights, the same for any placement of the towers."""
    shapes = assign.shapes(model)
    arrays = {}
    for name, layer in drawn.items():
        kernel = shapes[f"{name}/kernel"]
        is_local = isinstance(layer, networks.Local)
        inputs = kernel[-2] if is_local else math.prod(kernel[:-1])
        stream = np.random.Philox(key=_layer_seed(seed, name))
        rng = np.random.Generator(stream)
        arrays[f"{name}/kernel"] = _draw(rng, kernel, layer.stddev, inputs)
        bias = shapes[f"{name}/bias"]
        arrays[f"{name}/bias"] = (
            _draw(rng, bias, "fan_in", inputs)
            if layer.bias == "fan_in"
            else np.full(bias, layer.bias, np.float32)
        )
    return arrays


def _draw(rng, shape, stddev, inputs):
    """Draws an array by a layer's `stddev`; see `networks.Conv`."""
    if stddev == "fan_in":
        uniform = rng.random(shape, np.float32)
        return (2 * uniform - 1) / np.float32(math.sqrt(inputs))
    if stddev == "he":
        stddev = math.sqrt(2.0 / inputs)
    return rng.standard_normal(shape, np.float32) * np.float32(stddev)


def _layer_seed(seed, name):
    """Returns a 32-bit integer of a run's seed and a layer's name."""
    return zlib.crc32(f"{seed}/{name}".encode())


def set_step_counter(model, step):
    """Makes every dropout layer of a model draw its masks by a step count.

    Args:
        model: What `build` returned.
        step: An integer variable that counts updates.
    """
    for layer in model.layers:
        if isinstance(layer, layers.Dropout):
            layer.follow(step)


def devices_of(model):
    """Returns the devices that hold a model's variables, sorted."""
    return sorted(
        {tf.convert_to_tensor(v.value).device for v in model.variables}
    )
