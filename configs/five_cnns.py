"""The mean of five similar networks on ILSVRC-2012 (Table 2, "5 CNNs").

The paper averages "the predictions of five similar CNNs" and does not say
which. Here they are `ilsvrc2012` from five seeds. The authors' own were
perhaps the five of their log that were trained on ILSVRC-2012 before the
paper: `original_120`, `original_131`, `original_135`, `original_137` and
`original_2012`.

Paper:     38.1% top-1 and 16.4% top-5 validation error; 16.4% top-5 test
           error.
Log:       has no such number, and no weights of the mean.
Measured:  not yet run.
Reckoned:  37 GB of records; 40.0 h on one GPU, 22.2 h on two.
Run:       for seed in 0 1 2 3 4; do
             python -m tools.train --config=configs/five_cnns.py \
                 --config.data.directory=data/ilsvrc2012 \
                 --config.training.seed=$seed --workdir=runs/five_$seed
             python -m tools.evaluate --workdir=runs/five_$seed --crops=10
           done
           python -m tools.ensemble --predictions=$(ls -m \
               runs/five_?/predictions/validation-*-10.npz | tr -d '[:space:]')
"""

from configs import ilsvrc2012


def get_config():
    """Returns the settings of one of the five; the seed tells them apart."""
    return ilsvrc2012.get_config()
