"""What a feature map saw: the deconvnet of Zeiler and Fergus.

"Visualizing and Understanding Convolutional Networks" (2013), made for the
network of 2012. To show one activation, all others of its layer are set to
zero, and the signal goes back to the pixels: through max pooling to where each
maximum was (the switches), through the rectifier, through the transposed
kernels. What the paper leaves open, we choose so:

- where windows overlap, and one value was the maximum of several, their
  signals add;
- of equal values in a window the first, row by row, has the switch;
- normalizations, which the paper does not mention, pass the signal unchanged;
- biases are not used;
- average pooling gives every value its equal share;
- units other than rectifiers, such as tanh, pass their true gradient;
- pixels are not rectified: they keep their signs.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from alexnet_tf.analysis import gradient_rules, saliency
from alexnet_tf.analysis.batches import map_batches


class Deconvnet:
    """Projects activations of a convolution back to the pixels.

    Args:
        model: What `alexnet_tf.build` returned.
        layer_name: A convolution; the last one, if `None`.

    Attributes:
        layer_name: The convolution.
        channels: Its feature maps, over all towers.

    Raises:
        ValueError: The layer is no convolution; those that are, are listed.
    """

    def __init__(self, model: keras.Model, layer_name: str | None = None):
        self.layer_name = saliency.check_convolution(model, layer_name)
        again, outputs = gradient_rules.with_rule(model, "deconvnet")
        maps = outputs[self.layer_name]
        if isinstance(maps, list):
            maps = keras.layers.Concatenate()(maps)
        self.channels = maps.shape[-1]
        self._extract = keras.Model(again.input, maps)
        self._project = tf.function(self._project_batch)
        self._peaks = tf.function(self._peaks_batch)

    def peaks(self, images: Any) -> np.ndarray:
        """Returns the largest activation of every map.

        Args:
            images: float32 `(n, size, size, 3)`, as the model takes them.

        Returns:
            float32 `(n, channels)`.
        """
        return self._peaks(images).numpy()

    def project(
        self, images: Any, channels: Any, *, batch_size: int = 32
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns what made the largest activation of a map, in each image.

        Args:
            images: float32 `(n, size, size, 3)`, as the model takes them.
            channels: Numbers of feature maps `(n,)`, or one for all.
            batch_size: Images that go through together at most.

        Returns:
            Projections float32 `(n, size, size, 3)`, of either sign; rows and
            columns int32 `(n, 2)` of the activations in the map; activations
            float32 `(n,)`, 0 where a map does not answer to an image, whose
            projection is 0 then.

        Raises:
            ValueError: There are no images, or there is no such map.
        """
        images = np.asarray(images, np.float32)
        channels = np.broadcast_to(np.asarray(channels, np.int32), len(images))
        check_channels(channels, self.channels, self.layer_name)
        found = map_batches(self._project, (images, channels), batch_size)
        return found[0], found[1], found[2]

    def _peaks_batch(self, images):
        maps = self._extract(images, training=False)
        return tf.cast(tf.reduce_max(maps, axis=(1, 2)), tf.float32)

    def _project_batch(self, images, channels):
        maps = self._extract(images, training=False)
        columns = tf.shape(maps)[2]
        one_map = tf.gather(maps, channels, axis=3, batch_dims=1)
        flat = tf.reshape(one_map, (tf.shape(images)[0], -1))
        place = tf.argmax(flat, axis=1, output_type=tf.int32)
        strength = tf.gather(flat, place, batch_dims=1)
        signal = tf.one_hot(place, tf.shape(flat)[1], dtype=maps.dtype)
        signal = tf.reshape(signal * strength[:, tf.newaxis], tf.shape(one_map))
        channel = tf.one_hot(channels, self.channels, dtype=maps.dtype)
        signal = signal[..., tf.newaxis] * channel[:, tf.newaxis, tf.newaxis]
        (pixels,) = tf.gradients(maps, images, grad_ys=signal)
        places = tf.stack([place // columns, place % columns], axis=1)
        return pixels, places, tf.cast(strength, tf.float32)


def check_channels(channels, count, layer_name):
    """Refuses numbers of feature maps that there are not.

    Raises:
        ValueError: One is none.
    """
    channels = np.asarray(channels)
    if channels.size and not 0 <= channels.min() <= channels.max() < count:
        raise ValueError(
            f"Maps of {layer_name} must be from 0 to {count - 1}. "
            f"Received: {', '.join(map(str, np.unique(channels)))}"
        )
