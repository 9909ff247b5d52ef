"""What a machine has and what a run asks of it, on machines of paper."""

import pytest
import tensorflow as tf

from alexnet_tf.config import Config
from alexnet_tf.experiment import start
from alexnet_tf.training import hardware

CARD = """Model: \t\t NVIDIA H100 80GB HBM3
IRQ:   \t\t 219
"""


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch):
    """A machine without a card; returns its folder."""
    monkeypatch.setattr(hardware, "_DRIVER", tmp_path / "driver")
    monkeypatch.setattr(hardware, "_DEVICES", tmp_path / "dev")
    monkeypatch.setattr(hardware, "_CPU", tmp_path / "cpuinfo")
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return tmp_path


def _add_card(machine):
    folder = machine / "driver" / "0000:3b:00.0"
    folder.mkdir(parents=True)
    (folder / "information").write_text(CARD)


def _set_flags(machine, flags):
    (machine / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: {flags}\n")


def test_a_card_that_tensorflow_does_not_see_is_named_with_the_remedy(machine):
    _add_card(machine)

    (words,) = hardware.missing_gpus()

    assert "NVIDIA H100 80GB HBM3" in words
    assert "pip install 'alexnet-tf[gpu]'" in words


def test_a_card_within_a_container_is_seen_by_its_node(machine):
    (machine / "dev").mkdir()
    for name in ("nvidia0", "nvidia1", "nvidiactl", "null"):
        (machine / "dev" / name).touch()

    names = [path.rpartition("/")[2] for path in hardware.nvidia_cards()]
    assert names == ["nvidia0", "nvidia1"]


def test_a_card_that_the_user_hides_is_not_missed(machine, monkeypatch):
    _add_card(machine)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")

    assert hardware.missing_gpus() == []
    (words,) = hardware.missing_gpus("strategy=mirrored")
    assert "CUDA_VISIBLE_DEVICES='-1' hides them" in words


def test_replicas_without_a_gpu_are_said_to_share_the_cpu():
    assert hardware.missing_gpus() == []
    (words,) = hardware.missing_gpus("strategy=mirrored")
    assert "there is none here" in words
    assert words.startswith("strategy=mirrored is meant for GPUs")
    assert "Leave the setting out" in words


def test_a_gpu_that_is_seen_is_not_missed(machine, monkeypatch):
    _add_card(machine)
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [kind])

    assert hardware.missing_gpus("strategy=mirrored") == []


@pytest.mark.parametrize(
    ("flags", "precision", "words"),
    [
        ("avx2 fma", "float32", "is made for float32"),
        ("avx512f avx512_bf16", "float32", "precision=mixed_bfloat16"),
        ("amx_tile amx_bf16", "float32", "precision=mixed_bfloat16"),
        ("avx2", "mixed_bfloat16", "slower than float32 here"),
        ("avx512_bf16", "mixed_float16", "slower than float32 here"),
        ("avx512_bf16", "mixed_bfloat16", ""),
        ("avx512_fp16", "mixed_float16", ""),
    ],
)
def test_a_run_says_what_the_cpu_is_made_for(
    machine, caplog, flags, precision, words
):
    _set_flags(machine, flags)
    caplog.set_level("INFO")

    hardware.log_precision(precision)

    assert words in caplog.text
    assert bool(words) == bool(caplog.text)


def test_a_cpu_that_tells_nothing_is_taken_for_a_plain_one():
    assert hardware.fast_precisions() == ["float32"]


@pytest.mark.parametrize("tf32", [True, False])
def test_tf32_is_what_the_config_says(tf32):
    try:
        hardware.prepare(tf32=tf32)
        enabled = tf.config.experimental.tensor_float_32_execution_enabled()
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(True)

    assert enabled == tf32


def test_determinism_is_turned_on_where_it_is_asked_for(monkeypatch, caplog):
    calls = []
    monkeypatch.setattr(
        tf.config.experimental, "enable_op_determinism", lambda: calls.append(1)
    )
    caplog.set_level("INFO")
    hardware.prepare()
    assert not calls

    hardware.prepare(deterministic=True)

    assert calls == [1]
    assert "slower" in caplog.text


@pytest.mark.parametrize(
    ("strategy", "devices", "expected"),
    [
        ("one_device", "", ""),
        ("mirrored", "", "strategy=mirrored"),
        ("multi_worker", "", "strategy=multi_worker"),
        ("one_device", "GPU:0,GPU:1", "devices=GPU:0,GPU:1"),
        ("mirrored", "CPU:0,CPU:1", ""),
    ],
)
def test_settings_that_ask_for_gpus(strategy, devices, expected):
    config = Config(strategy=strategy, devices=devices)

    assert start._asks_for_gpus(config) == expected
