"""Half precision: a setting that trains, and resumes exactly."""

import numpy as np
import pytest
from runs import PowerCut, make_config, open_new, small_network, train

import alexnet_tf
from alexnet_tf import weights

pytestmark = pytest.mark.slow

__all__ = ["small_network"]


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_follows_float32_and_resumes(
    tiny_data_dir, tmp_path, precision
):
    config = make_config(tiny_data_dir)
    config.training.total_steps = 3
    first = open_new(config, tmp_path / "full")
    start = weights.to_arrays(first.build())
    train(config, tmp_path / "full")
    config.precision = precision
    train(config, tmp_path / "half")
    with pytest.raises(PowerCut):
        train(config, tmp_path / "cut", 2)
    train(config, tmp_path / "cut")

    full, half, cut = (
        weights.to_arrays(alexnet_tf.load(tmp_path / name))
        for name in ("full", "half", "cut")
    )
    for name, array in half.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, cut[name], err_msg=name)
        if precision == "mixed_float16":
            continue  # its first steps overflow, and lower the scale
        # Nearer to float32 than float32 is to its first weights.
        moved = np.linalg.norm(full[name] - start[name])
        assert np.linalg.norm(array - full[name]) < 0.5 * moved, name


def test_the_scale_of_the_loss_finds_its_size(tiny_data_dir, tmp_path):
    import json

    config = make_config(tiny_data_dir)
    config.precision = "mixed_float16"
    train(config, tmp_path)

    state = json.loads(
        (tmp_path / "checkpoints" / "00000009" / "state.json").read_text()
    )
    # Keras begins at 2 ** 15 and halves at each overflow, which is no update.
    halved = 15 - np.log2(state["loss_scale"])
    assert halved == 9 - state["updates"]
