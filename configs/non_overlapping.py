"""Pools of 2 x 2 that do not overlap (§3.4): number 147 of the authors' log.

conv2 and conv5 lose padding, so that fc6 reads 6 x 6 maps as before and the
parameters are as many. Rates fell after 23, 51 and 79 epochs; conv1 was frozen
at 79 and the colour noise never ended, as far as the notes tell.

Paper:     overlapping makes 0.4 points less top-1 and 0.3 less top-5 error.
Log:       41.06% and 18.51% validation error, ten crops: 0.39 and 0.30 points
           above `original_2012` (layer-params-147.cfg).
Measured:  not yet run. On Tiny ImageNet: see `reproduce`.
Reckoned:  37 GB of records; 8.0 h on one GPU, 4.4 h on two.
Run:       python -m tools.train --config=configs/non_overlapping.py \
               --config.data.directory=data/ilsvrc2012 \
               --workdir=runs/non_overlapping
"""

from configs import original_2012


def get_config():
    """Returns the settings of layers-147 and its notes."""
    config = original_2012.get_config()
    config.network = "ORIGINAL_NON_OVERLAPPING"
    config.data.lighting_epochs = 0.0
    config.optimizer.boundaries_epochs = (23.0, 51.0, 79.0)
    config.optimizer.phases = "conv1=0@79"
    config.training.total_epochs = 90.0
    return config
