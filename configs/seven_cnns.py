"""Seven networks, two of them pre-trained (Table 2, "7 CNNs*").

The five of `five_cnns` and two that were "pre-trained to classify the entire
ImageNet 2011 Fall release". Of the authors' log these were `finetune_fall2011`
and perhaps `finetune_fall2009`, the only other one: it saw Fall 2009, not 2011.
Here the seventh is `finetune_fall2011` from another seed, as the paper says;
it needs a `pretrain_fall2011` of its own seed to differ in more than its head.

Paper:     36.7% top-1 and 15.4% top-5 validation error; 15.3% top-5 test
           error, the winning entry.
Log:       has no such number, and no weights of the mean.
Measured:  not yet run.
Reckoned:  what its parts take, from `original_2012` and `pretrain_fall2009`
           on.
Run:       python -m tools.train --config=configs/seven_cnns.py \
               --config.data.directory=data/ilsvrc2012 \
               --config.init_from=runs/pretrain_fall2011 --workdir=runs/seventh
           python -m tools.evaluate --workdir=runs/finetune_fall2011 --crops=10
           python -m tools.evaluate --workdir=runs/seventh --crops=10
           python -m tools.ensemble --predictions=$(ls -m \
               runs/five_?/predictions/validation-*-10.npz \
               runs/finetune_fall2011/predictions/validation-*-10.npz \
               runs/seventh/predictions/validation-*-10.npz | tr -d '[:space:]')
"""

from configs import finetune_fall2011


def get_config():
    """Returns the settings of the seventh network."""
    config = finetune_fall2011.get_config()
    config.training.seed = 1
    return config
