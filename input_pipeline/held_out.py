"""Images of the training split that are held out, and may join later.

The authors trained on four of CIFAR-10's five batches, watched the fifth, and
trained on all five in the end. Which images are held out follows from a seed
of the data, not of the run: runs with other seeds hold out the same ones.
"""

import numpy as np

# The name under which they are evaluated.
SPLIT = "held_out"
# A stream of its own: the shuffle's keys end in the number of an epoch.
_STREAM = 2**63


def positions(num_records, fraction, seed):
    """Returns the records that are held out: int64, ascending.

    Args:
        num_records: Records of the training split.
        fraction: Share of them that is held out, at least 0 and below 1.
        seed: Integer.
    """
    count = round(num_records * fraction)
    key = np.array([seed % 2**64, _STREAM], np.uint64)
    stream = np.random.Philox(key=key)
    keys = stream.random_raw(num_records)
    return np.sort(np.argsort(keys, kind="stable")[:count])


def positions_of(num_records, config):
    """Returns the records that a `DataConfig` holds out."""
    return positions(
        num_records, config.held_out_fraction, config.held_out_seed
    )


class Epochs:
    """Epochs and steps of a run whose training images may become more.

    An epoch is a pass over the images that are trained on at that time.

    Args:
        num_records: Records of the training split.
        config: A `DataConfig`.
    """

    def __init__(self, num_records, config):
        self.batch_size = config.batch_size
        share = round(num_records * config.held_out_fraction)
        self.num_records = num_records
        self.first_records = num_records - share
        self.join_epochs = config.held_out_join_epochs if share else 0.0

    @property
    def join_step(self):
        """First step on all images; `None` where that never happens."""
        if not self.join_epochs:
            return None
        return round(self.join_epochs * self.first_records / self.batch_size)

    def steps(self, epochs):
        """Returns the steps of a number of epochs, a float."""
        if not self.join_epochs or epochs <= self.join_epochs:
            return epochs * self.first_records / self.batch_size
        later = (epochs - self.join_epochs) * self.num_records
        return self.join_step + later / self.batch_size

    def epochs(self, steps):
        """Returns how many epochs some steps are, a float."""
        if not self.join_epochs or steps < self.join_step:
            return steps * self.batch_size / self.first_records
        later = (steps - self.join_step) * self.batch_size
        return self.join_epochs + later / self.num_records
