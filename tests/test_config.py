"""Settings: their defaults, their files, and what they refuse."""

import dataclasses
import importlib.util
import inspect
import json
import pathlib

import pytest

import alexnet_tf
from alexnet_tf import config as config_lib
from alexnet_tf import networks
from alexnet_tf.config import Config
from alexnet_tf.layers import Dropout, LocalResponseNormalization
from alexnet_tf.training import PaperSGD

FILES = sorted(
    path
    for path in (pathlib.Path(__file__).parent.parent / "configs").rglob("*.py")
    if path.stem not in ("__init__", "reproduce")
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_config_file_loads_and_validates(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    module.get_config().validate()

    assert "Run:" in module.__doc__


def test_defaults_are_the_papers():
    config = Config()

    # §5, §4.1.
    assert config.data.batch_size == 128
    assert config.data.crop_size == 224
    assert config.data.lighting_stddev == 0.1
    assert config.optimizer.learning_rate == 0.01
    assert config.optimizer.momentum == 0.9
    assert config.optimizer.weight_decay == 0.0005
    assert config.training.total_epochs == 90


def test_numbers_that_stand_twice_agree():
    def defaults(kind):
        parameters = inspect.signature(kind).parameters.values()
        return {p.name: p.default for p in parameters}

    norm = defaults(LocalResponseNormalization)
    for field in dataclasses.fields(networks.Norm)[1:-1]:
        assert norm[field.name] == field.default
    rule = defaults(PaperSGD)
    for name in ("learning_rate", "momentum", "weight_decay"):
        assert rule[name] == getattr(Config().optimizer, name)
    drop7 = networks.PAPER.layers[-2]
    assert defaults(Dropout)["rate"] == drop7.rate
    assert defaults(Dropout)["scaling"] == drop7.scaling
    # `None` is PAPER: see test_keras_habits.
    assert defaults(alexnet_tf.AlexNet)["network"] is None
    assert networks.named(Config().network) is networks.PAPER


def test_plain_values_and_back():
    config = Config(without="norm1")
    config.data.batch_size = 7

    text = json.dumps(config_lib.to_dict(config))

    assert config_lib.from_dict(json.loads(text)) == config


def test_unknown_field_is_refused():
    fields = config_lib.to_dict(Config())
    fields["data"]["colour"] = 1

    with pytest.raises(ValueError, match="DataConfig has no fields colour"):
        config_lib.from_dict(fields)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("network", "RESNET", "network must be one of"),
        ("without", "conv9", "Layers must be among"),
        ("strategy", "pods", "strategy must be one of"),
        ("devices", "GPU:0", "devices must name one device for each"),
        ("data.batch_size", 0, "data.batch_size must be 1 or more"),
        ("data.crop_size", -1, "data.crop_size must be 1 or more"),
        ("data.lighting", "sun", "data.lighting must be one of"),
        ("data.lighting_stddev", -0.1, "data.lighting_stddev must be"),
        ("data.mean", "median", "data.mean must be one of"),
        ("data.on_error", "pray", "data.on_error must be one of"),
        ("data.same_crop_images", 0, "same_crop_images must be 1 or more"),
        ("data.lighting_epochs", -1.0, "lighting_epochs must be 0 or more"),
        ("data.service", "localhost:5", "data.service must be grpc://"),
        ("optimizer.schedule", "sine", "optimizer.schedule must be one of"),
        ("optimizer.learning_rate", 0.0, "learning_rate must be above 0"),
        ("optimizer.momentum", 1.0, "momentum must be at least 0 and below 1"),
        ("optimizer.weight_decay", -1.0, "weight_decay must be 0 or more"),
        ("optimizer.levels", 1, "levels must be 2 or more"),
        ("optimizer.warmup_epochs", -1.0, "warmup_epochs must be 0 or more"),
        ("optimizer.global_clipnorm", -1.0, "global_clipnorm must be 0 or"),
        ("optimizer.gradient_accumulation_steps", 0, "must be 1 to 64"),
        ("optimizer.boundaries_epochs", (2.0, 1.0), "must ascend"),
        ("training.total_epochs", 0.0, "total_epochs must be above 0"),
        ("training.total_steps", -1, "must be 0 or more"),
        ("training.seed", 2**31, "less than 2"),
        ("training.eval_every_epochs", float("inf"), "above 0 and finite"),
        ("optimizer.weight_decay", float("nan"), "must be 0 or more"),
        ("data.lighting_stddev", float("nan"), "must be 0 or more"),
        ("without", "conv1", "first layer must be a convolution"),
        ("without", "fc8", "last layer must be the one with"),
        ("devices", "foo,bar", "names such as GPU:0"),
        ("training.log_every_steps", 0, "log_every_steps must be above 0"),
        ("training.eval_split", "test", "eval_split must be one of"),
        ("training.eval_split", "held_out", "needs images that are held out"),
        ("optimizer.layer_decays", "fc9=0", "must name layers of the network"),
        ("optimizer.layer_decays", "fc8", "must be LAYER=NUMBER with commas"),
        ("optimizer.layer_rates", "fc8=-1", "must be LAYER=NUMBER with commas"),
    ],
)
def test_refuses_what_could_not_train(field, value, words):
    config = Config()
    *front, last = field.split(".")
    section = getattr(config, front[0]) if front else config
    setattr(section, last, value)

    with pytest.raises(ValueError, match=words):
        config.validate()
