import pathlib

import pytest

from input_pipeline import ilsvrc2012
from input_pipeline.conversion.sources import devkit

KIT = (
    pathlib.Path(__file__).parents[2]
    / "shared/data/ilsvrc_mini/ILSVRC2012_devkit_t12.tar.gz"
)


def test_the_classes_are_a_thousand_in_sorted_order():
    synsets = [synset for synset, _ in ilsvrc2012.classes()]

    assert len(set(synsets)) == 1000
    assert synsets == sorted(synsets)
    # Sea snake and kit fox, as the development kit has them.
    assert synsets.index("n01751748") == 65
    assert synsets.index("n02119789") == 278


def test_ids_are_described_and_other_names_are_kept():
    assert ilsvrc2012.describe(["n01440764", "cat"]) == [
        "tench, Tinca tinca",
        "cat",
    ]


@pytest.mark.skipif(not KIT.exists(), reason="../shared/data is not there")
def test_the_development_kit_says_the_same():
    kit = devkit.load(KIT)

    pairs = zip(kit.synsets, kit.class_names, strict=True)
    assert ilsvrc2012.classes() == tuple(pairs)
