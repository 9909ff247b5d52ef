"""Which class a label means, where a file has labels of its own order."""

import re

import numpy as np

_WORDNET_ID = re.compile(r"n\d{8}$")


def read_class_list(path):
    """Returns the WordNet ids of a file, a line each; words may follow.

    Raises:
        FileNotFoundError: There is none.
        ValueError: It has no ids, or one of them twice.
    """
    with open(path, encoding="utf-8") as file:
        synsets = [line.split()[0] for line in file if line.strip()]
    if not synsets or len(set(synsets)) < len(synsets):
        twice = sorted({s for s in synsets if synsets.count(s) > 1})
        raise ValueError(
            f"{path} must have a class in each line, each once. Received: "
            f"{f'{twice[0]} twice' if twice else 'no lines'}"
        )
    return synsets


def find_synsets(where, seen, names=(), listed=(), kit=None):
    """Returns the classes of labels 0, 1 and so on.

    Args:
        where: File that has the labels, for messages.
        seen: Dict from label to the WordNet id that is in images' names.
        names: What the file itself calls its labels, in their order.
        listed: What the user says that they are, in their order.
        kit: A `devkit.Devkit`, used if its sorted order agrees with `seen`.

    Raises:
        ValueError: These contradict each other, or say too little.
    """
    count = len(names) or len(listed) or max(seen, default=-1) + 1
    own = names if all(map(_WORDNET_ID.match, names)) else ()
    in_order = kit.synsets if kit and len(kit.synsets) == count else ()
    if any(in_order and in_order[label] != s for label, s in seen.items()):
        in_order = ()
    if listed and len(listed) != count:
        raise ValueError(
            f"The class list must have a line for each class of {where}. "
            f"Received: {len(listed)} lines, {count} classes"
        )
    synsets = []
    for label in range(count):
        claims = {
            "images' names": seen.get(label),
            "the class list": listed[label] if listed else None,
            "the file's own list": own[label] if own else None,
            "the development kit": in_order[label] if in_order else None,
        }
        claims = {who: synset for who, synset in claims.items() if synset}
        if len(set(claims.values())) > 1:
            words = ", ".join(f"{s} by {who}" for who, s in claims.items())
            raise ValueError(
                f"Label {label} of {where} must be one class. Received: {words}"
            )
        synsets.append(next(iter(claims.values()), None))
    if not any(synsets) and names:
        synsets = list(names)
    _check(where, synsets)
    return synsets


def _check(where, synsets):
    """Refuses classes without a name, or with that of another."""
    if None in synsets or not synsets:
        raise ValueError(
            f"Every label of {where} must have a class. Received: nothing that "
            f"names that of label {synsets.index(None) if synsets else 0}. "
            "Name them with --class_list=FILE, the WordNet id of label 0 in "
            "its first line; or put ILSVRC2012_devkit_t12.tar.gz next to it."
        )
    for label, synset in enumerate(synsets):
        if synsets.index(synset) != label:
            raise ValueError(
                f"Every label of {where} must have a class of its own. "
                f"Received: {synset} for {synsets.index(synset)} and {label}"
            )


def put_in_order(synsets):
    """Returns labels in the sorted order of their WordNet ids.

    Names that are none stay in the order that they have.
    """
    if not all(map(_WORDNET_ID.match, synsets)):
        return list(range(len(synsets)))
    return sorted(range(len(synsets)), key=synsets.__getitem__)


def relabel(catalogue, order):
    """Gives the images of a catalogue new labels: `order[n]` becomes n."""
    new = np.full(max(order, default=-1) + 2, -1, np.int32)
    new[list(order)] = np.arange(len(order))
    labels = catalogue.rows["label"]
    catalogue.rows["label"] = np.where(labels < 0, -1, new[labels])


def restrict(source, synsets):
    """Leaves only some classes in a source, in their sorted order.

    Images whose class is not known are left out as well.

    Args:
        source: A `source.Source`, which is changed.
        synsets: The classes to keep.

    Raises:
        ValueError: The source has none of that name.
    """
    order = sorted(set(synsets))
    labels = {synset: label for label, synset in enumerate(source.synsets)}
    unknown = [synset for synset in order if synset not in labels]
    if unknown:
        raise ValueError(
            "The classes of the list must be in the data set. Received: "
            f"{unknown[0]}, and {len(unknown) - 1} more that are not"
        )
    order = [labels[synset] for synset in order]
    for name, whole in source.splits.items():
        kept = whole.take(np.flatnonzero(np.isin(whole.rows["label"], order)))
        relabel(kept, order)
        source.splits[name] = kept
    source.splits = {n: c for n, c in source.splits.items() if len(c)}
    source.class_names = [source.class_names[label] for label in order]
    source.synsets = [source.synsets[label] for label in order]
