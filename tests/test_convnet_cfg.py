"""The 2012 program's files: what they say, and what is refused of them."""

import dataclasses

import convnet_files
import numpy as np
import pytest
from convnet_files import PAIRS, TRIPLES, original

import alexnet_tf
from alexnet_tf import networks
from alexnet_tf.networks import convnet_cfg
from alexnet_tf.networks.convnet_cfg import syntax

# The image blurred and thinned, 32 kernels a tower, contrast norm, k = 1.
EARLY = {
    "low_resolution": True,
    "conv": (32, 128, 192, 192, 128),
    "contrast": "cnorm",
    "least": 1,
}
FIRST = EARLY | {"contrast": None, "norm_first": False}
QUARTERS = {"towers": 4, "dense": 1024}
PARTS = QUARTERS | {"parts": (2546,) * 4}
# Number of the authors' file: parameters on record (original-source 1.3, 1.4;
# in millions, with one decimal, where only these are), what differs from 145.
LINEAGE = {
    "145": (60_965_224, {}),
    "147": (60_965_224, {"pool": 2}),
    "148": (60_965_224, {"norms": False}),
    "145-half": (
        59_798_312,
        {"towers": 1, "conv": (48, 128, 192, 192, 256), "dense": 4096},
    ),
    "131-2009": (98_497_224, EARLY | {"classes": 10_184}),
    "141-2009": (99_087_304, EARLY | {"conv6": 128, "classes": 10_184}),
    "141-2009-2012": (61_460_456, EARLY | {"conv6": 128}),
    "146-2009": (99_182_152, {"conv6": 128, "classes": 10_184}),
    "146-2011": (
        110_605_267,
        {"conv6": 128, "linear": 1024, "parts": (10_921, 10_922)},
    ),
    "146-2012-2011": (61_555_304, {"conv6": 128}),
    "114": (
        140_523_240,
        FIRST | {"norm_size": 9, "dense": 3072, "hidden": 3},
    ),
    "116": (100.9, FIRST | QUARTERS | {"reads": PAIRS}),
    "117": (84.5, FIRST | {"towers": 3, "dense": 1408}),
    "120-4gpu": (
        99.7,
        EARLY | QUARTERS | {"conv": (32, 64, 192, 192, 128), "reads": PAIRS},
    ),
    "129": (
        61.6,
        EARLY | QUARTERS | {"conv": (32, 64, 192, 192, 64), "reads": PAIRS},
    ),
    "130": (
        62.7,
        EARLY | QUARTERS | {"conv": (32, 128, 192, 192, 64), "reads": PAIRS},
    ),
    "153-4gpu": (
        116.3,
        PARTS
        | {"conv": (32, 128, 192, 192, 128)}
        | {"reads": TRIPLES, "dense_reads": TRIPLES},
    ),
    "183-4gpu": (
        118.3,
        PARTS | {"conv6": 128, "reads": TRIPLES, "dense_reads": TRIPLES},
    ),
    "184-4gpu": (102.7, PARTS | {"conv6": 64, "reads": TRIPLES}),
}


def read(tmp_path, **changes):
    return convnet_cfg.read(original(**changes).save(tmp_path))


@pytest.mark.parametrize("number", LINEAGE)
def test_file_has_the_parameters_on_record(number, tmp_path):
    on_record, changes = LINEAGE[number]

    definition = read(tmp_path, **changes)

    count = definition.parameters
    if isinstance(on_record, float):
        count = round(count / 1e6, 1)
    assert count == on_record


