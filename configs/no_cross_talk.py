"""Towers that never meet below the classes: number 150 of the authors' log.

"like #145 but with no column communication": conv3, fc6 and fc7 read their own
tower; conv2 and fc6 are wider, so that the parameters are about as many
(60,714,408). Not in the paper; it says what the exchange at conv3 is worth.

Paper:     has no such run.
Log:       41.83% top-1 and 19.33% top-5 validation error, ten crops: 1.16 and
           1.12 points above `original_2012` (layer-params-150.cfg).
Measured:  not yet run.
Reckoned:  37 GB of records; 8.2 h on one GPU, 4.5 h on two.
Run:       python -m tools.train --config=configs/no_cross_talk.py \
               --config.data.directory=data/ilsvrc2012 \
               --workdir=runs/no_cross_talk
"""

from configs import original_2012


def get_config():
    """Returns the settings of layers-150 and its notes."""
    config = original_2012.get_config()
    config.network = "NO_CROSS_TALK"
    config.data.lighting_epochs = 66.0
    config.optimizer.boundaries_epochs = (25.0, 49.0, 79.0)
    config.optimizer.phases = "conv1/kernel=1e-5@66,conv1=0@72"
    config.training.total_epochs = 92.0
    return config
