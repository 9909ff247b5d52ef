"""The paper's claims, and what the finished rows of the table say of them."""

import dataclasses

import numpy as np

from alexnet_tf.reproduction import intervals

_TINY = "100 classes of Tiny ImageNet, 56 pixels"
_CIFAR = "CIFAR-10"


@dataclasses.dataclass(frozen=True)
class Claim:
    """A claim that can be held against rows of `configs/reproduce.py`.

    Attributes:
        words: The claim.
        section: Of the paper.
        paper: Its figure, in words.
        data: What it is measured on here.
        row: Whose error it is about.
        against: A row that must be better, seed by seed and image by image;
            or nothing, and the error itself is meant.
        expected: The paper's figure: an error as a fraction, or a ratio;
            `None`, where it says none that this data could have.
        crops: Views of an evaluation.
        line: A training error that is reached `expected` times sooner by
            `against` than by `row`, in place of errors at the end.
    """

    words: str
    section: str
    paper: str
    data: str
    row: str
    against: str = ""
    expected: float | None = None
    crops: int = 10
    line: float | None = None


@dataclasses.dataclass(frozen=True)
class Finding:
    """What was measured for a claim.

    Attributes:
        claim: The `Claim`.
        value: An error, a difference of errors, or a ratio of epochs.
        low: The 95% interval's lower end.
        high: Its upper end.
        results: The results that it comes from.
        verdict: "agrees", "does not agree" or "cannot be told", and why; that
            runs diverged, which leaves no figures.
    """

    claim: Claim
    value: float
    low: float
    high: float
    results: tuple
    verdict: str


def _worse(words, section, paper, row, expected=None):
    return Claim(words, section, paper, _TINY, row, "tiny_base", expected)


CLAIMS = (
    Claim(
        "four layers without response normalization",
        "3.3",
        "13% test error",
        _CIFAR,
        "cifar13",
        expected=0.13,
    ),
    Claim(
        "four layers with it",
        "3.3",
        "11% test error",
        _CIFAR,
        "cifar11",
        expected=0.11,
    ),
    Claim(
        "response normalization added and nothing else changed",
        "3.3",
        "helps; the pair 13% and 11% differs in more than that",
        _CIFAR,
        "cifar13",
        "cifar13_lrn",
    ),
    Claim(
        "25% training error with rectifiers",
        "3.1, Figure 1",
        "six times sooner than with tanh",
        _CIFAR,
        "figure1_tanh",
        "figure1_relu",
        6.0,
        line=0.25,
    ),
    _worse("without response normalization", "3.3", "1.4 worse", "tiny_no_lrn"),
    _worse(
        "pooling without overlap", "3.4", "0.4 worse", "tiny_non_overlapping"
    ),
    _worse(
        "half the kernels, on one GPU", "3.2", "1.7 worse", "tiny_half_width"
    ),
    _worse(
        "without dropout", "4.2", "substantial overfitting", "tiny_no_dropout"
    ),
    _worse(
        "without crops and mirrors",
        "4.1",
        "substantial overfitting",
        "tiny_no_crops",
    ),
    _worse("without colour shifts", "4.1", "over 1 worse", "tiny_no_lighting"),
    _worse("without conv3", "7", "about 2 worse", "tiny_no_conv3"),
    _worse("without conv4", "7", "about 2 worse", "tiny_no_conv4"),
    _worse("without conv5", "7", "about 2 worse", "tiny_no_conv5"),
    Claim(
        "one network, against five averaged",
        "6, Table 2",
        "2.6 worse",
        _TINY,
        "tiny_base",
        "tiny_five",
    ),
    Claim(
        "without pre-training on other classes",
        "6, Table 2",
        "1.7 worse",
        "50 of the classes, pre-trained on the other 50",
        "tiny_half_scratch",
        "tiny_half_finetune",
    ),
    _worse("tanh for rectifiers", "3.1", "slower; no figure", "tiny_tanh"),
)


