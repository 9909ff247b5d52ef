"""The 2012 program's files: rates, decays and schedules."""

import pytest
from convnet_files import original
from convnet_lineage import change, read

from alexnet_tf.networks import convnet_cfg

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
