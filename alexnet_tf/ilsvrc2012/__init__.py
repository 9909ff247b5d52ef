"""Facts of ILSVRC-2012: its classes, and the statistics of its images.

`classes.tsv` has a line a class, in the order of the labels: its WordNet id
and, behind a tab, its words from WordNet 3.0, whose licence is
`WORDNET_LICENSE.txt`. Ids sorted, as TFDS, Caffe and torchvision have them.
"""

import functools
import pathlib

import numpy as np

NUM_CLASSES = 1000
# The data set as its authors' program saw it: 256 x 256 pixels of 0 to 255,
# RGB, the training split. Origin: make-data/input_meta of cuda-convnet2.
MEAN_RGB = (127.305, 119.715, 104.913)
# Standard deviations along the principal axes of colour, and those axes, a
# column each. Same origin.
COLOUR_STDDEVS = (121.78006099, 37.09388853, 19.72083305)
COLOUR_AXES = (
    (-0.56351045, -0.71257945, 0.41795513),
    (-0.57618440, -0.02354167, -0.81698062),
    (-0.59200296, 0.70119634, 0.39731118),
)


@functools.cache
def classes():
    """Returns `(WordNet id, words)` of every class, by label."""
    path = pathlib.Path(__file__).with_name("classes.tsv")
    lines = path.read_text(encoding="utf-8").splitlines()
    return tuple(tuple(line.split("\t")) for line in lines)


def synsets():
    """Returns the WordNet id of every class, by label."""
    return [synset for synset, _ in classes()]


def class_names():
    """Returns the words of every class, by label: "tench, Tinca tinca"."""
    return [words for _, words in classes()]


def colour_statistics():
    """Returns what the lighting of §4.1 needs, as `Statistics` has it.

    Returns:
        `covariance` (3, 3), `eigenvalues` (3,) descending, and `eigenvectors`
        (3, 3), a column each, with components that sum to 0 or more.
    """
    eigenvalues = np.square(COLOUR_STDDEVS)
    axes = np.array(COLOUR_AXES)
    axes = axes * np.where(axes.sum(axis=0) < 0, -1.0, 1.0)
    return axes @ np.diag(eigenvalues) @ axes.T, eigenvalues, axes
