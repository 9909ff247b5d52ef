"""Settings of the update rule and of the loop, and what they must hold."""

import dataclasses
import math

# By the length of the run alone; all but cosine are the authors' program's.
TIMED = (
    "constant",
    "linear",
    "exponential",
    "geometric",
    "geometric_jumps",
    "cosine",
)
SCHEDULES = ("plateau", "boundaries", *TIMED)
EVAL_SPLITS = ("validation", "held_out")
BIAS_SCHEDULES = ("same", *TIMED)
STRATEGIES = ("one_device", "mirrored", "multi_worker")
# Parts of a batch, each with dropout masks of its own.
MAX_PARTS = 64


@dataclasses.dataclass
class OptimizerConfig:
    """The update rule and learning rate of §5.

    Attributes:
        learning_rate: The rate at the start.
        momentum: Share of the velocity that stays.
        weight_decay: Share of the weights that goes, per step and rate.
        schedule: "plateau" divides the rate when the validation error stops
            improving, as the authors did manually; "boundaries" after the
            epochs below; "geometric" goes from `learning_rate` to
            `learning_rate / factor` in `levels` equal intervals, and
            "geometric_jumps" does with a jump up within each; "linear" and
            "exponential" go there step by step; "cosine" goes down to 0 along
            half a period (Loshchilov and Hutter, 2017); "constant" stays;
            "file" is what the parameters of `network_file` say, of every
            layer.
        boundaries_epochs: For "boundaries". The authors' own run fell after
            25, 51 and 79 epochs.
        divisor: For "plateau" and "boundaries".
        patience_epochs: For "plateau": epochs without a better error.
        factor: For those that go down: first rate over last.
        levels: For "geometric" and "geometric_jumps".
        bias_schedule: Rate of the biases. "same": the weights', as in the
            paper. "constant": `bias_learning_rate` throughout, as the
            authors' own run kept it. "geometric": from it down to a
            `bias_factor`-th in `bias_levels` intervals, as in recipe 170. The
            others as above.
        bias_learning_rate: For all but "same". The authors' program: 0.02.
        bias_factor: As `factor`.
        bias_levels: As `levels`.
        bias_decay: Whether biases decay. Paper: yes. The program: no.
        layer_rates: Factors on the rates of single layers, such as
            "fc8=10", kernel and bias alike; or "fc8/bias=10" of one.
        layer_decays: Decays of single layers, which win over `weight_decay`,
            such as "conv1=0,fc10=0.01". The authors' layer files have one for
            each.
        phases: Rates of single layers from an epoch on, such as
            "conv1=1e-5@67,conv1=0@72", as in the authors' own run; a rate
            of 0 freezes the layer. "conv1/kernel=1e-5@67" leaves the bias
            alone; a later phase of the whole layer ends it.
        warmup_epochs: The rates of the schedules rise linearly over so many
            epochs at the start (Goyal et al., 2017); 0 is off. Rates of
            phases do not.
        global_clipnorm: Most that the Euclidean norm of all gradients
            together may be, after they are summed over replicas; larger ones
            are scaled down. 0 is off.
        gradient_accumulation_steps: Parts that each batch is computed in,
            one after another, with one update by the sum of their gradients:
            the update of the whole batch with the memory of a part.
            `data.batch_size` stays the images of an update.
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
    layer_rates: str = ""
    layer_decays: str = ""
    phases: str = ""
    warmup_epochs: float = 0.0
    global_clipnorm: float = 0.0
    gradient_accumulation_steps: int = 1


@dataclasses.dataclass
class TrainingConfig:
    """How long to train, and how often to evaluate, report and save.

    Attributes:
        total_epochs: Passes over the training split. Paper: about 90.
        total_steps: Updates; wins over `total_epochs` where it is not 0.
        eval_every_epochs: Between two validation errors.
        eval_split: Whose errors they are: "validation", or "held_out", the
            images that `data.held_out_fraction` keeps back.
        checkpoint_every_steps: Between two checkpoints.
        keep_checkpoints: Newest checkpoints that stay, besides the best.
        log_every_steps: Between two lines of figures.
        images_every_steps: Between two sets of pictures in TensorBoard.
        profile_steps: First and last step that the profiler records, such
            as (100, 110); for TensorBoard's profile page.
        seed: Fixes the weights, the order and every random choice.
    """

    total_epochs: float = 90.0
    total_steps: int = 0
    eval_every_epochs: float = 1.0
    eval_split: str = "validation"
    checkpoint_every_steps: int = 5_000
    keep_checkpoints: int = 3
    log_every_steps: int = 100
    images_every_steps: int = 5_000
    profile_steps: tuple[int, ...] = ()
    seed: int = 0


def validate_optimizer(config):
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
    for name in ("warmup_epochs", "global_clipnorm"):
        if not 0 <= getattr(config, name) < math.inf:
            raise ValueError(
                f"optimizer.{name} must be 0 or more, and finite. "
                f"Received: {getattr(config, name)}"
            )
    if not 1 <= config.gradient_accumulation_steps <= MAX_PARTS:
        raise ValueError(
            "optimizer.gradient_accumulation_steps must be 1 to "
            f"{MAX_PARTS}. Received: {config.gradient_accumulation_steps}"
        )
    if config.bias_schedule not in BIAS_SCHEDULES:
        raise ValueError(
            "optimizer.bias_schedule must be one of "
            f"{', '.join(BIAS_SCHEDULES)}. Received: {config.bias_schedule!r}"
        )
    _require_positive("optimizer", config, "bias_learning_rate", "bias_factor")
    if not all(isinstance(e, int | float) for e in config.boundaries_epochs):
        raise ValueError(
            "optimizer.boundaries_epochs must be numbers, such as (25, 51). "
            f"Received: {config.boundaries_epochs}"
        )
    if list(config.boundaries_epochs) != sorted(config.boundaries_epochs):
        raise ValueError(
            "optimizer.boundaries_epochs must ascend. "
            f"Received: {config.boundaries_epochs}"
        )


def validate_training(config):
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
    steps = tuple(config.profile_steps)
    if steps and not (len(steps) == 2 and 0 <= steps[0] < steps[1]):
        raise ValueError(
            "training.profile_steps must be a first and a last step, such as "
            f"(100, 110). Received: {steps}"
        )
    if config.eval_split not in EVAL_SPLITS:
        raise ValueError(
            f"training.eval_split must be one of {', '.join(EVAL_SPLITS)}. "
            f"Received: {config.eval_split!r}"
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
