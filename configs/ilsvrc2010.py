"""ILSVRC-2010: the paper's Table 1, by the authors' own rates.

The only year whose test labels are public, so the paper reports test errors.
Network and data as in `original_2012`; rates fell after 23, 51 and 78 epochs,
conv1's kernels at 68, frozen at 72, noise off at 68, ended at 93. The biases
ended at a rate of 0.002; when it fell is not on record, and here it stays.

The images come from image-net.org to those who ask: `train/CLASS/*` and
`val/CLASS/*` for tools.build_tfrecords; the 150,000 test images as a set of
their own, for tools.evaluate --data_dir.

Paper:     37.5% top-1 and 17.0% top-5 test error, ten crops (Table 1); 39.0%
           and 18.3% with the centre crop alone (§6).
Log:       37.47% and 17.00%, 1.6147 nats; centre crop 39.02% and 18.30%
           (layer-params-145-2010.cfg).
Measured:  not yet run.
Reckoned:  37 GB of records; 8.1 h on one GPU, 4.5 h on two.
Run:       python -m tools.build_tfrecords --image_dir=ilsvrc2010 \
               --output_dir=data/ilsvrc2010 --name=ilsvrc2010
           python -m tools.train --config=configs/ilsvrc2010.py \
               --config.data.directory=data/ilsvrc2010 --workdir=runs/ilsvrc2010
"""

from configs import original_2012


def get_config():
    """Returns the settings of layer-params-145-2010 and its notes."""
    config = original_2012.get_config()
    config.data.lighting_epochs = 68.0
    config.optimizer.boundaries_epochs = (23.0, 51.0, 78.0)
    config.optimizer.phases = "conv1/kernel=1e-5@68,conv1=0@72"
    config.training.total_epochs = 93.0
    return config