@pytest.mark.parametrize(
    ("network", "changes"),
    [
        (networks.ORIGINAL_2012, {}),
        (networks.CONV6, {"conv6": 128, "classes": 10_184}),
        (networks.CONV6_FALL_2011, LINEAGE["146-2011"][1]),
        (
            networks.NO_CROSS_TALK,
            {
                "conv": (48, 160, 192, 192, 128),
                "own_conv3": True,
                "dense6": 4096,
                "dense_reads": "own",
            },
        ),
        (networks.ORIGINAL_NON_OVERLAPPING, {"pool": 2}),
        (networks.ORIGINAL_NO_LRN, {"norms": False}),
        (networks.ORIGINAL_HALF_WIDTH, LINEAGE["145-half"][1]),
        (networks.LAYERS_120, EARLY | {"norm_first": False}),
        (networks.LAYERS_131, EARLY),
        (networks.LAYERS_135, EARLY | {"least": 2}),
        (networks.LAYERS_137, EARLY | {"least": 2, "contrast": "rnorm"}),
        (
            networks.LAYERS_141,
            EARLY | {"least": 2, "contrast": "rnorm", "conv6": 128},
        ),
    ],
    ids=[
        *("145", "146-2009", "146-2011", "150", "147", "148"),
        *("145-half", "120", "131", "135", "137", "141"),
    ],
)
def test_file_is_the_network_that_we_drew(network, changes, tmp_path):
    assert read(tmp_path, **changes).network == network


# Narrow and on small images: every kind of reading, in milliseconds.
NARROW = {"conv": (16, 16, 16, 16, 16), "dense": 16, "classes": 5}
KINDS = {
    "120": {**EARLY, **NARROW},
    "116": {**FIRST, **NARROW, "towers": 4, "reads": PAIRS},
    "117": {**FIRST, **NARROW, "towers": 3},
    "145-half": {**NARROW, "towers": 1},
    "150": {**NARROW, "own_conv3": True, "dense_reads": "own"},
    "184-4gpu": {
        **NARROW,
        **{"towers": 4, "conv6": 16, "parts": (2, 1, 1, 1)},
        **{"reads": TRIPLES, "dense_reads": TRIPLES},
    },
}


@pytest.mark.parametrize("number", KINDS)
def test_model_has_the_files_parameters_wherever_its_towers_are(
    number, tmp_path
):
    path = original(**KINDS[number]).save(tmp_path)
    definition = convnet_cfg.read(path, image_size=96)
    network = definition.network
    images = np.random.default_rng(0).normal(0, 50, (2, 96, 96, 3))

    model = alexnet_tf.build(network, 5)
    apart = alexnet_tf.build(network, 5, devices=("CPU:0",) * network.towers)

    assert model.count_params() == definition.parameters
    assert apart.count_params() == definition.parameters
    np.testing.assert_allclose(
        model(images), apart(images), rtol=1e-4, atol=1e-6
    )


def test_definition_keeps_the_files_names_and_gpus(tmp_path):
    definition = read(tmp_path, conv6=128)

    assert definition.num_classes == 1000
    assert definition.gpus == (0, 1)
    assert definition.names["conv6"] == ("conv6a", "conv6b")
    assert definition.names["fc8"] == ("fc1000",)
    assert definition.copied == ()


def test_second_input_is_the_blurred_image(tmp_path):
    network = read(tmp_path, **EARLY).network

    conv2 = {layer.name: layer for layer in network.layers}["conv2"]
    # original-source 1.2, number 120: sd 4, 9 taps, every 4th pixel, 5 x 5 at
    # stride 2. 27 windows of it need 57 pixels of the image's 56.
    assert conv2.side == networks.LowResolution(5, 2, (0, 1), 0.01, 9, 4.0, 4)
    assert conv2.padding == 2


# layers-96: groups that each see half of every map below, drawn by lot.
RANDOM = FIRST | {
    "conv": (32, 128, 256, 256, 128),
    "norm_size": 9,
    "groups": (2, 2, 2),
}


def test_random_groups_see_half_of_every_towers_maps(tmp_path):
    definition = read(tmp_path, **RANDOM)

    layers = {layer.name: layer for layer in definition.network.layers}
    assert [layers[f"conv{i}"].random_groups for i in range(1, 6)] == [
        *(1, 2, 2, 2, 1)
    ]
    assert layers["conv3"].filters == 512
    # A tower: conv2 sees 16 of 32 maps and the image, conv3 64 of 128 maps of
    # both, conv4 128 of 256; conv1, conv5 and the rest all of theirs.
    convolutions = (
        32 * (121 * 3 + 1)
        + 128 * (25 * 16 + 25 * 3 + 1)
        + 256 * (9 * 2 * 64 + 1)
        + 256 * (9 * 128 + 1)
        + 128 * (9 * 256 + 1)
    )
    dense = 4096 * (36 * 256 + 1) + 4096 * 4097 + 1000 * 4097
    assert definition.parameters == 2 * convolutions + dense


