"""Pre-training on Fall 2009, the chain's second link: layers-146-2009.cfg.

145 → 2009 → 2011 → 2012. Number 145 was paused at epoch 58, at a rate of 1e-4;
its five convolutions begin this one, with conv6 and fresh dense layers above,
on all of the 10,184 classes. Convolutions learn at 0.001; conv6 and the dense
layers at 0.01 until epoch 2.16, then at 0.001 as well. Stopped at 6.65. Biases
learn at 0.02; conv6's had 0.002 at the end, since when is not on record.

Paper:     pre-trained on the Fall 2011 release (Table 2, "1 CNN*"); this link
           is in the log alone.
Log:       no error noted (layer-params-146-2009.cfg).
Measured:  not yet run.
Reckoned:  258 GB of records; 4.1 h on one GPU, 2.3 h on two.
Run:       python -m tools.train --config=configs/original_2012.py \
               --config.data.directory=data/ilsvrc2012 \
               --config.training.total_epochs=58 --workdir=runs/original_58
           python -m tools.train --config=configs/pretrain_fall2009.py \
               --config.data.directory=data/fall2009 \
               --config.init_from=runs/original_58 \
               --workdir=runs/pretrain_fall2009
"""

from configs import original_2012


def get_config():
    """Returns the settings of layers-146-2009 and its notes."""
    config = original_2012.get_config()
    config.network = "CONV6"
    config.init_skip = "conv6,fc6,fc7,fc8"
    config.data.lighting_epochs = 0.0
    config.optimizer.learning_rate = 0.001
    config.optimizer.schedule = "constant"
    config.optimizer.phases = (
        "conv6/kernel=0.01@0,fc6/kernel=0.01@0,"
        "fc7/kernel=0.01@0,fc8/kernel=0.01@0,"
        "conv6/kernel=0.001@2.16,fc6/kernel=0.001@2.16,"
        "fc7/kernel=0.001@2.16,fc8/kernel=0.001@2.16"
    )
    config.training.total_epochs = 6.6491
    return config
