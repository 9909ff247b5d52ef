"""When the learning rate falls.

A schedule gives the rate of a step. What it has learned of the run so far,
if anything, is its `state`, plain numbers that go into the checkpoint.
"""

import math
from collections.abc import Sequence
from typing import Any


class Schedule:
    """The rate of every step, perhaps by the validation errors so far.

    Attributes:
        state: What it has learned of the run, plain values for a checkpoint.
        finished: Whether it asks the run to end.
    """

    state: dict[str, Any]

    def __init__(self):
        self.state = {}

    @property
    def finished(self) -> bool:
        """Whether it asks the run to end."""
        return False

    def rate(self, step):
        """Returns the rate for the update after `step` updates."""
        raise NotImplementedError

    def update(self, error):
        """Receives a validation error, a fraction."""

    def restart_patience(self):
        """Receives that the rate was changed manually."""


class Constant(Schedule):
    """Stays, as the biases' rate of the authors' own run did (layers-145).

    Args:
        learning_rate: The rate.
    """

    def __init__(self, learning_rate):
        super().__init__()
        self.learning_rate = learning_rate

    def rate(self, step):
        """Returns the rate."""
        return self.learning_rate


class Warmup(Schedule):
    """Lets another schedule's rate rise linearly at first.

    By Goyal et al. (2017), "gradual warmup". The schedule counts its steps
    from the start of the run, whatever the length of the rise.

    Args:
        schedule: The other `Schedule`.
        warmup_steps: Updates until its full rate.
    """

    def __init__(self, schedule: Schedule, warmup_steps: int):
        self.schedule = schedule
        self.warmup_steps = warmup_steps
        # One and the same: what one learns, the other knows.
        self.state = schedule.state

    @property
    def finished(self) -> bool:
        """Whether the other asks the run to end."""
        return self.schedule.finished

    def rate(self, step: Any) -> float:
        """Returns the rate for the update after `step` updates."""
        share = min((step + 1) / self.warmup_steps, 1.0)
        return share * self.schedule.rate(step)

    def update(self, error: float) -> None:
        """Receives a validation error, a fraction."""
        self.schedule.update(error)

    def restart_patience(self) -> None:
        """Receives that the rate was changed manually."""
        self.schedule.restart_patience()


class Boundaries(Schedule):
    """Divides the rate after given steps.

    Args:
        learning_rate: The rate at the start.
        boundaries_steps: Steps after which the rate falls, ascending.
        divisor: What it is divided by. Paper: 10.
    """

    def __init__(
        self,
        learning_rate: Any,
        boundaries_steps: Sequence[int],
        divisor: float = 10.0,
    ):
        super().__init__()
        self.learning_rate = learning_rate
        self.boundaries_steps = tuple(boundaries_steps)
        self.divisor = divisor

    def rate(self, step: Any) -> float:
        """Returns the rate for the update after `step` updates."""
        drops = sum(step >= boundary for boundary in self.boundaries_steps)
        return self.learning_rate / self.divisor**drops


class Plateau(Schedule):
    """Divides the rate when the validation error stops improving (§5).

    Args:
        learning_rate: The rate at the start.
        patience: Evaluations without a better error before the rate falls.
        divisor: What it is divided by. Paper: 10.
        drops: How often it may fall. Paper: 3. When the error stops improving
            after the last drop, the schedule is finished.
        least_gain: Share by which an error must be better to count. Noise of
            a validation set is no progress.
    """

    def __init__(
        self,
        learning_rate: Any,
        patience: int = 4,
        divisor: float = 10.0,
        drops: int = 3,
        least_gain: float = 0.001,
    ):
        self.learning_rate = learning_rate
        self.patience = patience
        self.divisor = divisor
        self.drops = drops
        self.least_gain = least_gain
        self.state = {"drops": 0, "best": None, "evaluations_since_best": 0}

    @property
    def finished(self):
        """Whether the error has stopped improving after the last drop."""
        return self.state["drops"] > self.drops

    def rate(self, step: Any) -> float:
        """Returns the rate; the steps do not matter to it."""
        return self.learning_rate / self.divisor ** min(
            self.state["drops"], self.drops
        )

    def restart_patience(self) -> None:
        """Waits as long as ever again, after a manual change of the rate."""
        self.state["evaluations_since_best"] = 0

    def update(self, error: float) -> None:
        """Receives a validation error, a fraction."""
        state = self.state
        best = state["best"]
        if best is None or error < best * (1 - self.least_gain):
            state.update(best=error, evaluations_since_best=0)
            return
        state["evaluations_since_best"] += 1
        if state["evaluations_since_best"] >= self.patience:
            state["drops"] += 1
            state["evaluations_since_best"] = 0


