"""Competitors of `tools.benchmark --mode=explain`: the paper's network.

Each takes 100 crops in memory, in batches of 25; of occlusion an image is one
place of the square.
"""

import numpy as np

_IMAGES, _BATCH = 100, 25
# Ten by ten places on one image.
_WINDOW, _STRIDE = 44, 20


def field():
    """Returns the forward pass, and what looks inside on the same images."""
    names = {
        "forward pass of PAPER": "make_forward",
        "Grad-CAM at conv5": "make_gradcam",
        "Grad-CAM at conv1": "make_gradcam_below",
        "occlusion, an image a place": "make_occlusion",
        "guided backpropagation": "make_guided",
    }
    return [
        {
            "name": name,
            "function": f"{__package__}.explain:{function}",
            "arguments": [],
        }
        for name, function in names.items()
    ]


def make_forward():
    """Returns a turn of plain inference."""
    import tensorflow as tf

    from alexnet_tf.analysis.batches import map_batches

    model, images = _make_parts()
    answer = tf.function(lambda x: (model(x, training=False),))
    return _turn(lambda: map_batches(answer, (images,), _BATCH))


def make_gradcam(layer_name="conv5"):
    """Returns a turn of Grad-CAM of the best class."""
    from alexnet_tf.analysis import saliency
    from alexnet_tf.analysis.batches import map_batches

    model, images = _make_parts()
    compute = saliency.make_gradcam(model, layer_name)
    best = np.full(_IMAGES, -1, np.int32)
    return _turn(lambda: map_batches(compute, (images, best), _BATCH))


def make_gradcam_below():
    """Returns a turn of Grad-CAM whose gradient goes down to conv1."""
    return make_gradcam("conv1")


def make_guided():
    """Returns a turn of guided backpropagation."""
    from alexnet_tf.analysis import saliency
    from alexnet_tf.analysis.batches import map_batches

    model, images = _make_parts()
    compute = saliency.make_guided(model)
    best = np.full(_IMAGES, -1, np.int32)
    return _turn(lambda: map_batches(compute, (images, best), _BATCH))


def make_occlusion():
    """Returns a turn of one image with a square at a hundred places."""
    from alexnet_tf.analysis import occluder

    model, images = _make_parts()
    occlude = occluder.make_occlusion(model, window=_WINDOW, stride=_STRIDE)

    def work():
        assert occlude(images[:1], 0, batch_size=_BATCH).size == _IMAGES

    return _turn(work)


def _make_parts():
    """Returns the network with its first weights, and crops of noise."""
    from alexnet_tf import model, networks

    network = model.build(networks.PAPER, 1000)
    rng = np.random.default_rng(0)
    images = rng.normal(0, 60, (_IMAGES, 224, 224, 3)).astype(np.float32)
    return network, images


def _turn(work):
    """Returns a function that works, and says on how many images."""

    def turn():
        work()
        return _IMAGES

    return turn
