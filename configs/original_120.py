"""Number 120 of the authors' log: low resolution as a second input.

July 2012, their first on JPEG files. 32 kernels a tower in conv1, whose norm
follows the pool; conv2 also reads the image blurred and thinned to 56 x 56;
the second norm within maps is by contrast; k is 1. conv2 is slowed and frozen
together with conv1.

Paper:     has no such run; perhaps one of the "5 CNNs" of Table 2
           (`five_cnns`).
Log:       41.04% top-1 and 18.71% top-5 validation error, 1.7652 nats, ten
           crops (layer-params-120-2012.cfg); 37.85% and 17.24% test error on
           ILSVRC-2010.
Measured:  not yet run.
Reckoned:  37 GB of records; 8.5 h on one GPU, 4.7 h on two.
Run:       python -m tools.train --config=configs/original_120.py \
               --config.data.directory=data/ilsvrc2012 \
               --workdir=runs/original_120
"""

from configs import original_2012


def get_config():
    """Returns the settings of layers-120 and its notes."""
    config = original_2012.get_config()
    config.network = "LAYERS_120"
    config.data.lighting_epochs = 66.0
    config.optimizer.boundaries_epochs = (22.0, 49.0, 81.0)
    config.optimizer.phases = (
        "conv1/kernel=1e-5@66,conv2/kernel=1e-5@66,conv1=0@73,conv2=0@73"
    )
    config.training.total_epochs = 95.0
    return config
