"""The loop: what happens in which order, by fakes that write it down."""

import dataclasses
import types

import pytest

from alexnet_tf.experiment.steps import Intervals
from alexnet_tf.training import loop, schedule
from alexnet_tf.training.metrics import Window

INTERVALS = Intervals(
    total_steps=5,
    eval_every_steps=2,
    checkpoint_every_steps=3,
    log_every_steps=100,
    images_every_steps=100,
)


class _Diary:
    """Stands for every part of the loop, and keeps what it was told."""

    def __init__(self, state, stop_at=None):
        self.state = state
        self.stop_at = stop_at
        self.lines = []

    def __getattr__(self, name):
        def write(*arguments, **facts):
            self.lines.append(f"{name} {self.state.step}")

        return write

    def handle(self):
        return self.state.step == self.stop_at

    def update(self, batch):
        self.lines.append(f"update {self.state.step}")
        self.state.step += 1


class _State(types.SimpleNamespace):
    """A run's state without a network."""

    def __init__(self, **fields):
        super().__init__(
            step=0,
            rate=None,
            evaluation_pending=False,
            schedule=schedule.Constant(0.01),
            saved=[],
            best=None,
            **fields,
        )

    def record_scores(self, scores):
        is_best = self.best is None or scores["top1_error"] < self.best
        self.best = scores["top1_error"] if is_best else self.best
        return is_best

    def save(self, wait=True):
        self.saved.append((self.step, "waits" if wait else "goes on"))

    def poll_save(self, wait=False):
        return None


def _run(state, diary):
    loop.run(state, INTERVALS, diary, diary, diary, diary, diary)


def test_every_step_has_its_order():
    state = _State()
    diary = _Diary(state)
    _run(state, diary)

    first = ["next_batch 0", "begin_step 0", "update 0", "report 1"]
    first += ["evaluate_if_due 1", "save_if_due 1", "next_batch 1"]
    assert diary.lines[:7] == first
    assert diary.lines[-1] == "finish 5"
    assert sum(line.startswith("update") for line in diary.lines) == 5


def test_a_request_to_stop_ends_before_the_next_batch():
    state = _State()
    diary = _Diary(state, stop_at=2)
    _run(state, diary)

    assert diary.lines[-1] == "save_if_due 2"


def test_a_pending_evaluation_comes_first():
    state = _State()
    state.evaluation_pending = True
    diary = _Diary(state)
    _run(state, diary)

    assert diary.lines[:2] == ["evaluate_if_due 0", "save_if_due 0"]


def _parts(state, scores):
    diary = _Diary(state)
    watched = {"window": Window(1), "writer": diary}
    saver = loop.Saver(state, INTERVALS, **watched)
    compute = iter(scores)
    evaluator = loop.Evaluator(
        state, INTERVALS, lambda: next(compute), saver=saver, **watched
    )
    return evaluator, saver


def test_evaluates_at_intervals_and_at_the_end_and_saves_the_best():
    state = _State()
    scores = [{"top1_error": error} for error in (0.5, 0.6, 0.4)]
    evaluator, saver = _parts(state, scores)

    for step in range(1, 6):
        state.step = step
        evaluator.evaluate_if_due()
        saver.save_if_due()

    # 2: the best so far. 3: every three. 5: the end, and the best.
    assert [step for step, _ in state.saved] == [2, 3, 5]
    assert evaluator.scores == {"top1_error": 0.4}


def test_an_evaluation_that_is_interrupted_stays_pending():
    state = _State()
    state.step = 2
    evaluator, _ = _parts(state, [])

    def interrupted():
        raise KeyboardInterrupt

    evaluator.compute_scores = interrupted
    with pytest.raises(KeyboardInterrupt):
        evaluator.evaluate_if_due()

    assert state.evaluation_pending
    assert state.saved == [(2, "waits")]


def test_a_checkpoint_that_fails_is_an_error_at_the_end_alone():
    state = _State()
    _, saver = _parts(state, [])

    def fail(wait=False):
        raise OSError(28, "No space left on device")

    state.poll_save = fail
    state.step = 3
    saver.save_if_due()
    assert state.saved == [(3, "goes on")]

    state.step = 5
    with pytest.raises(OSError, match="No space"):
        saver.finish()


def test_rates_are_set_where_they_change(monkeypatch):
    state = _State(model=None, optimizer=types.SimpleNamespace())
    diary = _Diary(state)
    state.optimizer.set_rates = lambda base, rates: diary.set_rates(base)
    monkeypatch.setattr(
        loop.learning_rates, "per_variable", lambda model, groups, factors: []
    )
    rates = loop.learning_rates.Rates(schedule.Boundaries(0.1, (2,)))
    updater = loop.Updater(
        state,
        lambda batch, measured: {"loss": float(measured)},
        [None] * 4,
        rates,
        window=Window(1),
        writer=diary,
        intervals=dataclasses.replace(INTERVALS, log_every_steps=2),
    )

    for _ in range(4):
        updater.update(updater.next_batch())

    assert diary.lines == ["set_rates 0", "set_rates 2", "event 2"]
    assert state.rate == pytest.approx(0.01)
    # Every second step measures.
    assert updater.window.close()["loss"] == 0.5


def test_what_is_reported_is_measured_and_what_happens_is_told(monkeypatch):
    state = _State(model=None, optimizer=_Diary(None))
    state.optimizer.state = state
    told, measured = [], []
    writer = types.SimpleNamespace(
        event=lambda step, what, **facts: told.append((step, what, facts))
    )
    monkeypatch.setattr(
        loop.learning_rates, "per_variable", lambda model, groups, factors: []
    )
    updater = loop.Updater(
        state,
        lambda batch, measure: measured.append(measure) or {"loss": 0.0},
        [None] * 6,
        loop.learning_rates.Rates(schedule.Boundaries(0.1, (4,))),
        window=Window(1),
        writer=writer,
        intervals=dataclasses.replace(
            INTERVALS, log_every_steps=3, join_step=2
        ),
    )

    for _ in range(6):
        updater.update(updater.next_batch())

    # Figures are reported after 3 and 6 updates.
    assert measured == [False, False, True, False, False, True]
    (_, first, joined), (_, second, changed) = told
    # The third update is the first with the held-out images.
    assert (told[0][0], first, joined) == (
        3,
        "held-out images join",
        {"first_step": 2},
    )
    assert (told[1][0], second) == (4, "rate")
    assert changed["before"] == pytest.approx(0.1)
    assert changed["after"] == pytest.approx(0.01)


def test_who_leaves_has_saved_and_says_so():
    state = _State()
    evaluator, saver = _parts(state, [])
    told = []
    saver.writer = types.SimpleNamespace(
        event=lambda step, what, **facts: told.append((step, what))
    )
    state.step = 2

    with pytest.raises(KeyboardInterrupt):
        saver.save_and_leave("interrupted")

    assert state.saved == [(2, "waits")]
    assert told == [(2, "interrupted")]
