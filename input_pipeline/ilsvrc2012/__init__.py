"""The classes of ILSVRC-2012, which many sets name by their WordNet ids.

`classes.tsv` has a line a class, in the order of the labels: its WordNet id
and, after a tab, its words from WordNet 3.0, whose licence is
`WORDNET_LICENSE.txt`. Ids are sorted, as TFDS, Caffe and torchvision have them.
"""

import functools
import pathlib


@functools.cache
def classes():
    """Returns `(WordNet id, words)` of every class, by label."""
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
