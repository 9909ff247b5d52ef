"""A network of ours in NumPy, forth and back, that shares no code with it.

Float64, a loop over windows, one group of kernels after another. The way back
follows one of three rules: "gradient" is the chain rule; "guided" is
Springenberg's; "deconvnet" is Zeiler's: rectify, pass norms, no biases.
"""

import numpy as np

from alexnet_tf import networks


class Forward:
    """The outputs of every layer for some images.

    Args:
        network: A `networks.Network` of convolutions, norms, max pools, dense
            layers and dropout.
        arrays: Its weights by name.
        images: `(n, size, size, 3)`.

    Attributes:
        outputs: By layer name, rectified where the layer is.
        before: By layer name, before the rectifier.
    """

    def __init__(self, network, arrays, images):
        self.network, self.arrays = network, arrays
        self.images = np.asarray(images, np.float64)
        self.outputs, self.before, self._inputs = {}, {}, {}
        self._groups = {}
        values, is_cut = self.images, False
        for layer in network.layers:
            self._inputs[layer.name] = values
            self._groups[layer.name] = network.towers if is_cut else 1
            values = getattr(self, f"_{type(layer).__name__.lower()}")(
                layer, values
            )
            self.before[layer.name] = values
            if getattr(layer, "activation", "none") == "relu" and (
                getattr(layer, "units", 1) is not None
            ):
                values = np.maximum(values, 0)
            self.outputs[layer.name] = values
            is_cut = is_cut or isinstance(layer, networks.Conv)

    def back(self, top, name, rule="gradient"):
        """Returns a layer's signal, of one at the output of the last layer.

        Args:
            top: `(last layer's name, signal of the shape of its output)`.
            name: The layer at whose output to stop, or "images".
            rule: See above.
        """
        start, signal = top
        names = [layer.name for layer in self.network.layers]
        for layer in reversed(self.network.layers[: names.index(start) + 1]):
            if layer.name == name:
                return signal
            is_open = self.outputs[layer.name] > 0
            if getattr(layer, "activation", "none") == "relu" and (
                getattr(layer, "units", 1) is not None
            ):
                if rule != "gradient":
                    signal = np.maximum(signal, 0)
                if rule != "deconvnet":
                    signal = signal * is_open
            kind = type(layer).__name__.lower()
            if kind == "norm" and rule == "deconvnet":
                continue
            signal = getattr(self, f"_{kind}_back")(layer, signal)
        return signal

    def _parts(self, layer):
        """Yields the channels read, and those made, of each group."""
        kernel = self.arrays[f"{layer.name}/kernel"]
        groups = self._groups[layer.name]
        if getattr(layer, "reads", "own tower") == "all towers":
            groups = 1
        made = kernel.shape[-1] // groups
        read = self._inputs[layer.name].shape[-1] // groups
        for g in range(groups):
            yield (
                slice(g * read, (g + 1) * read),
                slice(g * made, (g + 1) * made),
            )

    def _windows(self, layer, padded, size):
        """Yields row, column and the window of each output."""
        step = layer.strides
        for y in range((padded.shape[1] - size) // step + 1):
            for x in range((padded.shape[2] - size) // step + 1):
                yield y, x, np.s_[:, y * step : y * step + size,
                                  x * step : x * step + size]  # fmt: skip

    def _conv(self, layer, values):
        kernel = self.arrays[f"{layer.name}/kernel"].astype(np.float64)
        padded = np.pad(values, [(0, 0), *[_sides(layer)] * 2, (0, 0)])
        places = list(self._windows(layer, padded, layer.kernel_size))
        out = np.zeros(
            (len(values), places[-1][0] + 1, places[-1][1] + 1, layer.filters)
        )
        for read, made in self._parts(layer):
            for y, x, window in places:
                out[:, y, x, made] = np.tensordot(
                    padded[window][..., read], kernel[..., made], axes=3
                )
        return out + self.arrays[f"{layer.name}/bias"]

    def _conv_back(self, layer, signal):
        kernel = self.arrays[f"{layer.name}/kernel"].astype(np.float64)
        values = self._inputs[layer.name]
        before, behind = _sides(layer)
        padded = np.zeros_like(
            np.pad(values, [(0, 0), *[(before, behind)] * 2, (0, 0)])
        )
        for read, made in self._parts(layer):
            for y, x, window in self._windows(layer, padded, layer.kernel_size):
                padded[window][..., read] += np.einsum(
                    "nf,ijcf->nijc", signal[:, y, x, made], kernel[..., made]
                )
        rows, columns = values.shape[1:3]
        return padded[:, before : before + rows, before : before + columns]

    def _norm(self, layer, values):
        return values * self._scale(layer, values) ** -layer.beta

    def _norm_back(self, layer, signal):
        a = self._inputs[layer.name]
        s = self._scale(layer, a)
        out = signal * s**-layer.beta
        for i in range(a.shape[-1]):
            for j in self._neighbours(layer, i, a.shape[-1]):
                out[..., j] -= (
                    2 * layer.alpha * layer.beta * a[..., j]
                    * signal[..., i] * a[..., i]
                    * s[..., i] ** (-layer.beta - 1)
                )  # fmt: skip
        return out

    def _scale(self, layer, a):
        s = np.full_like(a, layer.bias)
        for i in range(a.shape[-1]):
            for j in self._neighbours(layer, i, a.shape[-1]):
                s[..., i] += layer.alpha * a[..., j] ** 2
        return s

    def _neighbours(self, layer, channel, channels):
        """Returns the channels of the same tower within the radius."""
        width = channels // self._groups[layer.name]
        first = channel // width * width
        radius = layer.depth_radius
        return range(
            max(first, channel - radius),
            min(first + width, channel + radius + 1),
        )

    def _maxpool(self, layer, values):
        places = list(self._windows(layer, values, layer.size))
        rows, columns = places[-1][0] + 1, places[-1][1] + 1
        out = np.zeros((len(values), rows, columns, values.shape[-1]))
        for y, x, window in places:
            out[:, y, x] = values[window].max(axis=(1, 2))
        return out

    def _maxpool_back(self, layer, signal):
        values = self._inputs[layer.name]
        out = np.zeros_like(values)
        for y, x, window in self._windows(layer, values, layer.size):
            for n, c in np.ndindex(len(values), values.shape[-1]):
                part = values[window][n, :, :, c]
                place = np.unravel_index(part.argmax(), part.shape)
                out[window][(n, *place, c)] += signal[n, y, x, c]
        return out

    def _dense(self, layer, values):
        flat = values.reshape(len(values), -1)
        kernel = self.arrays[f"{layer.name}/kernel"].astype(np.float64)
        return flat @ kernel + self.arrays[f"{layer.name}/bias"]

    def _dense_back(self, layer, signal):
        kernel = self.arrays[f"{layer.name}/kernel"].astype(np.float64)
        return (signal @ kernel.T).reshape(self._inputs[layer.name].shape)

    def _dropout(self, layer, values):
        return values * (1 - layer.rate)

    def _dropout_back(self, layer, signal):
        return signal * (1 - layer.rate)


def _sides(layer):
    """Returns the zeros before and behind a map."""
    padding = layer.padding
    return (padding, padding) if isinstance(padding, int) else padding
