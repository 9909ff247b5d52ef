"""The classes of ILSVRC-2012, which many sets name by their WordNet ids.

`classes.tsv` has a line a class, in the order of the labels: its WordNet id,
its words from WordNet 3.0, whose licence is `WORDNET_LICENSE.txt`, and its
ILSVRC2012_ID, the devkit's number from 1, which has an order of its own.
WordNet ids are sorted, as TFDS, Caffe and torchvision have them.
"""

import functools
import pathlib


@functools.cache
def classes():
    """Returns `(WordNet id, words)` of every class, by label."""
    return tuple((synset, words) for synset, words, _ in _rows())


@functools.cache
def devkit_ids():
    """Returns the ILSVRC2012_ID of every WordNet id, from 1 to 1000."""
    return {synset: int(number) for synset, _, number in _rows()}


@functools.cache
def _rows():
    """Returns the lines of classes.tsv, each a tuple of strings."""
    path = pathlib.Path(__file__).with_name("classes.tsv")
    lines = path.read_text(encoding="utf-8").splitlines()
    return tuple(tuple(line.split("\t")) for line in lines)


def describe(names):
    """Returns English names for WordNet ids, and all other names as they are.

    Args:
        names: Of classes, as a set calls them.
    """
    words = dict(classes())
    return [words.get(name, name) for name in names]
