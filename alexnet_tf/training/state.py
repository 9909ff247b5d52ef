"""A run between two steps: what it is, how it is saved, how it goes on."""

import pathlib
import shutil
import threading

from absl import logging

from alexnet_tf.training import checkpoint
from alexnet_tf.weights import assign
from input_pipeline import files


class TrainState:
    """A training run between two steps.

    Args:
        directory: Where checkpoints are kept.
        model: What `model.build` returned.
        optimizer: A `PaperSGD` built on the model's variables.
        schedule: A schedule of `training.schedule`.
        keep: Newest checkpoints that stay, besides the best.
        loss_scale: The `keras.optimizers.LossScaleOptimizer` around the
            optimizer, or `None`.
        writes: Whether this process writes at all; the first host does.

    Attributes:
        step: Updates so far.
        best: `{"step", "top1_error"}` of the best evaluation, or `None`.
        rate: The learning rate of the last update, or `None` before the first.
        evaluation_pending: Whether the present step's evaluation is still to
            do, because the run was interrupted in the midst of it.
    """

    def __init__(
        self,
        directory,
        model,
        optimizer,
        schedule,
        keep=3,
        loss_scale=None,
        writes=True,
    ):
        self.directory = pathlib.Path(directory)
        self.model = model
        self.optimizer = optimizer
        self.schedule = schedule
        self.keep = keep
        self.loss_scale = loss_scale
        self.writes = writes
        self.step = 0
        self.best = None
        self.rate = None
        self.evaluation_pending = False
        self._saving = None
        self._outcome = None

    def record_scores(self, scores):
        """Records validation scores at the present step.

        Args:
            scores: A dict with "top1_error".

        Returns:
            Whether they are the best so far.
        """
        self.schedule.update(scores["top1_error"])
        if self.best and scores["top1_error"] >= self.best["top1_error"]:
            return False
        self.best = {"step": self.step, "top1_error": scores["top1_error"]}
        return True

    def save(self, wait=True):
        """Writes a checkpoint of the present step, and removes old ones.

        Args:
            wait: Whether to wait until it is on the disk. Else a thread
                writes it while training goes on, and `poll_save` tells.
        """
        if not self.writes:
            return
        if self._saving:
            self._saving.join()
        snapshot = checkpoint.Snapshot(
            self.step,
            assign.to_arrays(self.model),
            assign.gather_towers(self.model, self.optimizer.velocity),
            {
                "step": self.step,
                "best": self.best,
                "rate": self.rate,
                "schedule": dict(self.schedule.state),
                "evaluation_due": self.evaluation_pending,
                **self._loss_scale_state(),
            },
        )
        if wait:
            self._write(snapshot)
            return
        self._outcome = None
        self._saving = threading.Thread(
            target=self._write_apart, args=(snapshot,), name="checkpoint"
        )
        self._saving.start()

    def poll_save(self, wait=False):
        """Returns the step of a checkpoint that a thread has finished, once.

        Args:
            wait: Whether to wait for it.

        Returns:
            A step, or `None` where nothing has been finished.

        Raises:
            OSError: It could not be written; those before it are untouched.
            ValueError: The weights are no numbers any more.
        """
        if not self._saving or (self._saving.is_alive() and not wait):
            return None
        self._saving.join()
        outcome, self._saving, self._outcome = self._outcome, None, None
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def _loss_scale_state(self):
        """Returns what the loss's scale has learned of overflows."""
        if self.loss_scale is None:
            return {}
        return {
            "loss_scale": float(self.loss_scale.dynamic_scale.numpy()),
            "good_steps": int(self.loss_scale.step_counter.numpy()),
            # Steps that overflowed are no updates.
            "updates": int(self.optimizer.iterations.numpy()),
        }

    def _write_apart(self, snapshot):
        """Writes, and keeps the error for `poll_save` to raise."""
        try:
            self._write(snapshot)
            self._outcome = snapshot.step
        except BaseException as error:
            self._outcome = error

    def _write(self, snapshot):
        """Writes a checkpoint, and removes old ones."""
        checkpoint.write(self.directory, snapshot)
        self._remove_old(snapshot.state["best"])

    def check_space(self):
        """Refuses to begin where not even one checkpoint has room.

        Raises:
            ValueError: The disk is too full.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        # A weight and its velocity, of four bytes each.
        needed = 8 * self.model.count_params()
        free = shutil.disk_usage(self.directory).free
        if free < needed:
            raise ValueError(
                f"{self.directory} must have room for a checkpoint of "
                f"{needed / 1e6:.0f} MB. Found: {free / 1e6:.0f} MB free. "
                "Free some space, or choose another --workdir."
            )

    def restore(self):
        """Goes on from the newest checkpoint that is whole.

        Damaged ones that are newer are put aside, as `.00000500.damaged`.

        Returns:
            Whether there was one.

        Raises:
            ValueError: There are checkpoints, but none is whole.
        """
        damaged = []
        for step in reversed(checkpoint.steps(self.directory)):
            folder = self.directory / f"{step:08d}"
            try:
                weights = checkpoint.load_arrays(folder / "weights.npz")
                velocities = checkpoint.load_arrays(folder / "velocities.npz")
                state = checkpoint.load_state(folder / "state.json")
            except checkpoint.DAMAGE as error:
                logging.warning(
                    "Checkpoint %s is damaged (%s); trying the one before.",
                    folder,
                    error,
                )
                damaged.append(folder)
                continue
            assign.from_arrays(self.model, weights)
            assign.scatter_towers(
                self.model, velocities, self.optimizer.velocity
            )
            self.step = state["step"]
            self.best = state["best"]
            self.rate = state["rate"]
            self.evaluation_pending = state.get("evaluation_due", False)
            self.schedule.state.update(state["schedule"])
            self.optimizer.iterations.assign(state.get("updates", self.step))
            if self.loss_scale is not None and "loss_scale" in state:
                self.loss_scale.dynamic_scale.assign(state["loss_scale"])
                self.loss_scale.step_counter.assign(state["good_steps"])
            for folder in damaged if self.writes else ():
                aside = folder.with_name(f".{folder.name}.damaged")
                files.move(folder, aside)
            return True
        if damaged:
            raise ValueError(
                f"{self.directory} must hold a checkpoint that can be read. "
                f"Found: {len(damaged)}, all damaged. Bring back a copy, or "
                "remove them to start again."
            )
        return False

    def _remove_old(self, best):
        """Removes all but the newest and the best."""
        best = best["step"] if best else None
        for step in checkpoint.steps(self.directory)[: -self.keep]:
            if step != best:
                shutil.rmtree(self.directory / f"{step:08d}")
