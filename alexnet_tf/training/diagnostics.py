"""What goes wrong without an error, said plainly and once."""

import math

from absl import logging

_NO_LEARNING = (
    "The loss is still {loss:.3f} after {step} steps, that of guessing among "
    "{classes} classes. The four usual causes: a learning rate too high or "
    "too low (--config.optimizer.learning_rate); first weights too small for "
    "the size of the images (the network's stddev); labels that do not belong "
    "to their images (python -m tools.inspect_records); pixels that are "
    "divided by 255 or have no mean subtracted where the network expects 0 to "
    "255 less the mean."
)
_WAITING = (
    "{share:.0%} of the time goes in waiting for images. Keep them decoded "
    "with --config.data.cache=memory, put the records on a faster disk, or "
    "give the input a machine of its own (--config.data.service)."
)


class Diagnostics:
    """Checks the figures of training, and warns.

    Args:
        num_classes: Of the data set.
        patience_steps: After how many steps something must be learned.
    """

    def __init__(self, num_classes, patience_steps=1000):
        self.chance = math.log(num_classes)
        self.num_classes = num_classes
        self.patience_steps = patience_steps
        self._said = set()
        self._lines = 0

    def check(self, step, scalars):
        """Checks the figures of some steps.

        Args:
            step: Updates so far.
            scalars: With "loss" and "waiting_share".
        """
        self._lines += 1
        loss = scalars["loss"]
        if step >= self.patience_steps and loss > 0.98 * self.chance:
            self._say(
                _NO_LEARNING.format(
                    loss=loss, step=step, classes=self.num_classes
                )
            )
        # The first lines hold the building of graphs and filling of buffers.
        share = scalars.get("waiting_share", 0.0)
        if self._lines > 2 and share > 0.3:
            self._say(_WAITING.format(share=share))

    def _say(self, words):
        """Warns, unless it has been said before."""
        cause = words.split()[-1]
        if cause not in self._said:
            self._said.add(cause)
            logging.warning("%s", words)
