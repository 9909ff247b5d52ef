"""Facts of ILSVRC-2012: its classes, and the statistics of its images.

The classes are those of `input_pipeline.ilsvrc2012`, by label.
"""

import numpy as np

from input_pipeline.ilsvrc2012 import classes

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
