"""Every setting of an experiment, with the paper's values as defaults."""

import ast
import dataclasses
import math
import re
import types
import typing

from alexnet_tf import networks
from alexnet_tf.training import rates
from alexnet_tf.training import strategy as strategies
from input_pipeline.data_config import DataConfig

SCHEDULES = ("plateau", "boundaries", "geometric")
BIAS_SCHEDULES = ("same", "constant", "geometric")


@dataclasses.dataclass
class OptimizerConfig:
    """The update rule and learning rate of §5.

    Attributes:
        learning_rate: The rate at the start.
        momentum: Share of the velocity that stays.
        weight_decay: Share of the weights that goes, per step and rate.
        schedule: "plateau" divides the rate when the validation error stops
            improving, as the authors did by hand; "boundaries" after the
            epochs below; "geometric" goes from `learning_rate` to
            `learning_rate / factor` in `levels` equal intervals.
        boundaries_epochs: For "boundaries". The authors' own run fell after
            25, 51 and 79 epochs.
        divisor: For "plateau" and "boundaries".
        patience_epochs: For "plateau": epochs without a better error.
        factor: For "geometric".
        levels: For "geometric".
        bias_schedule: Rate of the biases. "same": the weights', as in the
            paper. "constant": `bias_learning_rate` throughout, as the
            authors' own run kept it. "geometric": from it down to a
            `bias_factor`-th in `bias_levels` intervals, as in recipe 170.
        bias_learning_rate: For the two. The authors' program: 0.02.
        bias_factor: For "geometric".
        bias_levels: For "geometric".
        bias_decay: Whether biases decay. Paper: yes. The program: no.
        phases: Rates of single layers from an epoch on, such as
            "conv1=1e-5@67,conv1=0@72", as in the authors' own run; a rate
            of 0 freezes the layer.
    """

    learning_rate: float = 0.01
    momentum: float = 0.9
    weight_decay: float = 0.0005
    schedule: str = "plateau"
    boundaries_epochs: tuple[float, ...] = (25.0, 51.0, 79.0)
    divisor: float = 10.0
    patience_epochs: float = 4.0
    factor: float = 250.0
    levels: int = 4
    bias_schedule: str = "same"
    bias_learning_rate: float = 0.02
    bias_factor: float = 10.0
    bias_levels: int = 2
    bias_decay: bool = True
    phases: str = ""


@dataclasses.dataclass
class TrainingConfig:
    """How long to train and how often to stop and look.

    Attributes:
        total_epochs: Passes over the training split. Paper: about 90.
        total_steps: Updates; wins over `total_epochs` where it is not 0.
        eval_every_epochs: Between two validation errors.
        checkpoint_every_steps: Between two checkpoints.
        keep_checkpoints: Newest checkpoints that stay, besides the best.
        log_every_steps: Between two lines of figures.
        images_every_steps: Between two sets of pictures in TensorBoard.
        seed: Fixes the weights, the order and every random choice.
    """

    total_epochs: float = 90.0
    total_steps: int = 0
    eval_every_epochs: float = 1.0
    checkpoint_every_steps: int = 5_000
    keep_checkpoints: int = 3
    log_every_steps: int = 100
    images_every_steps: int = 5_000
    seed: int = 0


@dataclasses.dataclass
class Config:
    """One experiment.

    Attributes:
        network: A name in `networks`.
        without: Layers to leave out of it, such as "norm1,norm2".
        changes: Fields of its layers to change, such as
            "conv1.filters=64,norm1.alpha=2e-5"; see `network_data`.
        strategy: "one_device" or "mirrored".
        devices: A device for each tower, such as "GPU:0,GPU:1", or nothing
            for no constraint.
        init_from: A workdir whose last weights to begin with, or nothing.
    """

    network: str = "PAPER"
    without: str = ""
    changes: str = ""
    data: DataConfig = dataclasses.field(default_factory=DataConfig)
    optimizer: OptimizerConfig = dataclasses.field(
        default_factory=OptimizerConfig
    )
    training: TrainingConfig = dataclasses.field(default_factory=TrainingConfig)
    strategy: str = "one_device"
    devices: str = ""
    init_from: str = ""

    def make_network(self):
        """Returns the network as data."""
        network = networks.named(self.network)
        network = network.without(*_words(self.without))
        # Commas within a pair, such as padding=(0,3), do not end a change.
        for change in re.split(r",(?![^(]*\))", self.changes):
            if change.strip():
                network = _change(network, change.strip())
        return network

    def tower_devices(self):
        """Returns a device for each tower, or `None` for no constraint."""
        return _words(self.devices) or None

    def validate(self):
        """Raises a `ValueError` for a setting that could not train."""
        network = self.make_network()
        self.data.validate()
        _validate_optimizer(self.optimizer)
        _validate_training(self.training)
        if self.strategy not in strategies.NAMES:
            raise ValueError(
                f"strategy must be one of {', '.join(strategies.NAMES)}. "
                f"Received: {self.strategy!r}"
            )
        _validate_network(network)
        layers = {layer.name for layer in network.layers}
        for layer, *_ in rates.parse_phases(self.optimizer.phases):
            if layer not in layers:
                raise ValueError(
                    "optimizer.phases must name layers of the network. "
                    f"Received: {layer}"
                )
        devices = self.tower_devices()
        for device in devices or ():
            if not re.fullmatch(r"(/device:)?(CPU|GPU|TPU):\d+", device):
                raise ValueError(
                    f"devices must be names such as GPU:0. Received: {device!r}"
                )
        if devices and self.strategy != "one_device":
            raise ValueError(
                "devices must be empty unless strategy is one_device: towers "
                "on devices of their own within a replica are not supported "
                f"yet. Received: strategy={self.strategy!r}"
            )
        if devices and len(devices) != network.towers:
            raise ValueError(
                "devices must name one device for each tower. Received: "
                f"devices={self.devices}, {network.towers} towers in "
                f"{self.network}"
            )


