"""Formats by name, and what each may be told."""

import pytest

from alexnet_tf.experiment import exports
from alexnet_tf.export import frozen


@pytest.mark.parametrize(
    ("format_", "choices", "words"),
    [
        ("litert", {"crops": 10}, "crops must go with format onnx. .*litert"),
        ("saved_model_frozen", {"features": "fc7"}, "features must go with"),
        (
            "saved_model",
            {"precision": "bfloat16"},
            "precision must go with format onnx or saved_model_frozen. "
            "Received: format saved_model",
        ),
    ],
)
def test_choices_of_other_formats_are_refused(format_, choices, words):
    with pytest.raises(ValueError, match=words):
        # Before the run is touched: there is none.
        exports.write(
            None, "last", format_, None, exports.Choices(**choices), 0, None
        )


def test_a_frozen_model_is_of_two_precisions():
    assert frozen.policy(None) == frozen.policy("float32") == "float32"
    assert frozen.policy("bfloat16") == "mixed_bfloat16"
    with pytest.raises(ValueError, match="one of float32, bfloat16.*float16"):
        frozen.policy("float16")
