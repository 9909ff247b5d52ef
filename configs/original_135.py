"""Number 135 of the authors' log: k = 2.

21 August 2012. `original_131` with the paper's constant in both norms across
maps, where it was 1.

Paper:     has no such run; perhaps one of the "5 CNNs" of Table 2
           (`five_cnns`).
Log:       41.07% top-1 and 18.42% top-5 validation error, 1.7577 nats, ten
           crops (layer-params-135.cfg).
Measured:  not yet run.
Reckoned:  37 GB of records; 8.5 h on one GPU, 4.7 h on two.
Run:       python -m tools.train --config=configs/original_135.py \
               --config.data.directory=data/ilsvrc2012 \
               --workdir=runs/original_135
"""

from configs import original_2012


def get_config():
    """Returns the settings of layers-135 and its notes."""
    config = original_2012.get_config()
    config.network = "LAYERS_135"
    config.data.lighting_epochs = 66.0
    config.optimizer.boundaries_epochs = (20.0, 47.0, 81.0)
    config.optimizer.phases = (
        "conv1/kernel=1e-5@66,conv2/kernel=1e-5@66,conv1=0@75,conv2=0@75"
    )
    config.training.total_epochs = 96.0
    return config
