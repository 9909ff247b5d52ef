"""Connects the layers of a description, on one device or on several."""

import keras

from alexnet_tf import layers, networks
from alexnet_tf.weights import initial


class Builder:
    """Connects layer after layer.

    Without devices a map is one tensor, whose channels are cut into towers:
    the first half is the first tower's. With devices it is a list of one
    tensor a tower.

    Args:
        network: A `networks.Network`.
        num_classes: Outputs of the last layer.
        devices: A device for each tower, or `None`.
        seed: Integer of the dropout masks.
        native_ops_only: See `model.build`.
    """

    def __init__(self, network, num_classes, devices, seed, native_ops_only):
        self.network = network
        self.num_classes = num_classes
        self.devices = tuple(devices) if devices else None
        self.seed = seed
        self.implementation = "native" if native_ops_only else "auto"
        # Both towers see the whole image; what they make of it is cut.
        self.is_cut = False

    def connect(self, images):
        """Returns the last layer's output, for a tensor of images."""
        connect = {
            networks.Conv: self._conv,
            networks.Local: self._local,
            networks.Norm: self._norm,
            networks.MapNorm: self._map_norm,
            networks.ContrastNorm: self._map_norm,
            networks.MaxPool: self._pool,
            networks.AveragePool: self._pool,
            networks.Dense: self._dense,
            networks.Dropout: self._dropout,
        }
        self.images = images
        maps = [images] * self.network.towers if self.devices else images
        for layer in self.network.layers:
            _check_size(layer, maps[0] if self.devices else maps)
            maps = connect[type(layer)](layer, maps)
        if not self.devices:
            return maps
        return maps[0] if len(maps) == 1 else keras.layers.Concatenate()(maps)

    def _conv(self, layer, maps):
        padding = layer.padding
        padding = (padding, padding) if isinstance(padding, int) else padding
        read = self._read if layer.random_groups == 1 else self._read_randomly
        maps, groups = read(layer, maps)
        self.is_cut = True
        arguments = {
            "filters": layer.filters,
            "kernel_size": layer.kernel_size,
            "strides": layer.strides,
            "padding": padding,
            "groups": groups,
            "devices": self.devices,
            "activation": _activation(layer),
            "kernel_initializer": "zeros",
            "name": layer.name,
        }
        if layer.side is None:
            return layers.GroupedConv2D(**arguments)(maps)
        return self._side_conv(layer, maps, arguments)

    def _side_conv(self, layer, maps, arguments):
        """Adds a convolution that reads the image at low resolution too."""
        side = layer.side
        padding = side.padding
        padding = (padding, padding) if isinstance(padding, int) else padding
        image = layers.LowResolution(
            side.blur_size,
            side.blur_stddev,
            side.step,
            name=f"low_resolution_to_{layer.name}",
        )(self.images)
        return layers.SideConv2D(
            **arguments,
            side_kernel_size=side.kernel_size,
            side_strides=side.strides,
            side_padding=padding,
        )(maps, image)

    def _local(self, layer, maps):
        groups = self._groups()
        self.is_cut = True
        return layers.LocallyConnected2D(
            layer.filters,
            layer.kernel_size,
            layer.padding,
            groups=groups,
            devices=self.devices,
            activation=_activation(layer),
            kernel_initializer="zeros",
            name=layer.name,
        )(maps)

    def _norm(self, layer, maps):
        crosses = layer.reads == "all towers"
        merges = crosses and self.devices and len(maps) > 1
        if merges:
            maps = self._merge(maps, layer.name, self.devices)
        maps = layers.LocalResponseNormalization(
            layer.depth_radius,
            layer.bias,
            layer.alpha,
            layer.beta,
            implementation=self.implementation,
            groups=1 if crosses else self._groups(),
            devices=self.devices,
            name=layer.name,
        )(maps)
        return self._split(maps, f"own_tower_{layer.name}") if merges else maps

    def _map_norm(self, layer, maps):
        kind = layers.WithinMapNormalization
        if isinstance(layer, networks.ContrastNorm):
            kind = layers.ContrastNormalization
        return kind(
            layer.size,
            layer.bias,
            layer.alpha,
            layer.beta,
            implementation=self.implementation,
            devices=self.devices,
            name=layer.name,
        )(maps)

    def _pool(self, layer, maps):
        is_average = isinstance(layer, networks.AveragePool)
        kind = layers.AveragePool2D if is_average else layers.MaxPool2D
        return kind(
            layer.size,
            layer.strides,
            layer.padding,
            activation=_activation(layer),
            devices=self.devices,
            name=layer.name,
        )(maps)

    def _dense(self, layer, maps):
        """Adds a dense layer: a part on each device, the last on the first."""
        is_last = layer.units is None
        own = layer.reads == "own tower" and not is_last
        some = isinstance(layer.reads, tuple) and not is_last
        devices = self.devices[:1] if self.devices and is_last else self.devices
        if some:
            maps = self._select(layer, maps)
        elif devices and own:
            if len(maps) < self.network.towers:
                maps = self._split(maps, f"own_tower_to_{layer.name}")
        elif devices:
            maps = self._merge(maps, layer.name, devices)
        groups = self._groups() if own or some else 1
        self.is_cut = True
        return layers.GroupedDense(
            self.num_classes if is_last else layer.units,
            len(devices) if devices else groups,
            devices,
            activation=None if is_last else _activation(layer),
            kernel_initializer="zeros",
            name=layer.name,
        )(maps)

    def _dropout(self, layer, maps):
        return layers.Dropout(
            layer.rate,
            scaling=layer.scaling,
            seed=initial.layer_seed(self.seed, layer.name),
            devices=self.devices,
            name=layer.name,
        )(maps)

    def _groups(self):
        """Returns the parts of a map that towers read apart."""
        cut = self.is_cut or self.devices
        return self.network.towers if cut else 1

    def _read(self, layer, maps):
        """Returns what a convolution sees, and in how many groups."""
        if layer.reads == "own tower" or not self.is_cut:
            return maps, self._groups()
        if isinstance(layer.reads, tuple):
            return self._select(layer, maps), self.network.towers
        if not self.devices:
            return maps, 1
        return self._merge(maps, layer.name, self.devices), len(self.devices)

    def _read_randomly(self, layer, maps):
        """Returns what a convolution with random groups sees, and how many."""
        if self.devices:
            raise ValueError(
                f"{layer.name} has random groups within its towers, which go "
                f"without devices. Received: devices={self.devices}"
            )
        towers = self.network.towers
        parts = towers if self.is_cut else 1
        indices = random_channels(layer, towers, parts, maps.shape[-1])
        maps = layers.GatherChannels(
            indices, name=f"random_groups_of_{layer.name}"
        )(maps)
        return maps, towers * layer.random_groups

    def _select(self, layer, maps):
        """Lets every tower of a layer see those that it reads."""
        return layers.SelectTowers(
            layer.reads,
            self.network.towers,
            devices=self.devices,
            name=f"some_towers_to_{layer.name}",
        )(maps)

    def _merge(self, maps, name, devices):
        """Lets the layer on every device see all towers, if they are many."""
        if len(maps) == len(devices) == 1:
            return maps
        return layers.MergeTowers(
            len(devices), devices=devices, name=f"all_towers_to_{name}"
        )(maps)

    def _split(self, maps, name):
        """Gives every tower its own part again."""
        return layers.SplitTowers(
            self.network.towers, devices=self.devices, name=name
        )(maps)


def random_channels(layer, towers, parts, channels):
    """Returns the channels that a convolution with random groups reads.

    Args:
        layer: A `networks.Conv`.
        towers: Of the network.
        parts: Towers that the map below is cut into.
        channels: Of that map.

    Returns:
        A list of integers; see `layers.random_groups`.
    """
    reads = layer.reads
    if reads == "all towers" or parts == 1:
        reads = (tuple(range(parts)),) * towers
    elif reads == "own tower":
        reads = tuple((tower,) for tower in range(towers))
    return layers.random_groups(
        reads,
        channels // parts,
        layer.random_groups,
        seed=initial.layer_seed(0, layer.name),
    )


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
