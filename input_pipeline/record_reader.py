"""Records by position, whole or skipped: where damage is met."""

import threading

import numpy as np
from absl import logging

_NAMED = 20


class Skipped:
    """Counts the damaged records that were left out, and names the first.

    Attributes:
        count: Different records so far.
    """

    def __init__(self):
        self._faults = {}
        self._lock = threading.Lock()

    @property
    def count(self):
        """Records that were left out; each counts once."""
        return sum(self._faults.values())

    def add(self, key, fault, records=1):
        """Records a fault, which may have cost several records."""
        with self._lock:
            if key in self._faults:
                return
            self._faults[key] = records
            if len(self._faults) <= _NAMED:
                logging.warning("Skipped: %s", fault)
            if len(self._faults) == _NAMED:
                logging.warning("Further ones are only counted.")


class Reader:
    """Reads the records of a split, and knows what to do with a damaged one.

    Args:
        index: Has a length and `read(position)`, which raises a `ValueError`
            that names a damaged record.
        skipped: A `Skipped` to leave damaged records out, `None` to fail.
    """

    def __init__(self, index, skipped=None):
        self.index = index
        self.skipped = skipped

    def __len__(self):
        return len(self.index)

    def read(self, positions):
        """Returns the records that are whole, fewer where some are not.

        Returns:
            An array of bytes, as TensorFlow takes it for strings.
        """
        payloads = [self._read_one(int(p)) for p in positions]
        return _as_strings([p for p in payloads if p is not None])

    def read_with_replacement(self, positions):
        """Returns as many records as positions.

        The next whole record replaces a damaged one, so that a batch
        keeps its size and all others their positions.

        Raises:
            ValueError: No record is whole.
        """
        payloads = []
        for position in positions:
            for distance in range(len(self.index)):
                near = (int(position) + distance) % len(self.index)
                payload = self._read_one(near)
                if payload is not None:
                    break
            else:
                raise ValueError(
                    "Some records must be whole. Received: "
                    f"{len(self.index)}, all of them damaged"
                )
            payloads.append(payload)
        return _as_strings(payloads)

    def _read_one(self, position):
        """Returns a record, or `None` for one that is left out."""
        try:
            return self.index.read(position)
        except ValueError as error:
            if self.skipped is None:
                raise
            # Its words name the record: two splits have the same positions.
            self.skipped.add(str(error), error)
            return None


def _as_strings(payloads):
    """Returns bytes as an array that TensorFlow takes for strings."""
    strings = np.empty(len(payloads), dtype=object)
    strings[:] = payloads
    return strings
