"""No response normalization (§3.3): number 148 of the authors' log.

layers-145.cfg without its two norms across maps and the one within them. The
paper says "response normalization", and its numbers are this run's, which
leaves out all three. By the text alone: --config=configs/ilsvrc2012.py
--config.network=NO_LRN.

Paper:     normalization makes 1.4 points less top-1 and 1.2 less top-5 error.
Log:       42.03% and 19.36% validation error, ten crops: 1.37 and 1.15 points
           above `original_2012` (layer-params-148.cfg).
Measured:  not yet run. On Tiny ImageNet and CIFAR-10: see `reproduce`.
Reckoned:  37 GB of records; 8.6 h on one GPU, 4.8 h on two.
Run:       python -m tools.train --config=configs/no_lrn.py \
               --config.data.directory=data/ilsvrc2012 --workdir=runs/no_lrn
"""

from configs import original_2012


def get_config():
    """Returns the settings of layers-148 and its notes."""
    config = original_2012.get_config()
    config.network = "ORIGINAL_NO_LRN"
    config.data.lighting_epochs = 69.0
    config.optimizer.boundaries_epochs = (22.0, 44.0, 86.0)
    config.optimizer.phases = "conv1/kernel=1e-5@69,conv1=0@73"
    config.training.total_epochs = 97.0
    return config
