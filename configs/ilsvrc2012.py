"""The paper's single network on ILSVRC-2012.

All settings are the paper's text: pixels of 0 to 255 less the mean image,
crops of 224 and mirrors, lighting, dropout, momentum 0.9, decay 0.0005, the
rate from 0.01 down by ten whenever the validation error stops improving,
three times. It took the authors five to six days on two GTX 580.

Paper:     40.7% top-1 and 18.2% top-5 validation error, ten crops (Table 2, "1
           CNN").
Log:       40.66% and 18.21%, of their program (`original_2012`).
Measured:  not yet run.
Reckoned:  37 GB of records; 8.0 h on one GPU, 4.4 h on two.
Run:       python -m tools.train --config=configs/ilsvrc2012.py \
               --config.data.directory=data/ilsvrc2012 --workdir=runs/alexnet
"""

from alexnet_tf.config import Config


def get_config():
    """Returns the paper's settings, which are all defaults."""
    return Config()
