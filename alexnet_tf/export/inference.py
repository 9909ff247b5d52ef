"""The fastest answers of an exported model that Python gets on a CPU.

The SavedModel itself keeps to operations that every program knows, and its
weights are variables. Here it is turned into a function for one process.
"""

import tensorflow as tf
from tensorflow.python.framework import convert_to_constants

from alexnet_tf.export import versions
from alexnet_tf.layers import lrn


def load_fast(version_dir, signature="serving_default"):
    """Returns a signature of an exported model as a faster function.

    The answers are the same, to float32's rounding. Two things differ: the
    weights are constants, which oneDNN brings into its own order once and not
    at every call; and where there is no GPU, response normalization is
    compiled by XLA. `python -m tools.benchmark --mode=inference` measures
    what that is worth.

    It costs time at the start, and memory: the weights are copied several
    times before the first answer, which the paper's network gives after ten
    seconds or more, and XLA compiles again for every new number of images.
    For a few images, `tf.saved_model.load` is quicker. Each call of this
    function keeps weights of its own.

    Args:
        version_dir: What `export.export` returned.
        signature: "serving_default", "ten_crop", "tensor" or "features".

    Returns:
        A function of the signature's one tensor, image_bytes or images, to a
        dict of its outputs.

    Raises:
        FileNotFoundError: There is no SavedModel.
        ValueError: It has no such signature.
    """
    # Held until the end: the variables go when nobody knows the model.
    loaded = versions.load(version_dir)
    signatures = loaded.signatures
    if signature not in signatures:
        raise ValueError(
            f"signature must be one of {', '.join(sorted(signatures))}. "
            f"Received: {signature}"
        )
    # All in one graph: a function within it, such as the loop over the files,
    # would have two owners of one name, and be lost with the first.
    frozen = convert_to_constants.convert_variables_to_constants_v2(
        signatures[signature], lower_control_flow=True
    )
    # TensorFlow flattens a dict in the order of its keys.
    names = sorted(signatures[signature].structured_outputs)
    compute = _as_function(_with_compiled_norms(frozen.graph), frozen)

    def answer(inputs):
        outputs = compute(tf.convert_to_tensor(inputs))
        return dict(zip(names, outputs, strict=True))

    return answer


def _as_function(graph_def, frozen):
    """Returns a changed graph as a function of the same tensors."""

    def compute(inputs):
        return tf.graph_util.import_graph_def(
            graph_def,
            input_map={frozen.inputs[0].name: inputs},
            return_elements=[output.name for output in frozen.outputs],
            name="",
        )

    taken = frozen.inputs[0]
    function = tf.compat.v1.wrap_function(
        compute, [tf.TensorSpec(taken.shape, taken.dtype)]
    )
    # The weights stand in it too, and the function holds it.
    graph_def.Clear()
    return function


def _with_compiled_norms(graph):
    """Returns a graph's definition, its normalizations compiled by XLA."""
    graph_def = graph.as_graph_def()
    if not lrn.is_compiled("auto"):
        return graph_def
    calls = {}
    for node in graph_def.node:
        if node.op != "LRN":
            continue
        maps = graph.get_tensor_by_name(f"{node.name}:0").shape
        constants = (
            node.attr["depth_radius"].i,
            node.attr["bias"].f,
            node.attr["alpha"].f,
            node.attr["beta"].f,
        )
        key = (*maps, *constants)
        if key not in calls:
            calls[key], functions = _compiled_norm(maps, constants)
            graph_def.MergeFrom(functions)
        name, inputs = node.name, list(node.input)
        node.CopyFrom(calls[key])
        node.name = name
        node.input[:] = inputs
    return graph_def


def _compiled_norm(maps, constants):
    """Returns a node that calls a compiled norm, and a graph without nodes.

    The graph has the functions that the node needs.

    Args:
        maps: The shape of what is normalized.
        constants: The radius, bias, alpha and beta.
    """

    @tf.function
    def normalize(a):
        return lrn.compiled(a, *constants)

    made = normalize.get_concrete_function(tf.TensorSpec(maps, tf.float32))
    graph_def = made.graph.as_graph_def()
    call = tf.compat.v1.NodeDef()
    call.CopyFrom(
        next(n for n in graph_def.node if n.op.endswith("PartitionedCall"))
    )
    del graph_def.node[:]
    return call, graph_def
