"""Fine-tuning from Fall 2011 to ILSVRC-2012: the paper's "1 CNN*".

145 → 2009 → 2011 → 2012, the last link: layers-146-2012-2011.cfg. All but
the classes' layer comes from `pretrain_fall2011`. The rate is 0.001, 1e-4 from
epoch 22 and 1e-5 from 42; conv1 goes from 1e-4 to 1e-5 at 5 and is frozen at
7. The new layer starts late: at 0.001 like all others, at 0.01 after 300
batches until epoch 9. Batches are taken for the files of 1024 images that the
program counts in: 0.24 epochs. Noise off at 38, ended at 54.

Paper:     39.0% top-1 and 16.6% top-5 validation error, ten crops (Table 2, "1
           CNN*").
Log:       38.99% and 16.62%, 1.6332 nats (layer-params-146-2012-2011.cfg).
Measured:  not yet run.
Reckoned:  37 GB of records; 4.8 h on one GPU, 2.7 h on two.
Run:       python -m tools.train --config=configs/finetune_fall2011.py \
               --config.data.directory=data/ilsvrc2012 \
               --config.init_from=runs/pretrain_fall2011 \
               --workdir=runs/finetune_fall2011
"""

from configs import original_2012


def get_config():
    """Returns the settings of layers-146-2012-2011 and its notes."""
    config = original_2012.get_config()
    config.network = "CONV6"
    config.init_skip = "fc8"
    config.data.lighting_epochs = 38.0
    config.optimizer.learning_rate = 0.001
    config.optimizer.boundaries_epochs = (22.0, 42.0)
    config.optimizer.phases = (
        "conv1/kernel=1e-4@0,conv1/kernel=1e-5@5,conv1=0@7,"
        "fc8/kernel=0.01@0.24,fc8/kernel=0.001@9,"
        "fc8/kernel=1e-4@22,fc8/kernel=1e-5@42"
    )
    config.training.total_epochs = 54.0
    return config