class Geometric(Schedule):
    """Goes down in equal intervals at equal ratios, "dexp" in the program.

    Args:
        learning_rate: The rate at the start.
        total_steps: Length of the run.
        factor: First rate over last rate. The authors' recipe 170: 250.
        levels: Intervals of constant rate. Recipe 170: 4.
    """

    def __init__(
        self,
        learning_rate: Any,
        total_steps: int,
        factor: float = 250.0,
        levels: int = 4,
    ):
        super().__init__()
        if levels < 2:
            raise ValueError(f"levels must be 2 or more. Received: {levels}")
        self.learning_rate = learning_rate
        self.total_steps = total_steps
        self.factor = factor
        self.levels = levels

    def rate(self, step: Any) -> float:
        """Returns the rate for the update after `step` updates."""
        level = min(step * self.levels // self.total_steps, self.levels - 1)
        return self.learning_rate / self.factor ** (level / (self.levels - 1))


class GeometricJumps(Geometric):
    """As `Geometric`, but jumps up again in the middle of its intervals.

    "jdexp" in the program: in the second half of an interval, but for the
    first one, the rate is the geometric mean of the interval's and the one
    before, while between a fifth and nine tenths of the run are done.
    """

    def rate(self, step):
        """Returns the rate for the update after `step` updates."""
        rate = super().rate(step)
        progress = step / self.total_steps
        level = min(step * self.levels // self.total_steps, self.levels - 1)
        is_late = progress * self.levels > level + 0.5
        if level and is_late and 0.2 < progress < 0.9:
            rate *= self.factor ** (0.5 / (self.levels - 1))
        return rate


class Exponential(Schedule):
    """Goes down at every step by the same ratio, "exp" in the program.

    Args:
        learning_rate: The rate at the start.
        total_steps: Length of the run.
        factor: First rate over the rate at the end.
    """

    def __init__(self, learning_rate, total_steps, factor):
        super().__init__()
        self.learning_rate = learning_rate
        self.total_steps = total_steps
        self.factor = factor

    def rate(self, step):
        """Returns the rate for the update after `step` updates."""
        progress = min(step / self.total_steps, 1.0)
        return self.learning_rate / self.factor**progress


class Linear(Exponential):
    """Goes down at every step by the same amount, "linear" in the program."""

    def rate(self, step):
        """Returns the rate for the update after `step` updates."""
        progress = min(step / self.total_steps, 1.0)
        last = self.learning_rate / self.factor
        return self.learning_rate * (1 - progress) + last * progress


class Cosine(Schedule):
    """Goes down to 0 along half a period of the cosine.

    By Loshchilov and Hutter (2017), without restarts.

    Args:
        learning_rate: The rate at the start.
        total_steps: Length of the run.
    """

    def __init__(self, learning_rate, total_steps):
        super().__init__()
        self.learning_rate = learning_rate
        self.total_steps = total_steps

    def rate(self, step):
        """Returns the rate for the update after `step` updates."""
        progress = min(step / self.total_steps, 1.0)
        return self.learning_rate * (1 + math.cos(math.pi * progress)) / 2
