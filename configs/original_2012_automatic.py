"""Number 170 of the authors' log: layers-145.cfg without a hand on the rate.

In the winter after the paper they let the program lower the rates: kernels in
four equal intervals from 0.01 to a 250th of it, biases in two from 0.02 to a
tenth. Only the colour noise was ended (68) and conv1 frozen (74) by hand. It
came out better than the run that was watched for a week.

How many epochs is not on record; 95 is inferred (a note of 169 says "80 epochs
instead of 95", and the first interval ended at about 24).

Paper:     has no such run.
Log:       42.34% top-1 and 19.58% top-5 validation error, centre crop; 40.53%
           and 18.05%, ten crops (layer-params-170.cfg).
Measured:  not yet run.
Reckoned:  37 GB of records; 8.5 h on one GPU, 4.7 h on two.
Run:       python -m tools.train --config=configs/original_2012_automatic.py \
               --config.data.directory=data/ilsvrc2012 \
               --workdir=runs/original_2012_automatic
"""

from configs import original_2012


def get_config():
    """Returns the settings of layer-params-170."""
    config = original_2012.get_config()
    config.data.lighting_epochs = 68.0
    config.optimizer.schedule = "geometric"
    config.optimizer.factor = 250.0
    config.optimizer.levels = 4
    config.optimizer.bias_schedule = "geometric"
    config.optimizer.bias_factor = 10.0
    config.optimizer.bias_levels = 2
    config.optimizer.phases = "conv1=0@74"
    config.training.total_epochs = 95.0
    return config
