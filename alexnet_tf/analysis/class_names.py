"""Which class a person means: by number, WordNet id or name."""

import difflib
from collections.abc import Sequence


def find_class(
    text: str | int, class_names: Sequence[str], synsets: Sequence[str] = ()
) -> int:
    """Returns the label of a class that a person has named.

    Args:
        text: Its label from 0, its WordNet id (or folder), its name in full,
            "tench, Tinca tinca", or one of the words between the commas. Upper
            and lower case are the same.
        class_names: By label.
        synsets: WordNet ids by label, where they are known.

    Raises:
        ValueError: There is no such class, or there are several; then all of
            them are named, with what tells them apart.
    """
    wanted = str(text).strip().casefold()
    if wanted.isdecimal():
        if int(wanted) >= len(class_names):
            raise ValueError(
                f"A class's number must be from 0 to {len(class_names) - 1}. "
                f"Received: {text}"
            )
        return int(wanted)
    for names in (
        [[synset] for synset in synsets],
        [[name] for name in class_names],
        [name.split(",") for name in class_names],
    ):
        found = [
            label
            for label, words in enumerate(names)
            if wanted in (word.strip().casefold() for word in words)
        ]
        if len(found) > 1:
            raise _several(text, found, class_names, synsets)
        if found:
            return found[0]
    raise _none(text, class_names)


def _several(text, labels, class_names, synsets):
    """Returns the error for a name that classes share."""
    ids = [synsets[label] if synsets else str(label) for label in labels]
    words = " and ".join(
        f"{name} ({class_names[label]}, class {label})"
        for name, label in zip(ids, labels, strict=True)
    )
    return ValueError(
        f"A class's name must be one class's. Received: {text}, the name of "
        f"{words}. Give {' or '.join(ids)} instead."
    )


def _none(text, class_names):
    """Returns the error for a name that is no class's."""
    words = sorted(
        {w.strip().casefold() for name in class_names for w in name.split(",")}
    )
    near = difflib.get_close_matches(str(text).casefold(), words)
    hint = f" Did you mean {', or '.join(near)}?" if near else ""
    return ValueError(
        "A class must be one of the network's "
        f"{len(class_names)}, by number, WordNet id or name. "
        f"Received: {text}.{hint}"
    )
