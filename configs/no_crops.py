"""Whole training images alone: neither moved nor mirrored crops (§4.1).

Every image is seen at its centre, and never mirrored. The paper gives no
number, but its reason: "substantial overfitting, which would have forced us to
use much smaller networks". What to watch is the distance between training and
validation error.

Paper:     without it the network overfits substantially.
Log:       has no such run.
Measured:  not yet run. On Tiny ImageNet: see `reproduce`.
Reckoned:  37 GB of records; 8.0 h on one GPU, 4.4 h on two.
Run:       python -m tools.train --config=configs/no_crops.py \
               --config.data.directory=data/ilsvrc2012 --workdir=runs/no_crops
"""

from configs import ilsvrc2012


def get_config():
    """Returns the paper's settings but for that."""
    config = ilsvrc2012.get_config()
    config.data.random_crops = False
    config.data.mirror = False
    return config
