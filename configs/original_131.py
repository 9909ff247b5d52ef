"""Number 131 of the authors' log: the first norm before its pool.

9 August 2012. `original_120` with response normalization moved onto conv1
itself. All later networks have it there, and so does the paper.

Paper:     has no such run; perhaps one of the "5 CNNs" of Table 2
           (`five_cnns`).
Log:       40.93% top-1 and 18.57% top-5 validation error, 1.7557 nats, ten
           crops (layer-params-131.cfg).
Measured:  not yet run.
Reckoned:  37 GB of records; 8.9 h on one GPU, 4.9 h on two.
Run:       python -m tools.train --config=configs/original_131.py \
               --config.data.directory=data/ilsvrc2012 \
               --workdir=runs/original_131
"""

from configs import original_2012


def get_config():
    """Returns the settings of layers-131 and its notes."""
    config = original_2012.get_config()
    config.network = "LAYERS_131"
    config.data.lighting_epochs = 66.0
    config.optimizer.boundaries_epochs = (22.0, 46.0, 81.0)
    config.optimizer.phases = (
        "conv1/kernel=1e-5@66,conv2/kernel=1e-5@66,conv1=0@75,conv2=0@75"
    )
    config.training.total_epochs = 100.0
    return config
