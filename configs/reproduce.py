"""The table of experiments that tools.reproduce runs, first things first.

Tier A, in the order of its priorities: CIFAR-10's two numbers by the authors'
recipes; the ablation of response normalization that they never ran, 13%'s
network and recipe with norms and nothing else changed; Figure 1; what each
part of the network is worth, on 100 classes of Tiny ImageNet in about ten
minutes a run, five paired seeds each. Tier B follows as time allows.

Rates are chosen on training images: Figure 1's by the training error after
five epochs, as the paper chose them to train fast; Tiny ImageNet's on a held-
out tenth. A search ends where a higher value is worse. No seed is left out.

Not expressible as a change of TINY, and so not in the table: the norm within
maps of ORIGINAL_2012.
"""

from alexnet_tf.reproduction.rows import Row

_CIFAR = {"data": "cifar10", "priority": 1}
_FIGURE_1 = {
    "claim": "Figure 1: 25% training error six times sooner than with tanh",
    "config": "configs/cifar10_figure1.py",
    "data": "cifar10",
    "crops": (1,),
}
_TANH = {"network": "CIFAR_FOUR_LAYER_TANH"}
_FIVE_EPOCHS = {"training.total_epochs": 5.0, "training.log_every_steps": 390}
_RATES = (0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256)
_FIGURE_1_SEARCH = {
    **_FIGURE_1,
    "priority": 4,
    "hours": 0.03,
    "search": "optimizer.learning_rate",
    "values": _RATES,
    "measure": "train",
}
_TINY = {
    "config": "configs/tiny_imagenet_short.py",
    "data": "tiny_imagenet",
    "hours": 0.18,
}
_MIDDLE = "without a middle layer about 2 points worse (§7)"
_HELD_OUT = {
    "data.held_out_fraction": 0.1,
    "training.eval_split": "held_out",
}


def _tiny(name, claim, priority=7, takes="tiny_rate", **changes):
    """Returns a row of Tiny ImageNet: five seeds at the rate of the search."""
    return Row(
        f"tiny_{name}",
        claim,
        **_TINY,
        priority=priority,
        takes=takes,
        seeds=(0, 1, 2, 3, 4),
        changes={key.replace("__", "."): v for key, v in changes.items()},
    )


def _tiny_search(name, claim, priority, values=_RATES, **changes):
    """Returns the search for the rate of such rows, on held-out images."""
    return Row(
        f"tiny_{name}",
        claim,
        **_TINY,
        priority=priority,
        search="optimizer.learning_rate",
        values=values,
        changes={**_HELD_OUT, **changes},
        crops=(1,),
    )


def _half(name, claim, half, **fields):
    """Returns a row of one half of the classes, at the search's rate."""
    return Row(
        f"tiny_half_{name}",
        claim,
        **{**_TINY, "data": f"tiny_{half}50", "hours": 0.09},
        priority=10,
        takes="tiny_rate",
        seeds=(0, 1, 2, 3, 4),
        **fields,
    )


def _first_steps(name, changes):
    """Returns a row of a fresh network on photographs at full size."""
    return Row(
        f"first_steps_{name}",
        "a fresh network leaves the logarithm of the classes",
        "configs/first_steps.py",
        "tiny_imagenet_256",
        priority=14,
        hours=1.0,
        changes=changes,
        crops=(1,),
    )


_TANH_EVERYWHERE = ",".join(
    f"{layer}.activation=tanh"
    for layer in ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7")
)

# ORIGINAL_2012's differences one at a time.
_PROGRAM = (
    (
        "norm_first",
        "conv1: normalized before it is rectified",
        {"changes": "conv1.activation=none,pool1.activation=relu"},
    ),
    (
        "alpha_over_n",
        "norms: alpha is divided by n",
        {"changes": "norm1.alpha=2e-5,norm2.alpha=2e-5"},
    ),
    (
        "wide_weights",
        "first weights of conv3 to conv5",
        {"changes": "conv3.stddev=0.03,conv4.stddev=0.03,conv5.stddev=0.03"},
    ),
    ("centre_mean", "mean", {"data__mean": "original"}),
    ("same_crops", "crops, the same of 32", {"data__same_crop_images": 32}),
    ("damped_lighting", "division by 1.1", {"data__lighting": "original"}),
    ("no_bias_decay", "no decay of biases", {"optimizer__bias_decay": False}),
)

