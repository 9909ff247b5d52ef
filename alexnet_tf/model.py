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
    portable=False,
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
        portable: Whether to use only operations that every program that loads
            a SavedModel knows.

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
    builder = _Builder(network, num_classes, devices, seed, portable)
    images = keras.Input((size, size, 3), name="images")
    logits = builder.connect(images)
    model = keras.Model(images, logits, name="alexnet")
    assign.from_arrays(model, _initial_arrays(model, builder.initial, seed))
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

    `initial` collects (standard deviation, bias) of each layer's first draw.
    """

    def __init__(self, network, num_classes, devices, seed, portable):
        self.network = network
        self.num_classes = num_classes
        self.devices = tuple(devices) if devices else None
        self.seed = seed
        self.portable = portable
        self.initial = {}

    def connect(self, images):
        """Returns the logits for a tensor of images."""
        towers = [images] * self.network.towers
        above_image = False
        for layer in self.network.layers:
            _check_size(layer, towers[0])
            if isinstance(layer, networks.Conv):
                if layer.reads == "all towers" and above_image:
                    towers = self._merge(towers, layer.name, len(towers))
                towers = self._conv(layer, towers)
                above_image = True
            elif isinstance(layer, networks.Norm):
                towers = self._norm(layer, towers)
            elif isinstance(layer, networks.MaxPool):
                towers = self._pool(layer, towers)
            else:
                towers = self._dense(layer, towers)
        return towers[0]

    def _conv(self, layer, towers):
        self.initial[layer.name] = (layer.stddev, layer.bias)
        padding = layer.padding
        padding = (padding, padding) if isinstance(padding, int) else padding
        return layers.GroupedConv2D(
            layer.filters,
            layer.kernel_size,
            layer.strides,
            padding,
            groups=len(towers),
            devices=self.devices,
            activation="relu",
            kernel_initializer="zeros",
            name=layer.name,
        )(towers)

    def _norm(self, layer, towers):
        return layers.LocalResponseNormalization(
            layer.depth_radius,
            layer.bias,
            layer.alpha,
            layer.beta,
            implementation="native" if self.portable else "auto",
            devices=self.devices,
            name=layer.name,
        )(towers)

    def _pool(self, layer, towers):
        return layers.MaxPool2D(
            layer.size, layer.strides, devices=self.devices, name=layer.name
        )(towers)

    def _dense(self, layer, towers):
        """Adds a dense layer: a part on each device, the last on the first."""
        self.initial[layer.name] = (layer.stddev, layer.bias)
        is_last = layer.units is None
        groups = 1 if is_last or not self.devices else len(self.devices)
        devices = self.devices[:groups] if self.devices else None
        towers = self._merge(towers, layer.name, groups, devices)
        outputs = layers.GroupedDense(
            self.num_classes if is_last else layer.units,
            groups,
            devices,
            activation=None if is_last else "relu",
            kernel_initializer="zeros",
            name=layer.name,
        )(towers)
        if not layer.dropout:
            return outputs
        return layers.Dropout(
            layer.dropout,
            seed=_layer_seed(self.seed, layer.name),
            devices=devices,
            name=layer.name.replace("fc", "drop"),
        )(outputs)

    def _merge(self, towers, name, readers, devices=None):
        """Lets every reader see all towers, where there is more than one."""
        if len(towers) == 1 and readers == 1:
            return towers
        return layers.MergeTowers(
            readers,
            devices=devices or self.devices,
            name=f"all_towers_to_{name}",
        )(towers)


def _check_size(layer, tensor):
    """Raises an error where a window is larger than the map below it."""
    if isinstance(layer, networks.Conv):
        padding = layer.padding
        padding = 2 * padding if isinstance(padding, int) else sum(padding)
        window = layer.kernel_size - padding
    elif isinstance(layer, networks.MaxPool):
        window = layer.size
    else:
        return
    if tensor.shape[1] < window:
        raise ValueError(
            f"Images must be large enough for {layer.name}. Received: a map "
            f"of {tensor.shape[1]} pixels below a window of {window}. Raise "
            "data.crop_size, or leave that layer out."
        )


def _initial_arrays(model, initial, seed):
    """Draws the first weights, the same for any placement of the towers."""
    arrays = {}
    for key, shape in assign.shapes(model).items():
        name, kind = key.split("/")
        stddev, bias = initial[name]
        if kind == "bias":
            arrays[key] = np.full(shape, bias, np.float32)
            continue
        if stddev is None:
            stddev = math.sqrt(2.0 / math.prod(shape[:-1]))
        stream = np.random.Philox(key=_layer_seed(seed, name))
        draw = np.random.Generator(stream).standard_normal(shape, np.float32)
        arrays[key] = draw * np.float32(stddev)
    return arrays


def _layer_seed(seed, name):
    """Returns a 32-bit integer of a run's seed and a layer's name."""
    return zlib.crc32(f"{seed}/{name}".encode())


def follow_steps(model, step):
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
