"""Costs of a step on several GPUs, by the paper's numbers and by hand."""

import pathlib

import narrow
import pytest
import tensorflow as tf

import alexnet_tf
from alexnet_tf import networks, scaling

DOCUMENT = pathlib.Path(__file__).parent.parent / "docs" / "scaling.md"


@pytest.fixture(scope="module")
def paper():
    return scaling.count(networks.PAPER)


def test_counts_are_those_of_the_paper(paper):
    assert sum(paper.parameters) == 60_965_224
    # Figure 2: 55 x 55 x 48 of 11 x 11 x 3 in each tower.
    assert paper.first_multiply_adds == (55 * 55 * 48 * 363,) * 2
    # conv3 reads 13 x 13 x 128 of the other tower, fc6 6 x 6 x 128, fc7 half
    # of 4096; fc8 is on the first device and reads the second half there.
    both = 13 * 13 * 128 + 6 * 6 * 128 + 2048
    assert paper.received == (both + 2048, both)
    # Two operations, three passes, and no gradient of the image.
    assert sum(paper.flop) == pytest.approx(4.136e9, rel=1e-3)


def test_what_crosses_is_what_crosses_in_the_graph():
    network = narrow.shrink(networks.CONV6)
    counts = scaling.count(network, 5, 67)
    model = alexnet_tf.build(
        network, 5, image_size=67, devices=("CPU:0", "CPU:1")
    )
    graph = (
        tf.function(lambda images: model(images, training=True))
        .get_concrete_function(tf.TensorSpec((1, 67, 67, 3)))
        .graph
    )

    sent = {}
    for operation in graph.get_operations():
        for tensor in operation.inputs:
            ends = (tensor.op.device[-1:], operation.device[-1:])
            is_data = tensor.dtype.is_floating and "" not in ends
            if is_data and len(set(ends)) == 2:
                sent.setdefault(ends[1], {})[tensor.name] = (
                    tensor.shape.num_elements()
                )

    assert counts.received == tuple(sum(sent[t].values()) for t in "01")


COUNTS = scaling.Counts((60, 40), (500, 300), (50, 50), (7, 5), 12)
MACHINES = scaling.Machines(
    flops=1e3, link_bytes=100.0, network_bytes=10.0, gpus_per_host=2
)


@pytest.mark.parametrize(
    ("placement", "gpus", "seconds", "crossing", "reduced", "network"),
    [
        # 8 images of 2 x (3 x 800 - 100) = 4,600 operations.
        ("one device", 1, 36.8, 0, 0, 0),
        # Tower 0: 2 x (1500 - 50) = 2,900. 8 x 7 floats, there and back.
        ("two towers", 2, 23.2 + 2 * 224 / 100, 224, 0, 0),
        # Half of the images; 2 x 1/2 of 400 bytes.
        ("replicas", 2, 18.4 + 4.0, 0, 400, 0),
        # Of 60 parameters the first device receives another replica's.
        ("replicas of towers", 4, 11.6 + 2 * 112 / 100 + 2.4, 112, 240, 0),
        # A ring of four: 2 x 3/4 of 400 bytes, ten a second between hosts.
        ("hosts", 4, 9.2 + 60.0, 0, 600, 600),
    ],
)
def test_steps_by_hand(placement, gpus, seconds, crossing, reduced, network):
    step = scaling.reckon(COUNTS, placement, gpus, 8, MACHINES)

    assert step.seconds == pytest.approx(seconds)
    assert step.tower_bytes == crossing
    assert step.reduce_bytes == pytest.approx(reduced)
    assert step.network_bytes == pytest.approx(network)
    assert step.images_per_second == pytest.approx(8 / seconds)
    assert step.input_bytes == pytest.approx(12 * 8 / seconds)


def test_gpus_for_a_speed_by_hand():
    free = scaling.Machines(1e3, 1e30, 1e30)

    # A GPU makes 1000 / 4600 images a second.
    assert scaling.gpus_for(COUNTS, 1.0, 8, free) == 5
    # Eight have an image each, and a ninth would have none.
    assert scaling.gpus_for(COUNTS, 2.0, 8, free) is None


@pytest.mark.parametrize(
    ("placement", "gpus"), [("two towers", 1), ("pods", 2), ("replicas", 0)]
)
def test_refuses_what_is_no_placement(placement, gpus):
    with pytest.raises(ValueError, match="placement must be one of"):
        scaling.reckon(COUNTS, placement, gpus, 8)


def test_the_document_has_what_the_program_prints(paper):
    import programs

    printed = programs.run("scaling").stdout
    text = DOCUMENT.read_text(encoding="utf-8")
    for block in printed.strip().split("\n\n"):
        assert block in text
