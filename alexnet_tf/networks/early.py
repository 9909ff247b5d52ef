"""The authors' networks of summer 2012, before layers-145.cfg.

On the way to the paper's network they changed one thing at a time; names are
their files'. All have 32 kernels a tower in conv1 and give conv2 the image
blurred and thinned out as well, which layers-145.cfg leaves out for more
kernels in conv1. Read here from the notes; `networks.convnet_cfg` reads the
files themselves.
"""

from alexnet_tf.networks.description import (
    ContrastNorm,
    Conv,
    LowResolution,
)
from alexnet_tf.networks.imagenet import ORIGINAL_2012

# The image of 56 pixels has a row and a column of zeros behind it, so that
# both inputs make 27 windows.
LAYERS_137 = ORIGINAL_2012.replace("conv1", filters=64).replace(
    "conv2", side=LowResolution(padding=(0, 1))
)

# A sixth convolution; it overfitted, and began the pre-training on Fall 2009.
LAYERS_141 = LAYERS_137.insert_behind(
    "pool5",
    Conv("conv6", 256, 3, padding=1, reads="all towers", bias=1.0, stddev=0.03),
)

# Before 137 the second norm within maps was by contrast.
LAYERS_135 = LAYERS_137.insert_behind(
    "mapnorm2", ContrastNorm("contrast2")
).without("mapnorm2")

# Before 135 the norms' k was 1.
LAYERS_131 = LAYERS_135.replace("norm1", bias=1.0).replace("norm2", bias=1.0)

# Before 131 the first norm followed its pool.
LAYERS_120 = LAYERS_131.move_behind("norm1", "pool1")