def judge(claim, results):
    """Returns the `Finding` of a claim.

    Args:
        claim: A `Claim`.
        results: Dict of the finished runs' results by name.

    Returns:
        `None` while there is no finished run, or no pair of one.
    """
    ours = _seeds(results, claim.row)
    pairs = [(ours[seed],) for seed in sorted(ours)]
    if claim.against:
        others = _seeds(results, claim.against)
        if any("averages" in result for result in others.values()):
            # Of all seeds: it is held against each of them.
            others = dict.fromkeys(ours, *others.values())
        pairs = [(ours[s], others[s]) for s in sorted(ours) if s in others]
    if not pairs:
        return None
    taken = tuple(result for pair in pairs for result in pair)
    if lost := [result["name"] for result in taken if result["diverged"]]:
        figures, verdict = [float("nan")] * 3, f"{', '.join(lost)} diverged"
    elif not claim.against:
        figures, verdict = _judge_error(claim, taken)
    elif claim.line is not None:
        figures, verdict = _judge_epochs(claim, pairs)
    else:
        figures, verdict = _judge_pairs(claim, pairs)
    return Finding(claim, *figures, taken, verdict)


def _seeds(results, row):
    """Returns the finished results of a row by seed."""
    return {r["seed"]: r for r in results.values() if r["row"] == row}


def _judge_error(claim, found):
    figures = _, low, high = intervals.mean(
        [_wrong(result, claim.crops) for result in found]
    )
    # The paper's figure is of whole percent.
    agrees = low <= claim.expected + 0.005 and high >= claim.expected - 0.005
    verdict = "agrees" if agrees else "does not agree"
    if len(found) == 1:
        verdict += " (one seed: the interval is over images only)"
    return figures, verdict


def _judge_pairs(claim, pairs):
    differences = []
    for ours, other in pairs:
        images = {_evaluation(r, claim.crops)["images"] for r in (ours, other)}
        if len(images) > 1:
            raise ValueError(
                f"{ours['name']} and {other['name']} must be evaluated on the "
                "same images. Received: different file names"
            )
        differences.append(
            _wrong(ours, claim.crops).astype(float) - _wrong(other, claim.crops)
        )
    figures = _, low, high = intervals.mean(differences)
    if len(pairs) == 1:
        verdict = "cannot be told: one seed"
    elif low > 0:
        verdict = "agrees"
    elif high < 0:
        verdict = "does not agree"
    else:
        verdict = "cannot be told at this scale"
    return figures, verdict


def _judge_epochs(claim, pairs):
    ratios = []
    for ours, other in pairs:
        late, soon = (_epochs_to(r, claim.line) for r in (ours, other))
        if soon is None:
            raise ValueError(
                f"{other['name']} must reach {claim.line:.0%} training error. "
                "Its curve does not."
            )
        ratios.append((late or ours["epochs"]) / soon)
    # Ratios multiply: the interval is that of their logarithms.
    logs = np.log(ratios)[:, None]
    figures = _, low, high = np.exp(intervals.mean(logs)).tolist()
    if len(pairs) == 1:
        verdict = "cannot be told: one seed"
    elif low <= claim.expected <= high:
        verdict = "agrees"
    elif low > 1:
        verdict = "agrees in direction, not in size"
    else:
        verdict = "does not agree" if high < 1 else "cannot be told"
    return figures, verdict


def _epochs_to(result, line):
    """Returns when a run's training error was first at or below a line."""
    for epoch, error, *_ in result["curve"]:
        if error <= line:
            return epoch
    return None


def _evaluation(result, crops):
    """Returns the evaluation of a result with so many views."""
    for found in result["evaluations"]:
        if found["crops"] == crops:
            return found
    raise ValueError(f"{result['name']} must be evaluated with {crops} crops.")


def _wrong(result, crops):
    """Returns which images a run got wrong."""
    found = _evaluation(result, crops)
    return intervals.unpack(found["wrong"], found["num_images"])
