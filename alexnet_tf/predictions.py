"""Files of probabilities, and ensembles of several networks (§6)."""

import csv
import io
import pathlib

import numpy as np

from alexnet_tf import evaluation
from input_pipeline import files, ilsvrc2012

_NAMES = ("probabilities", "labels", "file_names")


def save(path, arrays):
    """Writes a predictions file under its name when it is whole.

    Args:
        path: The npz file.
        arrays: "probabilities", "labels" and "file_names"; perhaps "synsets",
            the WordNet ids by label.
    """
    files.write_arrays(path, **arrays)


def write_table(path, rows):
    """Writes the best classes of images as CSV, a row an image.

    Columns: file, class_1, probability_1, class_2 and so on, best first.

    Args:
        path: The CSV file.
        rows: Pairs of an image's file and a list of `(class name,
            probability)`.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    shown = max((len(guesses) for _, guesses in rows), default=0)
    heads = [(f"class_{n}", f"probability_{n}") for n in range(1, shown + 1)]
    table.writerow(["file", *(head for pair in heads for head in pair)])
    for file, guesses in rows:
        pairs = ((name, f"{p:.6f}") for name, p in guesses)
        table.writerow([file, *(cell for pair in pairs for cell in pair)])
    files.write_atomically(pathlib.Path(path), text.getvalue().encode())


def load(path):
    """Returns the arrays of a predictions file.

    Raises:
        ValueError: It is none, or damaged.
        FileNotFoundError: It is not there.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in _NAMES}
            if "synsets" in file:
                arrays["synsets"] = file["synsets"]
            return arrays
    except FileNotFoundError:
        raise
    except Exception as error:
        raise ValueError(
            f"{path} must be a file of tools.evaluate. Received: "
            f"{type(error).__name__}: {error}"
        ) from None


def load_all(paths):
    """Returns the probabilities of several networks for the same images.

    Args:
        paths: Predictions files.

    Returns:
        A list of `(n, classes)` arrays, the labels, and the file names.

    Raises:
        ValueError: They are not the same images in the same order, or no
            file is named.
    """
    if not paths:
        raise ValueError(
            "predictions must name one or more files of tools.evaluate, with "
            "commas. Received: none"
        )
    first = load(paths[0])
    found = [first["probabilities"]]
    for path in paths[1:]:
        arrays = load(path)
        _check_same(paths[0], first, path, arrays)
        found.append(arrays["probabilities"])
    return found, first["labels"], first["file_names"]


def weighted_mean(probabilities, weights=None):
    """Returns the weighted mean of several networks' probabilities.

    Args:
        probabilities: Sequence of `(n, classes)`.
        weights: One for each, 0 or more; equal, if `None`.

    Returns:
        float32 `(n, classes)`, divided by the sum of the weights.

    Raises:
        ValueError: There are other weights than networks, or none above 0.
    """
    if weights is None:
        weights = [1.0] * len(probabilities)
    if len(weights) != len(probabilities):
        raise ValueError(
            "There must be a weight for each file. Received: "
            f"{len(weights)} weights, {len(probabilities)} files"
        )
    if min(weights) < 0 or not 0 < sum(weights) < float("inf"):
        raise ValueError(
            f"Weights must be 0 or more, not all 0. Received: {list(weights)}"
        )
    total = np.zeros_like(probabilities[0], np.float32)
    for weight, each in zip(weights, probabilities, strict=True):
        total += np.float32(weight) * each
    return total / np.float32(sum(weights))


def search_weights(probabilities, labels, k=5, passes=5, progress=None):
    """Returns the weights with the least top-k error, one after another.

    The search of the authors' `avg-valid.py`: every weight begins at 0.5 and
    tries 0 to 1 in steps of 0.05 while the others stay; up to five passes.
    Its error on the images that it searched on is too low to be believed.

    Args:
        probabilities: Sequence of `(n, classes)`.
        labels: `(n,)`.
        k: The error's.
        passes: At most, over all weights.
        progress: Has `update(tries)`, or `None`.

    Returns:
        A list of weights.
    """
    weights = [0.5] * len(probabilities)
    best = evaluation.topk_error(
        weighted_mean(probabilities, weights), labels, k
    )
    for _ in range(passes):
        before = list(weights)
        for index in range(len(weights)):
            others = sum(
                np.float32(w) * p
                for i, (w, p) in enumerate(
                    zip(weights, probabilities, strict=True)
                )
                if i != index
            )
            for weight in np.linspace(0, 1, 21):
                trial = [*weights]
                trial[index] = float(weight)
                if not sum(trial):
                    continue
                mixed = others + np.float32(weight) * probabilities[index]
                error = evaluation.topk_error(mixed, labels, k)
                if error < best:
                    best, weights = error, trial
            if progress is not None:
                progress.update(1)
        if weights == before:
            break
    return weights


def submission(probabilities, synsets):
    """Returns ILSVRC's submission: five labels a line, best first.

    Args:
        probabilities: `(n, 1000)`, images in the order of their files.
        synsets: WordNet ids by label.

    Returns:
        Text, whose numbers are ILSVRC2012_IDs: the devkit's order of the
        classes, from 1, and not that of the labels.

    Raises:
        ValueError: A class is none of ILSVRC-2012's.
    """
    numbers = ilsvrc2012.devkit_ids()
    unknown = [synset for synset in synsets if synset not in numbers]
    if unknown or len(synsets) != len(numbers):
        raise ValueError(
            "A submission needs the 1,000 classes of ILSVRC-2012, by WordNet "
            f"id. Received: {len(synsets)} classes"
            + (f", among them {unknown[0]}" if unknown else "")
        )
    ids = np.array([numbers[synset] for synset in synsets])
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :5]
    return "".join(" ".join(map(str, row)) + "\n" for row in ids[best])


def _check_same(first_path, first, path, arrays):
    """Refuses files of other images, or of other classes."""
    for name in ("file_names", "labels"):
        if len(first[name]) != len(arrays[name]):
            words = f"{len(first[name])} and {len(arrays[name])} images"
        elif not np.array_equal(first[name], arrays[name]):
            image = int(np.argmax(first[name] != arrays[name]))
            words = (
                f"{first[name][image]} and {arrays[name][image]} at image "
                f"{image}"
            )
        else:
            continue
        raise ValueError(
            f"{first_path} and {path} must have the same images in the same "
            f"order. Found: {words}. Evaluate both on one data set."
        )
    shapes = [a["probabilities"].shape[1] for a in (first, arrays)]
    if shapes[0] != shapes[1]:
        raise ValueError(
            f"{first_path} and {path} must have the same classes. Found: "
            f"{shapes[0]} and {shapes[1]}"
        )
