"""TF Serving's JSON: requests in rows and columns, answers, states, errors.

https://www.tensorflow.org/tfx/serving/api_rest
"""

import binascii

import numpy as np
import orjson
from google.protobuf import json_format
from tensorflow_serving.apis import get_model_metadata_pb2

from alexnet_tf.serving.refusal import invalid, shorten

_STRUCTURE = b",[{"
_EXAMPLE = '{"b64": "..."}'


def parse_predict(body, limits, find_input):
    """Returns what a request asks.

    Args:
        body: Bytes.
        limits: A `Limits`.
        find_input: Called with a signature's name, returns that of its input.

    Returns:
        The signature's name, a dict of its input, as `Service.predict` takes
        it, and whether the request is in rows.

    Raises:
        Refusal: It is no such request; the message says what is wrong.
    """
    payload = _load(body, limits)
    signature = payload.get("signature_name") or "serving_default"
    if not isinstance(signature, str):
        raise invalid("signature_name must be a text.")
    wanted = find_input(signature)
    in_rows = "instances" in payload
    if in_rows == ("inputs" in payload):
        raise invalid(
            'A request must have either "instances" or "inputs". '
            f"Received: {shorten(', '.join(payload)) or 'neither'}"
        )
    if in_rows:
        values = payload["instances"]
        if not isinstance(values, list):
            raise invalid("instances must be a list, of one image or more.")
        values = [_only_of(value, wanted) for value in values]
    else:
        values = _only_of(payload["inputs"], wanted)
        if not isinstance(values, list):
            values = [values]
    if not values:
        raise invalid("A request must have one image or more.")
    if len(values) > limits.images:
        raise invalid(
            f"A request must have at most {limits.images} images. "
            f"Received: {len(values)}"
        )
    read = _read_pixels if wanted == "images" else _read_files
    return signature, {wanted: read(values)}, in_rows


def format_predict(outputs, in_rows):
    """Returns the body of an answer.

    Args:
        outputs: A dict of arrays of n rows.
        in_rows: Whether the request was.
    """
    plain = {name: _plain(array) for name, array in outputs.items()}
    # TF Serving leaves the name of a single output out.
    only = next(iter(plain)) if len(plain) == 1 else None
    if not in_rows:
        return dump({"outputs": plain[only] if only else plain})
    if only:
        return dump({"predictions": plain[only]})
    rows = zip(*plain.values(), strict=True)
    return dump(
        {"predictions": [dict(zip(plain, r, strict=True)) for r in rows]}
    )


def format_states(states):
    """Returns the body of a model's status; see `Versions.states`."""
    found = [
        {
            "version": str(number),
            "state": state,
            "status": {
                "error_code": "INTERNAL" if words else "OK",
                "error_message": words,
            },
        }
        for number, state, words in states
    ]
    return dump({"model_version_status": found})


def format_metadata(name, model):
    """Returns the body of a version's metadata, its signatures."""
    text = json_format.MessageToDict(
        signature_map(model), preserving_proto_field_name=True
    )
    spec = {"name": name, "signature_name": "", "version": str(model.number)}
    return dump({"model_spec": spec, "metadata": {"signature_def": text}})


def signature_map(model):
    """Returns a version's signatures as TF Serving's message of them."""
    found = get_model_metadata_pb2.SignatureDefMap()
    for name, call in model.signatures.items():
        definition = found.signature_def[name]
        definition.method_name = "tensorflow/serving/predict"
        for side, specs in (
            (definition.inputs, call.structured_input_signature[1]),
            (definition.outputs, call.structured_outputs),
        ):
            for key, spec in specs.items():
                side[key].name = key
                side[key].dtype = spec.dtype.as_datatype_enum
                side[key].tensor_shape.CopyFrom(spec.shape.as_proto())
    return found


def dump(value):
    """Returns a value as JSON, bytes."""
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


def _load(body, limits):
    """Returns the dict that a body holds."""
    # A list within a list takes thirty times its bytes once it is read.
    values = sum(body.count(byte) for byte in _STRUCTURE)
    if values > limits.values:
        raise invalid(
            f"A request must have at most {limits.values} values. "
            f"Received: {values}"
        )
    try:
        payload = orjson.loads(body)
    except ValueError as error:
        words = str(error).split(":")[0]
        raise invalid(f"A request must be JSON. Received: {words}") from None
    if not isinstance(payload, dict):
        raise invalid("A request must be a JSON object.")
    return payload


def _only_of(value, wanted):
    """Returns the value of an input, given with its name or without."""
    if not isinstance(value, dict) or "b64" in value:
        return value
    if [*value] != [wanted]:
        raise invalid(
            f"The signature has the one input {wanted}. "
            f"Received: {shorten(', '.join(value)) or 'none'}"
        )
    return value[wanted]


def _read_files(values):
    """Returns the bytes of files."""
    files = []
    for place, value in enumerate(values):
        try:
            text = value["b64"]
            files.append(binascii.a2b_base64(text.encode(), strict_mode=True))
        except (TypeError, KeyError, AttributeError, ValueError):
            raise invalid(
                f"Image {place} must be {_EXAMPLE} in base64."
            ) from None
    return files


def _read_pixels(values):
    """Returns images that are written as numbers."""
    try:
        numbers = np.asarray(values)
        whole = numbers.dtype.kind in "iu"
        if whole and numbers.min() >= 0 and numbers.max() <= 255:
            return numbers.astype(np.uint8)
    except ValueError:
        pass
    raise invalid(
        "images must be lists of rows, columns and three whole numbers from 0 "
        "to 255, all of one size."
    )


def _plain(array):
    """Returns an array's rows as JSON knows them, with text for bytes."""
    if array.dtype.kind in "OS":
        return [
            [text.decode() for text in row] if isinstance(row, list) else row
            for row in array.tolist()
        ]
    # orjson writes an array as lists, and a float32 as short as it may.
    return [*np.ascontiguousarray(array)]
