"""Pre-training on Fall 2011, the chain's third link: layers-146-2011.cfg.

145 → 2009 → 2011 → 2012. The six convolutions of `pretrain_fall2009` begin it;
all dense layers are fresh. 2048 linear units stand between fc7 and the 21,843
classes, without dropout, and are thrown away afterwards. Convolutions learn at
0.001, the dense layers at 0.01 until epoch 6 and at 0.001 until 8.11.

Paper:     pre-trained on the Fall 2011 release, 15 million images in 22,000
           categories (§6).
Log:       no error noted (layer-params-146-2011.cfg).
Measured:  not yet run.
Reckoned:  412 GB of records; 8.0 h on one GPU, 4.4 h on two.
Run:       python -m tools.train --config=configs/pretrain_fall2011.py \
               --config.data.directory=data/fall2011 \
               --config.init_from=runs/pretrain_fall2009 \
               --workdir=runs/pretrain_fall2011
"""

from configs import original_2012


def get_config():
    """Returns the settings of layers-146-2011 and its notes."""
    config = original_2012.get_config()
    config.network = "CONV6_FALL_2011"
    config.init_skip = "fc6,fc7,fc7_linear,fc8"
    config.data.lighting_epochs = 0.0
    config.optimizer.learning_rate = 0.001
    config.optimizer.schedule = "constant"
    config.optimizer.phases = (
        "fc6/kernel=0.01@0,fc7/kernel=0.01@0,"
        "fc7_linear/kernel=0.01@0,fc8/kernel=0.01@0,"
        "fc6/kernel=0.001@6,fc7/kernel=0.001@6,"
        "fc7_linear/kernel=0.001@6,fc8/kernel=0.001@6"
    )
    config.training.total_epochs = 8.11295
    return config