def test_random_groups_are_built_on_one_device(tmp_path):
    narrow = RANDOM | NARROW
    definition = convnet_cfg.read(
        original(**narrow).save(tmp_path), image_size=96
    )

    model = alexnet_tf.build(definition.network, 5)

    assert model.count_params() == definition.parameters
    with pytest.raises(ValueError, match="random groups .* without devices"):
        alexnet_tf.build(definition.network, 5, devices=("CPU:0",) * 2)


def test_four_gpus_read_whom_the_file_says(tmp_path):
    network = read(tmp_path, **LINEAGE["153-4gpu"][1]).network

    layers = {layer.name: layer for layer in network.layers}
    assert network.towers == 4
    assert layers["conv3"].reads == layers["fc6"].reads == TRIPLES
    assert layers["conv4"].reads == "own tower"
    assert layers["fc8"].reads == "all towers"


def test_cifar_is_read(tmp_path):
    file = convnet_files.Writer(towers=1)
    file.size = 24
    file.conv("conv1", 64, 5, 1, 2, stddev=0.0001)
    file.pool("pool1")
    file.conv("conv2", 64, 5, 1, 2, stddev=0.01)
    file.pool("pool2")
    file.definition += _lines(
        "[local3a]", "type=local", "inputs=pool2a", "filters=32",
        "channels=64", "filterSize=3", "padding=1", "initW=0.04",
        "neuron=relu",
        "[local4a]", "type=local", "inputs=local3a", "filters=32",
        "channels=32", "filterSize=3", "padding=1", "initW=0.04",
        "neuron=relu",
    )  # fmt: skip
    file.below = ["local4a"]
    file.classes(10)

    definition = convnet_cfg.read(file.save(tmp_path), image_size=24)

    # original-source 5.2.
    assert definition.parameters == 1_116_490
    drawn = networks.CIFAR_13.layers
    last = dataclasses.replace(drawn[-1], name="fc6")
    assert definition.network.layers == (*drawn[:-1], last)


def _lines(*lines):
    return list(lines)


# Syntax ----------------------------------------------------------------------

LIBERAL = """\ufeff# a comment
; another
rem and a third
[DEFAULT]
stride = 4
[one]
  ; an indented comment
Type: conv ; and one behind a value
inputs = a,
    b
empty=""
Type=pool
[two] # whatever
stride=2\r
"""


def test_syntax_is_as_liberal_as_the_programs():
    sections = syntax.parse(LIBERAL.removeprefix("\ufeff"), "a.cfg")

    assert list(sections) == ["one", "two"]
    one, two = sections.values()
    assert one.text("TYPE") == "pool"
    assert one.words("inputs") == ["a", "b"]
    assert one.text("empty") == ""
    assert one.number("stride", int) == 4
    assert two.number("stride", int) == 2


def test_byte_order_mark_is_no_letter(tmp_path):
    path = tmp_path / "layers-x.cfg"
    path.write_text(LIBERAL, encoding="utf-8")

    assert list(syntax.read(path)) == ["one", "two"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("key=1\n", r"line 1: a line must be \[NAME\] or KEY=VALUE below"),
        ("[a]\nno value\n", r"line 2: a line must be"),
    ],
)
def test_line_that_says_nothing_is_refused(text, words):
    with pytest.raises(ValueError, match=words):
        syntax.parse(text, "a.cfg")


def test_binary_file_is_refused(tmp_path):
    path = tmp_path / "layers-x.cfg"
    path.write_bytes(b"\x80\x02}\x00q")

    with pytest.raises(ValueError, match="must be a text with sections"):
        syntax.read(path)


# Refusals --------------------------------------------------------------------


