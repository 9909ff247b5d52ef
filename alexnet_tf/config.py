"""Every setting of an experiment, with the paper's values as defaults."""

import dataclasses
import pathlib
import re
import types
import typing

from alexnet_tf import networks
from alexnet_tf.networks import changes, convnet_cfg
from alexnet_tf.training import learning_rates
from alexnet_tf.training.config import (
    STRATEGIES,
    OptimizerConfig,
    TrainingConfig,
    validate_optimizer,
    validate_training,
)
from input_pipeline.data_config import DataConfig

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


@dataclasses.dataclass
class Config:
    """One experiment.

    Attributes:
        network: A name in `networks`.
        network_file: A layers-*.cfg of the authors' program, which wins over
            `network`; see `networks.convnet_cfg`. With
            optimizer.schedule=file the rates of its parameter file win over
            `optimizer`; the authors' own files hold a run's last ones.
        params_file: Its layer-params-*.cfg; nothing for the one of the same
            name in the same folder.
        network_text: What the two files said, so that a workdir can do
            without them. Set by the program.
        without: Layers to leave out of it, such as "norm1,norm2".
        changes: Fields of its layers to change, such as
            "conv1.filters=64,norm1.alpha=2e-5"; see `networks`.
        strategy: "one_device"; "mirrored", a replica on every GPU of this
            machine; or "multi_worker", the same on every host of TF_CONFIG.
        devices: A device for each tower, such as "GPU:0,GPU:1", or nothing
            for no constraint. With strategy=mirrored as many towers for
            every replica: four devices are two replicas of two towers.
        precision: "float32"; "mixed_bfloat16"; or "mixed_float16", with a
            scale on the loss that follows its overflows.
        tf32: Whether GPUs may round the factors of float32 products to TF32,
            of 10 bits instead of 23, as TensorFlow does by itself. A CPU
            knows no TF32.
        deterministic: Whether a GPU may only do what gives the same bits
            every time, which is slower; see docs/gpu.md. On a CPU a run gives
            the same bits in any case.
        init_from: Weights to begin with, or nothing: a workdir, a preset or
            a published file. Layers of equal shape are copied; the head is
            new where the classes are others.
        init_checkpoint: Of a workdir: "last", "best" or a step.
        init_skip: Layers that keep first weights nevertheless, with commas:
            "fc8".
        init_mean: Whose mean image to subtract: "source", that of the
            weights; or "data", that of the images.
    """

    network: str = "PAPER"
    network_file: str = ""
    params_file: str = ""
    network_text: tuple[str, ...] = ()
    without: str = ""
    changes: str = ""
    data: DataConfig = dataclasses.field(default_factory=DataConfig)
    optimizer: OptimizerConfig = dataclasses.field(
        default_factory=OptimizerConfig
    )
    training: TrainingConfig = dataclasses.field(default_factory=TrainingConfig)
    strategy: str = "one_device"
    devices: str = ""
    precision: str = "float32"
    tf32: bool = True
    deterministic: bool = False
    init_from: str = ""
    init_checkpoint: str = "last"
    init_skip: str = ""
    init_mean: str = "source"

    def make_network(self):
        """Returns the network as data."""
        definition = self.definition()
        network = (
            definition.network if definition else networks.named(self.network)
        )
        network = network.without(*_words(self.without))
        return changes.apply(network, self.changes)

    @property
    def network_name(self):
        """The network's name, or its file's."""
        return pathlib.Path(self.network_file).stem or self.network

    def settled(self):
        """Returns the config with what its network's files say.

        Raises:
            FileNotFoundError: A file is not there.
            ValueError: A file says what cannot be carried.
        """
        if not self.network_file:
            if self.optimizer.schedule == "file":
                raise ValueError(
                    "optimizer.schedule=file needs a file with rates. "
                    "Received: network_file=''"
                )
            return self
        text = convnet_cfg.read_files(self.network_file, self.params_file)
        kept = dataclasses.replace(self, network_text=text)
        if self.optimizer.schedule == "file":
            kept.optimizer = dataclasses.replace(
                self.optimizer,
                **convnet_cfg.optimizer_settings(kept.definition().rates()),
            )
        return kept

    def definition(self):
        """Returns what the network's files say, or `None` without them.

        Returns:
            A `convnet_cfg.Definition`.
        """
        text = self.network_text
        if not text and self.network_file:
            text = convnet_cfg.read_files(self.network_file, self.params_file)
        if not text:
            return None
        paths = (self.network_file, self.params_file or "its parameter file")
        return convnet_cfg.read_texts(*text, self.data.crop_size, paths)

    def tower_devices(self):
        """Returns a device for each tower, or `None` for no constraint."""
        return _words(self.devices) or None

    def skipped_layers(self):
        """Returns the layers that begin with first weights in any case."""
        return _words(self.init_skip)

    def validate(self):
        """Raises a `ValueError` for a setting that could not train."""
        if self.optimizer.schedule == "file":
            self.settled().validate()
            return
        network = self.make_network()
        self.data.validate()
        validate_optimizer(self.optimizer)
        validate_training(self.training)
        if self.strategy not in STRATEGIES:
            raise ValueError(
                f"strategy must be one of {', '.join(STRATEGIES)}. "
                f"Received: {self.strategy!r}"
            )
        _validate_network(network)
        _validate_layers(self, network)
        if self.init_mean not in ("source", "data"):
            raise ValueError(
                "init_mean must be source or data. "
                f"Received: {self.init_mean!r}"
            )
        if self.training.eval_split == "held_out" and not (
            self.data.held_out_fraction
        ):
            raise ValueError(
                "training.eval_split=held_out needs images that are held out. "
                "Received: data.held_out_fraction=0. Try 0.1."
            )
        devices = self.tower_devices()
        for device in devices or ():
            if not re.fullmatch(r"(/device:)?(CPU|GPU|TPU):\d+", device):
                raise ValueError(
                    f"devices must be names such as GPU:0. Received: {device!r}"
                )
        if self.precision not in PRECISIONS:
            raise ValueError(
                f"precision must be one of {', '.join(PRECISIONS)}. "
                f"Received: {self.precision!r}"
            )
        if devices and self.strategy == "multi_worker":
            raise ValueError(
                "devices must be empty with strategy=multi_worker: its "
                "replicas have one device each. Received: "
                f"devices={self.devices}"
            )
        remainder = len(devices or ()) % network.towers
        too_many = len(devices or ()) > network.towers
        if remainder or (too_many and self.strategy == "one_device"):
            raise ValueError(
                "devices must name one device for each tower, of every "
                f"replica with strategy=mirrored. Received: {self.devices}, "
                f"{network.towers} towers in {self.network_name}"
            )


