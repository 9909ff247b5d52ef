"""Other people's test sets of ImageNet, as TFDS has prepared them."""

import dataclasses

# Images that were brought to size and corrupted by those who made the set are
# seen as they are: "stored". "records": like all others.
_STORED, _RECORDS = "stored", "records"


@dataclasses.dataclass(frozen=True)
class Rules:
    """How a set is measured.

    Attributes:
        source: Who says so.
        restricts: Whether the classes that it has compete alone.
        size: "records", or "stored": its images are as large as a crop, and
            no crop is cut out of them.
        many_labels: Whether an image has several right labels, or none.
    """

    source: str
    restricts: bool = False
    size: str = _RECORDS
    many_labels: bool = False


CORRUPTED = "imagenet2012_corrupted"
RULES = {
    "imagenet_v2": Rules("Recht et al. 2019"),
    "imagenet_sketch": Rules("Wang et al. 2019"),
    "imagenet_r": Rules("Hendrycks et al. 2021", restricts=True),
    "imagenet_a": Rules("Hendrycks et al. 2021", restricts=True),
    "imagenet2012_real": Rules("Beyer et al. 2020", many_labels=True),
    CORRUPTED: Rules("Hendrycks and Dietterich 2019", size=_STORED),
}
# Of a set that is none of those, whose classes have WordNet ids.
_PLAIN = Rules("classes by WordNet id")


def is_known(directory):
    """Says whether a data directory names one of `RULES`' sets."""
    kind, _, name = str(directory or "").partition(":")
    return kind == "tfds" and name.partition("/")[0].partition(":")[0] in RULES


def rules_of(name):
    """Returns the `Rules` of a set, by its name in TFDS."""
    return RULES.get(name.partition("/")[0].partition(":")[0], _PLAIN)
