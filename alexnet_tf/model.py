"""A network description into a `keras.Model`, on one device or several."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from alexnet_tf import layers
from alexnet_tf.builder import Builder
from alexnet_tf.networks.network import Network
from alexnet_tf.weights import initial


def build(
    network: Network,
    num_classes: int,
    *,
    image_size: int | None = None,
    devices: Sequence[str] | None = None,
    seed: int = 0,
    native_ops_only: bool = False,
    initialize: bool = True,
    precision: str = "float32",
) -> keras.Model:
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

    Returns:
        A `keras.Model`: float32 images `(n, size, size, 3)`, RGB of 0 to 255
        less the mean image, to logits `(n, num_classes)`.

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
    builder = Builder(network, num_classes, devices, seed, native_ops_only)
    images = keras.Input((size, size, 3), name="images")
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        logits = builder.connect(images)
    finally:
        keras.config.set_dtype_policy(before)
    model = keras.Model(images, logits, name="alexnet")
    if initialize:
        initial.set_initial(model, network, seed)
    return model


def feature_extractor(
    model: keras.Model,
    layer_name: str = "fc7",
    before_activation: bool = False,
) -> keras.Model:
    """Returns a model from images to a layer's output, rectified or not.

    It shares the model's weights, and gradients pass through it. With towers
    on devices their outputs are concatenated.

    Args:
        model: What `build` returned.
        layer_name: A layer's name; "fc7" gives the features of Figure 4.
        before_activation: Whether to take the outputs before the layer's
            rectifier.

    Raises:
        ValueError: The model has no such layer; those that it has are named.
    """
    check_layer(layer_name, [layer.name for layer in model.layers[1:]])
    if before_activation:
        model, output = _before_activation(model, layer_name)
    else:
        output = model.get_layer(layer_name).output
    if isinstance(output, list):
        output = keras.layers.Concatenate()(output)
    return keras.Model(model.input, output, name=f"{model.name}_{layer_name}")


def check_layer(name: str, names: Sequence[str]) -> None:
    """Refuses a layer's name that is none of those that a model has.

    Raises:
        ValueError: It is none of them.
    """
    if name not in names:
        raise ValueError(
            f"The layer must be one of {', '.join(names)}. Received: {name}"
        )


def recall(
    model: keras.Model, call: Callable[..., Any]
) -> tuple[keras.Model, dict[str, Any]]:
    """Returns a model of the same layers and weights, called otherwise.

    Args:
        model: What `build` returned.
        call: Called as `call(layer, *inputs)` for each layer in their order;
            returns its outputs.

    Returns:
        The new model, and by layer name what `call` returned: a layer's own
        `output` is that of the first model.
    """
    outputs = {}

    def remember(layer, *inputs, **how):
        outputs[layer.name] = call(layer, *inputs)
        return outputs[layer.name]

    again = keras.models.clone_model(
        model, clone_function=lambda layer: layer, call_function=remember
    )
    return again, outputs


def has_activation(layer: keras.layers.Layer) -> bool:
    """Returns whether a layer can be called with `before_activation`."""
    return hasattr(layer, "activation") and hasattr(layer, "devices")


def _before_activation(model, layer_name):
    """Returns a model, and what a layer of it gives before its activation."""
    found = {}

    def call(layer, *inputs):
        if layer.name == layer_name:
            found["output"] = layer(*inputs, before_activation=True)
        return layer(*inputs)

    if not has_activation(model.get_layer(layer_name)):
        return model, model.get_layer(layer_name).output
    again, _ = recall(model, call)
    return again, found["output"]


def last_map(model):
    """Returns rows, columns and channels of what the first dense layer reads.

    Args:
        model: What `build` returned, on one device.
    """
    maps = [x.output.shape[1:] for x in model.layers]
    return tuple([shape for shape in maps if len(shape) == 3][-1])


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
