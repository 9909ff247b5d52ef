"""LiteRT in eight bits, by Google's ai-edge-quantizer.

Weights have a scale for each kernel or neuron (per channel), activations one
for each map, from the smallest to the largest value that real images give.
"""

import contextlib
import io
import os
import warnings

from alexnet_tf.export.packages import require

# In eight bits a probability would be a multiple of 1/256, and most of a
# thousand classes would share one; the mean would round each pixel twice.
# What goes in are bytes already, what comes out is the softmax's.
_FLOAT = ("INPUT", "OUTPUT", "SOFTMAX", "SUB")


def quantize(float_file, images):
    """Returns the bytes of a LiteRT file with weights and maps of int8.

    The norms, for which LiteRT has no such kernel, stay in float32.

    Args:
        float_file: Path of a float32 file that takes "images".
        images: Real ones, uint8 `(n, rows, columns, 3)`.

    Raises:
        ValueError: The package is missing.
    """
    require("ai_edge_quantizer")
    from ai_edge_quantizer import quantizer

    recipe = _recipe()
    made = quantizer.Quantizer(str(float_file), recipe)
    ranges = _find_ranges(float_file, recipe, images)
    result = made.quantize(ranges, enable_progress_report=False)
    return bytes(result.quantized_model)


def _recipe():
    """Returns what is quantized, and what is not."""
    from ai_edge_quantizer import recipe

    return [
        *recipe.static_wi8_ai8(),
        *(
            {
                "regex": ".*",
                "operation": operation,
                "algorithm_key": "no_quantize",
                "op_config": {},
            }
            for operation in _FLOAT
        ),
    ]


def _find_ranges(float_file, recipe, images):
    """Returns the smallest and the largest value of every map.

    The quantizer's own way, a moving average of both, cuts off what half of
    the images have above it.
    """
    from ai_edge_quantizer import calibrator, recipe_manager
    from ai_edge_quantizer.utils import qsv_utils

    manager = recipe_manager.RecipeManager()
    manager.load_quantization_recipe(recipe)
    # It has a bar of its own, beneath ours, and a warning of what it takes.
    with (
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", UserWarning)
        made = calibrator.Calibrator(
            str(float_file),
            num_threads=os.cpu_count(),
            qsv_update_func=qsv_utils.min_max_update,
        )
        made.calibrate(
            {"serving_default": [{"images": image[None]} for image in images]},
            manager,
        )
    return made.get_model_qsvs()
