"""Which record belongs to which step: the seeded shuffle of every epoch.

The order is a function of the seed and the step alone. Nothing is read, kept
or restored to begin in the middle: a run that goes on at step N requests the
records of step N.
"""

import math
import threading

import numpy as np

from input_pipeline import held_out


def make_order(num_records, config, seed):
    """Returns which records are read at which step.

    Args:
        num_records: Records of the training split.
        config: A `DataConfig`.
        seed: Integer of the run.
    """
    if not config.held_out_fraction:
        return ShuffledOrder(num_records, config.batch_size, seed)
    return JoiningOrder(
        num_records,
        config.batch_size,
        seed,
        held_out.positions_of(num_records, config),
        held_out.Epochs(num_records, config),
    )


class ShuffledOrder:
    """A permutation of all records for each epoch, one epoch after another.

    The permutation sorts random 64-bit numbers of a counter-based generator,
    both of which are defined for ever; a library's own `shuffle` may change
    with its version. For 1.28 million records it takes about a tenth of a
    second once an epoch, and 10 MB.

    Args:
        num_records: Records of the split.
        batch_size: Records per step. A batch may span two epochs, so that
            every record comes exactly once in each.
        seed: Integer.
        first_epoch: Number of the first epoch, for an order that follows on
            another one.
    """

    def __init__(self, num_records, batch_size, seed, first_epoch=0):
        if num_records < 1:
            raise ValueError(
                "The training split must have records. Received: 0"
            )
        self.num_records = num_records
        self.batch_size = batch_size
        self.seed = seed
        self.first_epoch = first_epoch
        self._epochs = {}
        self._lock = threading.Lock()

    def positions(self, step):
        """Returns the records of a step: int64 `(batch_size,)`."""
        numbers = step * self.batch_size + np.arange(self.batch_size)
        epochs, indices = np.divmod(numbers, self.num_records)
        positions = np.empty(self.batch_size, np.int64)
        for epoch in np.unique(epochs):
            here = epochs == epoch
            positions[here] = self._permutation(int(epoch))[indices[here]]
        return positions

    def _permutation(self, epoch):
        """Returns an epoch's order; keeps the few epochs in use."""
        with self._lock:
            order = self._epochs.pop(epoch, None)
            if order is None:
                # As a list, large numbers would become floating-point ones.
                key = (self.seed % 2**64, self.first_epoch + epoch)
                stream = np.random.Philox(key=np.array(key, np.uint64))
                keys = stream.random_raw(self.num_records)
                order = np.argsort(keys, kind="stable")
            # The last is the one requested last. Steps are requested nearly in
            # order, by several threads, and again by every new iterator.
            self._epochs[epoch] = order
            for old in list(self._epochs)[:-3]:
                del self._epochs[old]
            return order


class JoiningOrder:
    """Some records from the start, all of them from a step on.

    Args:
        num_records: Records of the split.
        batch_size: Records per step.
        seed: Integer.
        left_out: Positions of the records that are left out at first.
        epochs: A `held_out.Epochs`, which knows when they join.
    """

    def __init__(self, num_records, batch_size, seed, left_out, epochs):
        self._kept = np.setdiff1d(np.arange(num_records), left_out)
        self._join_step = epochs.join_step
        self._first = ShuffledOrder(len(self._kept), batch_size, seed)
        self._all = ShuffledOrder(
            num_records, batch_size, seed, math.ceil(epochs.join_epochs)
        )

    def positions(self, step):
        """Returns the records of a step: int64 `(batch_size,)`."""
        if self._join_step is None or step < self._join_step:
            return self._kept[self._first.positions(step)]
        return self._all.positions(step - self._join_step)
