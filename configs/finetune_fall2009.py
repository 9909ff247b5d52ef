"""Fine-tuning from Fall 2009 to ILSVRC-2012: layers-146-2012-2009.cfg.

All but the classes' layer comes from `pretrain_fall2009`. The rate is 0.001,
1e-4 from epoch 22 and 1e-5 from 42; conv1 goes from 1e-4 to 1e-5 at 3 and is
frozen at 4; noise off at 38, ended at 52. Perhaps the second of the paper's
pre-trained networks, though it says that both saw Fall 2011.

Paper:     two such networks are in "7 CNNs*" (`seven_cnns`).
Log:       39.10% and 16.88% validation error, 1.6465 nats, ten crops
           (layer-params-146-2012-2009.cfg).
Measured:  not yet run.
Reckoned:  37 GB of records; 4.6 h on one GPU, 2.6 h on two.
Run:       python -m tools.train --config=configs/finetune_fall2009.py \
               --config.data.directory=data/ilsvrc2012 \
               --config.init_from=runs/pretrain_fall2009 \
               --workdir=runs/finetune_fall2009
"""

from configs import finetune_fall2011


def get_config():
    """Returns the settings of layers-146-2012-2009 and its notes."""
    config = finetune_fall2011.get_config()
    config.optimizer.phases = (
        "conv1/kernel=1e-4@0,conv1/kernel=1e-5@3,conv1=0@4"
    )
    config.training.total_epochs = 52.0
    return config
