"""Number 137 of the authors' log: no contrast normalization any more.

25 August 2012. `original_135` with plain response normalization within maps in
the place of contrast normalization. Without the second input, and with half as
many kernels again in conv1, it is the paper's network, three weeks later.
conv1 and conv2 were frozen at once, at 75.

Paper:     has no such run; perhaps one of the "5 CNNs" of Table 2
           (`five_cnns`).
Log:       40.78% top-1 and 18.34% top-5 validation error, 1.7511 nats, ten
           crops; 37.62% and 17.12% test error on ILSVRC-2010
           (layer-params-137.cfg).
Measured:  not yet run.
Reckoned:  37 GB of records; 8.8 h on one GPU, 4.9 h on two.
Run:       python -m tools.train --config=configs/original_137.py \
               --config.data.directory=data/ilsvrc2012 \
               --workdir=runs/original_137
"""

from configs import original_2012


def get_config():
    """Returns the settings of layers-137 and its notes."""
    config = original_2012.get_config()
    config.network = "LAYERS_137"
    config.data.lighting_epochs = 75.0
    config.optimizer.boundaries_epochs = (26.0, 50.0, 84.0)
    config.optimizer.phases = "conv1=0@75,conv2=0@75"
    config.training.total_epochs = 99.0
    return config