TIER_A = (
    Row(
        "cifar13",
        "13% test error without response normalization (§3.3)",
        "configs/cifar10_13pct.py",
        **_CIFAR,
        hours=1.4,
        seeds=(0, 1, 2),
    ),
    Row(
        "cifar11",
        "11% test error with it (§3.3)",
        "configs/cifar10_11pct.py",
        **{**_CIFAR, "priority": 2},
        hours=6.5,
    ),
    Row(
        "cifar13_lrn",
        "response normalization helps (§3.3), nothing else changed",
        "configs/cifar10_13pct.py",
        **{**_CIFAR, "priority": 3},
        hours=1.8,
        seeds=(0, 1, 2),
        changes={"network": "CIFAR_13_LRN"},
    ),
    Row(
        "figure1_relu_rate",
        **_FIGURE_1_SEARCH,
        changes=_FIVE_EPOCHS,
    ),
    Row(
        "figure1_tanh_rate",
        **_FIGURE_1_SEARCH,
        changes={**_TANH, **_FIVE_EPOCHS},
    ),
    Row(
        "figure1_relu",
        **_FIGURE_1,
        priority=5,
        hours=0.07,
        takes="figure1_relu_rate",
        seeds=(0, 1, 2),
    ),
    Row(
        "figure1_tanh",
        **_FIGURE_1,
        priority=5,
        hours=0.35,
        takes="figure1_tanh_rate",
        seeds=(0, 1, 2),
        changes={**_TANH, "training.total_epochs": 60.0},
    ),
    _tiny_search("rate", "the rate of the rows below", 6),
    _tiny("base", "the network that the others are held to"),
    _tiny(
        "no_lrn",
        "without response normalization 1.4 / 1.2 points worse (§3.3)",
        without="norm1,norm2",
    ),
    _tiny(
        "non_overlapping",
        "pooling without overlap 0.4 / 0.3 points worse (§3.4)",
        # As networks.NON_OVERLAPPING: fc6 keeps its size.
        changes="pool1.size=2,pool1.padding=same,conv2.padding=1,"
        "pool2.size=2,pool2.padding=same,conv5.padding=0,"
        "pool5.size=2,pool5.padding=same",
    ),
    _tiny(
        "no_dropout",
        "without dropout substantial overfitting (§4.2)",
        without="drop6,drop7",
    ),
    _tiny(
        "no_crops",
        "without crops and mirrors substantial overfitting (§4.1)",
        data__random_crops=False,
        data__mirror=False,
    ),
    _tiny(
        "no_lighting",
        "colour shifts are worth over 1 point (§4.1)",
        data__lighting="none",
    ),
    _tiny(
        "half_width",
        "half the kernels on one GPU 1.7 / 1.2 points worse (§3.2)",
        network="TINY_HALF_WIDTH",
    ),
    _tiny("no_conv4", _MIDDLE, without="conv4"),
)

TIER_B = (
    Row(
        "cifar11_more",
        "11% test error, further seeds (§3.3)",
        "configs/cifar10_11pct.py",
        **{**_CIFAR, "priority": 8},
        hours=6.5,
        seeds=(1, 2),
    ),
    _tiny(
        "one_tower", "towers against one (§3.2)", 9, network="TINY_ONE_TOWER"
    ),
    _tiny(
        "apart",
        "towers that meet in the last layer only",
        9,
        changes="conv3.reads=own tower,fc6.reads=own tower,fc7.reads=own tower",
    ),
    _tiny(
        "no_conv3",
        _MIDDLE,
        9,
        without="conv3",
        changes="conv4.reads=all towers",
    ),
    _tiny("no_conv5", _MIDDLE, 9, without="conv5"),
    _tiny_search("tanh_rate", "the rate of tanh", 10, changes=_TANH_EVERYWHERE),
    _tiny(
        "tanh",
        "rectifiers against tanh (§3.1)",
        11,
        takes="tiny_tanh_rate",
        changes=_TANH_EVERYWHERE,
    ),
    *(
        _tiny(name, f"the program's {words}", 12, **changes)
        for name, words, changes in _PROGRAM
    ),
    Row(
        "tiny_five",
        "five networks averaged are 2.6 points better (§6, Table 2)",
        **{**_TINY, "hours": 0.01},
        priority=8,
        averages="tiny_base",
        crops=(10,),
    ),
    _half("pretrain", "the 50 classes that the next begin with", "first"),
    _half("scratch", "the other 50 classes alone", "last"),
    _half(
        "finetune",
        "pre-training on more classes: 1.7 points better (§6, Table 2)",
        "last",
        begins_with="tiny_half_pretrain",
        changes={"init_skip": "fc8"},
    ),
    _tiny(
        "plateau",
        "rates by the held-out error, as by hand, against by the clock (§5)",
        13,
        **_HELD_OUT,
        **{
            "optimizer.schedule": "plateau",
            "optimizer.patience_epochs": 1.0,
        },
    ),
    _tiny("boundaries", "the same images by the clock", 13, **_HELD_OUT),
    _first_steps("paper", {"network": "PAPER"}),
    _first_steps("original", {"network": "ORIGINAL_2012"}),
    _first_steps("caffe", {"network": "CAFFE", "data.crop_size": 227}),
    _first_steps(
        "wide",
        {"changes": "conv3.stddev=0.03,conv4.stddev=0.03,conv5.stddev=0.03"},
    ),
)

ROWS = TIER_A + TIER_B