def _words(text):
    """Returns the words of a list with commas."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _change(network, change):
    """Returns a network with one field of one layer changed.

    Raises:
        ValueError: It is not written LAYER.FIELD=VALUE, or does not fit.
    """
    match = re.fullmatch(r"(\w+)\.(\w+)=(.+)", change)
    if not match:
        raise ValueError(
            "changes must be written LAYER.FIELD=VALUE, with commas between "
            f"them. Received: {change!r}"
        )
    name, field, text = match.groups()
    layers = {layer.name: layer for layer in network.layers}
    known = dataclasses.fields(layers[name]) if name in layers else ()
    if name in layers and field not in {f.name for f in known} - {"name"}:
        raise ValueError(
            f"A {type(layers[name]).__name__} has no field {field}. "
            f"Received: {change!r}"
        )
    try:
        value = ast.literal_eval(text)
    except (SyntaxError, ValueError):
        value = text
    if name in layers:
        mine = getattr(layers[name], field)
        is_number = isinstance(value, int | float)
        if isinstance(mine, int | float) and not (
            is_number or value in ("he", "fan_in") or isinstance(value, tuple)
        ):
            raise ValueError(
                f"{name}.{field} must be like {mine!r}. Received: {text}"
            )
    return network.replace(name, **{field: value})


def to_dict(config):
    """Returns a config as plain values, for JSON."""
    return dataclasses.asdict(config)


def from_dict(fields, kind=Config):
    """Returns the config that `to_dict` made into plain values.

    Raises:
        ValueError: A field is none of the config's.
    """
    hints = typing.get_type_hints(kind)
    unknown = sorted(set(fields) - set(hints))
    if unknown:
        raise ValueError(
            f"{kind.__name__} has no fields {', '.join(unknown)}. Was the "
            "file written by another version?"
        )
    return kind(
        **{name: _restore(hints[name], v) for name, v in fields.items()}
    )


def _restore(hint, value):
    """Returns a value in the type that its field has."""
    if dataclasses.is_dataclass(hint):
        return from_dict(value, hint)
    if isinstance(hint, types.GenericAlias) and hint.__origin__ is tuple:
        return tuple(value)
    return value


def _validate_network(network):
    """Refuses what is left of a network when its ends are taken away."""
    first, last = network.layers[0], network.layers[-1]
    if not isinstance(first, networks.Conv):
        raise ValueError(
            "The first layer must be a convolution, for Figure 3 and the "
            f"rest. Received: {first.name}. Leave out another one."
        )
    if not isinstance(last, networks.Dense) or last.units is not None:
        raise ValueError(
            "The last layer must be the one with an output a class. "
            f"Received: {last.name}. Leave out another one."
        )


def _validate_optimizer(config):
    """Refuses rates that could not train."""
    if config.schedule not in SCHEDULES:
        raise ValueError(
            f"optimizer.schedule must be one of {', '.join(SCHEDULES)}. "
            f"Received: {config.schedule!r}"
        )
    _require_positive("optimizer", config, "learning_rate", "divisor", "factor")
    _require_positive("optimizer", config, "patience_epochs")
    if not 0 <= config.momentum < 1:
        raise ValueError(
            "optimizer.momentum must be at least 0 and below 1. "
            f"Received: {config.momentum}"
        )
    if not 0 <= config.weight_decay < math.inf:
        raise ValueError(
            "optimizer.weight_decay must be 0 or more. "
            f"Received: {config.weight_decay}"
        )
    for name in ("levels", "bias_levels"):
        if getattr(config, name) < 2:
            raise ValueError(
                f"optimizer.{name} must be 2 or more. "
                f"Received: {getattr(config, name)}"
            )
    if config.bias_schedule not in BIAS_SCHEDULES:
        raise ValueError(
            "optimizer.bias_schedule must be one of "
            f"{', '.join(BIAS_SCHEDULES)}. Received: {config.bias_schedule!r}"
        )
    _require_positive("optimizer", config, "bias_learning_rate", "bias_factor")
    if list(config.boundaries_epochs) != sorted(config.boundaries_epochs):
        raise ValueError(
            "optimizer.boundaries_epochs must ascend. "
            f"Received: {config.boundaries_epochs}"
        )


def _validate_training(config):
    """Refuses intervals that have no meaning."""
    _require_positive(
        "training",
        config,
        "eval_every_epochs",
        "checkpoint_every_steps",
        "keep_checkpoints",
        "log_every_steps",
        "images_every_steps",
    )
    if config.total_steps < 0 or not 0 <= config.seed < 2**31:
        raise ValueError(
            "training.total_steps and training.seed must be 0 or more, and "
            "the seed less than 2 ** 31. "
            f"Received: {config.total_steps} and {config.seed}"
        )
    if not config.total_steps:
        _require_positive("training", config, "total_epochs")


def _require_positive(section, config, *names):
    """Raises a `ValueError` for a number that is not above 0, or endless."""
    for name in names:
        value = getattr(config, name)
        if not 0 < value < math.inf:
            raise ValueError(
                f"{section}.{name} must be above 0 and finite. "
                f"Received: {value}"
            )
