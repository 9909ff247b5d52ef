"""Number 141 of the authors' log: a sixth convolution.

3 September 2012. `original_137` with conv6 on the last pool, both towers
together. It overfitted a thousand classes and was stopped at epoch 60, but its
weights began the training on Fall 2009.

Paper:     has no such run.
Log:       "overfitty", no number; fine-tuned back from Fall 2009: 39.56% top-1
           and 17.21% top-5 (layer-params-141-2009-2012.cfg).
Measured:  not yet run.
Reckoned:  37 GB of records; 5.3 h on one GPU, 3.0 h on two.
Run:       python -m tools.train --config=configs/original_141.py \
               --config.data.directory=data/ilsvrc2012 \
               --workdir=runs/original_141
"""

from configs import original_2012


def get_config():
    """Returns the settings of layers-141 and its notes."""
    config = original_2012.get_config()
    config.network = "LAYERS_141"
    config.data.lighting_epochs = 0.0
    config.optimizer.boundaries_epochs = (23.0, 48.0)
    config.optimizer.phases = ""
    config.training.total_epochs = 60.0
    return config