def _validate_layers(config, network):
    """Refuses settings of layers that the network does not have."""
    optimizer = config.optimizer
    layers = {layer.name for layer in network.layers}
    for name in config.skipped_layers():
        if name not in layers:
            raise ValueError(
                f"init_skip must name layers of the network. Received: {name}"
            )
    named = {
        "phases": [
            layer for layer, *_ in learning_rates.parse_phases(optimizer.phases)
        ],
        **{
            field: learning_rates.parse_layers(
                f"optimizer.{field}", getattr(optimizer, field)
            )
            for field in ("layer_rates", "layer_decays")
        },
    }
    for field, names in named.items():
        for name in names:
            # Rates know kernel and bias apart, such as "conv1/bias".
            layer = name if field == "layer_decays" else name.split("/")[0]
            if layer not in layers:
                raise ValueError(
                    f"optimizer.{field} must name layers of the network. "
                    f"Received: {name}"
                )


def _words(text):
    """Returns the words of a list with commas."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def to_dict(config):
    """Returns a config as plain values, for JSON."""
    return dataclasses.asdict(config)


def to_flat_dict(config):
    """Returns the fields as one dict of plain values, for TensorBoard."""
    flat = {}
    for name, value in to_dict(config).items():
        inner = value.items() if isinstance(value, dict) else [(None, value)]
        for key, v in inner:
            label = f"{name}.{key}" if key else name
            plain = isinstance(v, (bool, int, float, str))
            # A network's file is a text of some pages.
            flat[label] = v if plain else str(v)[:200]
    return flat


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