def change(tmp_path, old, new, which="layers", **changes):
    """Reads 145 with one text changed throughout a file."""
    path = original(**changes).save(tmp_path)
    file = path.with_name(path.name.replace("layers-", f"{which}-"))
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    return convnet_cfg.read(path)


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


# Rates -----------------------------------------------------------------------


DENSE = ("fc6", "fc7", "fc8")


def test_rates_are_those_of_the_file(tmp_path):
    rates = read(tmp_path).rates()

    assert list(rates) == [
        *(f"conv{i}" for i in range(1, 6)),
        "fc6",
        "fc7",
        "fc8",
    ]
    # original-source 1.4.
    assert set(rates.values()) == {
        convnet_cfg.LayerRates(0.01, 0.02, 0.9, 0.0005)
    }


def test_settings_are_those_of_recipe_170(tmp_path):
    path = original().save(tmp_path)
    file = tmp_path / "layer-params-test.cfg"
    down = (
        "schedW=dexp[tgtFactor=250,noiseStdev=0,numSteps=4]\n"
        "schedB = DEXP[ tgtFactor=10, noiseStdev=0, numSteps=2 ]\n"
    )
    text = file.read_text().replace("epsB=0.02\n", f"epsB=0.02\n{down}")
    file.write_text(text)

    found = convnet_cfg.optimizer_settings(convnet_cfg.read(path).rates())

    assert found == {
        "learning_rate": 0.01,
        "momentum": 0.9,
        "weight_decay": 0.0005,
        "schedule": "geometric",
        "factor": 250.0,
        "levels": 4,
        "bias_schedule": "geometric",
        "bias_factor": 10.0,
        "bias_levels": 2,
        "bias_learning_rate": 0.02,
        "bias_decay": False,
        "layer_rates": "",
        "layer_decays": "",
        "phases": "",
    }


def test_single_layers_have_rates_and_decays_of_their_own(tmp_path):
    path = original(conv6=128).save(tmp_path)
    file = tmp_path / "layer-params-test.cfg"
    text = file.read_text()
    for name, key, old, new in [
        ("conv1", "epsW", "0.01", "0"),
        ("conv1", "epsB", "0.02", "0"),
        # As in the authors' layer-params-146-2009: its bias alone is slower.
        ("conv6", "epsB", "0.02", "0.002"),
        ("fc1000", "epsW", "0.01,0.01", "0.1,0.1"),
        ("fc1000", "epsB", "0.02", "0.2"),
        ("fc1000", "wc", "0.0005,0.0005", "1,1"),
    ]:
        for section in (name, name + "a", name + "b"):
            head = f"[{section}]\n"
            if head in text:
                before, after = text.split(head)
                after = after.replace(f"{key}={old}", f"{key}={new}", 1)
                text = before + head + after
    file.write_text(text)

    found = convnet_cfg.optimizer_settings(convnet_cfg.read(path).rates())

    assert found["phases"] == "conv1=0@0"
    assert found["layer_rates"] == "conv6/bias=0.1,fc8=10"
    assert found["layer_decays"] == "fc8=1"
    assert found["learning_rate"] == 0.01


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("epsW=0.01,0.01", "epsW=0.01,0.02", "epsW must be 0 or more"),
        ("[rnorm1a]", "wc=3\n[rnorm1a]", r"must be as \[conv1a\]"),
        ("momB=0.9", "momB=0.8", "momW must be 0 or more"),
        ("wball=0.00", "wball=3", "wball must be 0"),
        ("wball=0.00", "wcNormMax=3", "wcNormMax must be 0"),
        ("wball=0.00", "quantF=half", "quantF must be default"),
        ("wball=0.00", "schedW=cosine", "schedW must be default, linear"),
        (
            "wball=0.00",
            "schedW=exp[tgtFactor=9,noiseStdev=1]",
            "noiseStdev must be 0",
        ),
    ],
)
def test_rule_that_is_not_carried_is_refused(old, new, words, tmp_path):
    definition = change(tmp_path, old, new, "layer-params")

    with pytest.raises(ValueError, match=words) as caught:
        definition.rates()

    assert "layer-params-test.cfg, line " in str(caught.value)
