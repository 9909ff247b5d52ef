"""The 2012 program's files: what is refused of them, by name and line."""

import pytest
from convnet_files import original
from convnet_lineage import EARLY, LINEAGE, change

from alexnet_tf import networks
from alexnet_tf.networks import convnet_cfg


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("type=softmax", "type=treefc", "a softmax over a tree"),
        ("type=cost.logreg", "type=cost.rflickr", r"several labels \(Flickr"),
        ("type=cost.logreg", "type=cost.crossent2", r"several labels \(Flic"),
        ("type=softmax", "type=dream", "type must be one of data, conv"),
        ("inputs=conv1a", "inputs=conv9", "inputs must be defined above"),
        ("[rnorm1a]", "stride=2\n[rnorm1a]", "stride must be 4, as in"),
        ("filters=48", "filters=many", "filters must be integers"),
        ("filters=192,192", "filters=192", "a number for each of the 2"),
        ("channels=128,128", "channels=128,64", "same for all towers that"),
        ("channels=3", "channels=1", "channels must be 3"),
        ("filterSize=11", "filterSize=911", "filterSize must be at most"),
        ("sharedBiases=1", "sharedBiases=0", "sharedBiases must be 1"),
        ("groups=1", "groups=2", "randSparse must go with groups"),
        ("randSparse=0", "randSparse=1", "randSparse must go with groups"),
        ("randSparse=0", "randSparse=maybe", "randSparse must be numbers"),
        ("groups=1\nrandSparse=0", "groups=5\nrandSparse=1", "divide the"),
        ("partialSum=1", "weightSource=x", "weights must be a layer's own"),
        ("neuron=relu", "neuron=logistic", "neuron must be ident, relu"),
        ("pool=max", "pool=rand", "pool must be max or avg"),
        ("sizeX=3", "sizeX=1", "stride must be at most sizeX"),
        ("pool=max", "pool=max\nstart=1", "start must be 0"),
        ("pool=max", "pool=max\noutputsX=5", "outputsX must be 0 or 27"),
        ("type=cmrnorm", "type=cmrnorm\nblocked=1", "blocked must be 0"),
        ("size=5", "size=4", "size must be odd"),
        ("keep=0.5", "keep=0", "keep must be"),
        ("dataIdx=0", "dataIdx=7", "type=data with dataIdx=0"),
        ("outputs=1000", "outputs=1000\nneuron=relu", "without a neuron"),
        ("inputs=fc1000", "inputs=hs2a", "type must be fc, as of"),
    ],
)
def test_refuses_by_name_with_file_and_line(old, new, words, tmp_path):
    with pytest.raises(ValueError, match=words) as caught:
        change(tmp_path, old, new)

    assert "layers-test.cfg" in str(caught.value)
    if "dataIdx" not in old:
        assert ", line " in str(caught.value)


def test_parts_are_joined_in_any_order(tmp_path):
    changes = LINEAGE["146-2011"][1]
    old, new = "inputs=fc1000a,fc1000b", "inputs=fc1000b,fc1000a"

    definition = change(tmp_path, old, new, **changes)

    assert definition.network == networks.CONV6_FALL_2011
    with pytest.raises(ValueError, match="must join all parts"):
        change(tmp_path, old, "inputs=fc1000b", **changes)


def test_layer_that_skips_the_one_below_is_refused(tmp_path):
    # As in layers-113.cfg, whose conv3 reads the first norm as well.
    with pytest.raises(ValueError, match=r"line \d+: \[conv3a\] inputs must"):
        change(tmp_path, "inputs=pool2a,pool2b", "inputs=rnorm1a,pool2b")


def test_input_that_comes_twice_is_refused(tmp_path):
    with pytest.raises(ValueError, match="inputs must differ"):
        change(tmp_path, "inputs=pool2a,pool2b", "inputs=pool2a,pool2a")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("inputs=blur0", "inputs=data", "must be nailbed on blur on the image"),
        ("filters=128,128\npadding=0", "filters=64,128\npadding=0", "the same"),
        ("filterSize=9", "filterSize=8", "filterSize must be 3, 5, 7 or 9"),
        ("stride=4\nchannels=3", "stride=3\nchannels=3", "maps of one size"),
    ],
)
def test_refuses_another_second_input(old, new, words, tmp_path):
    with pytest.raises(ValueError, match=words):
        change(tmp_path, old, new, **EARLY)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[rnorm1a]", "[rnorm9a]", r"must have a section \[rnorm1a\]"),
        ("scale=0.0001", "scale=", "scale must be numbers"),
        ("scale=0.0001", "", "must have a value for scale"),
        ("enable=true", "enable=false", "enable must be true"),
        ("coeff=1", "coeff=2", "coeff must be 1"),
    ],
)
def test_refuses_parameters_with_file_and_line(old, new, words, tmp_path):
    with pytest.raises(ValueError, match=words) as caught:
        change(tmp_path, old, new, "layer-params")

    assert "layer-params-test.cfg" in str(caught.value)


def test_missing_files_are_named(tmp_path):
    path = original().save(tmp_path)
    (tmp_path / "layer-params-test.cfg").unlink()

    with pytest.raises(FileNotFoundError, match="layer-params-test.cfg must"):
        convnet_cfg.read(path)
    with pytest.raises(ValueError, match="must be called layers-NAME"):
        convnet_cfg.read(path.rename(tmp_path / "mine.cfg"))


def test_nothing_that_a_file_names_is_run(tmp_path):
    definition = change(
        tmp_path,
        "[conv1a]",
        "[conv1a]\ninitWFunc=os.system(touch)\ninitBFunc=initw.makeb(conv1a)",
    )

    # One of two towers copies: nothing is a whole layer's.
    assert definition.copied == ()
    assert definition.network == networks.ORIGINAL_2012
