"""LiteRT with weights of eight bits, by Google's ai-edge-quantizer."""

from alexnet_tf.export.packages import require


def quantize(float_file):
    """Returns the bytes of a LiteRT file with weights of int8.

    Every kernel and every neuron has a scale of its own (per channel). What
    comes to a convolution or a dense layer is brought to eight bits as it
    runs, with a range of its own for each image, and the product is one of
    integers. All else stays in float32: in eight bits a probability would be
    a multiple of 1/256, and most of a thousand classes would share one.

    Ranges fixed beforehand by other images would lose more, and need them.

    Args:
        float_file: Path of a float32 file.

    Raises:
        ValueError: The package is missing.
    """
    require("ai_edge_quantizer")
    from ai_edge_quantizer import quantizer, recipe

    made = quantizer.Quantizer(str(float_file), recipe.dynamic_wi8_afp32())
    result = made.quantize(enable_progress_report=False)
    return bytes(result.quantized_model)
