"""Without dropout in fc6 and fc7 (§4.2).

The paper gives no number: without it "substantial overfitting", with it about
twice the epochs until training converges. All else is `ilsvrc2012`.

Paper:     without it the network overfits substantially.
Log:       has no such run.
Measured:  not yet run. On Tiny ImageNet: see `reproduce`.
Reckoned:  37 GB of records; 8.0 h on one GPU, 4.4 h on two.
Run:       python -m tools.train --config=configs/no_dropout.py \
               --config.data.directory=data/ilsvrc2012 --workdir=runs/no_dropout
"""

from configs import ilsvrc2012


def get_config():
    """Returns the paper's settings but for that."""
    config = ilsvrc2012.get_config()
    config.network = "NO_DROPOUT"
    return config
