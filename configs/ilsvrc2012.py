"""The paper's single network on ILSVRC-2012.

Paper:     40.7% top-1 and 18.2% top-5 validation error (Table 2, "1 CNN").
Measured:  not yet run.
Run:       python -m tools.train --config=configs/ilsvrc2012.py \
               --config.data.directory=data/ilsvrc2012 --workdir=runs/alexnet
"""

from alexnet_tf.config import Config


def get_config():
    """Returns the paper's settings, which are all defaults."""
    return Config()
