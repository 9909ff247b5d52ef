"""Errors of several networks together: the means of their probabilities.

    python -m tools.ensemble --predictions=a.npz,b.npz,c.npz --output=abc.npz

The "5 CNNs" of Table 2 are five such files, from five seeds, in one command;
the "7 CNNs" are these and two that were fine-tuned (--config.init_from).
--search finds weights on these very images, as the authors' program does: use
them on other images with --weights, since here they flatter.
"""

if __name__ == "__main__" and not __package__:
    import by_path  # noqa: F401, makes it `python -m tools.NAME`

import pathlib

from alexnet_tf import evaluation, predictions, protocol
from alexnet_tf.cli import program, progress
from input_pipeline import files

flags = program.Flags()

_PREDICTIONS = flags.DEFINE_list(
    "predictions",
    None,
    "Files of tools.evaluate with commas: a.npz,b.npz; the same images.",
    required=True,
)
_WEIGHTS = flags.DEFINE_list(
    "weights", None, "One for each file, such as 0.5,0.3,0.2; equal if none."
)
_SEARCH = flags.DEFINE_boolean(
    "search", False, "Whether to search weights for the least top-5 error."
)
_OUTPUT = flags.DEFINE_string(
    "output", None, "npz file for the mean, such as ensemble.npz; or nothing."
)
_SUBMISSION = flags.DEFINE_string(
    "submission",
    None,
    "Text file of five ILSVRC2012_IDs a line, such as test.txt.",
)


def main(argv):
    """Prints each file's errors and those of all together."""
    if _WEIGHTS.value and _SEARCH.value:
        raise ValueError("Either --weights or --search. Received: both")
    paths = [path for path in _PREDICTIONS.value if path]
    output = pathlib.Path(_OUTPUT.value) if _OUTPUT.value else None
    if output and output.suffix != ".npz":
        raise ValueError(
            f"output must end with .npz; its .json is written next to it. "
            f"Received: {output}"
        )
    found, labels, names = predictions.load_all(paths)
    weights = [float(w) for w in _WEIGHTS.value] if _WEIGHTS.value else None
    if _SEARCH.value:
        with progress.Progress("search", 5 * len(found), "weights") as bar:
            weights = predictions.search_weights(found, labels, progress=bar)
    mean = predictions.weighted_mean(found, weights)
    title = f"{len(found)} network{'s' * (len(found) > 1)}"
    if weights:
        title += f", weights {', '.join(f'{w:.2f}' for w in weights)}"
    scores = {}
    if evaluation.has_labels(labels):
        for path, each in zip(paths, found, strict=True):
            print(f"{path}: {_words(each, labels)}")
        scores = evaluation.errors(mean, labels)
        print(f"{title}: {_words(mean, labels)}")
    else:
        print(f"{title}: {len(labels)} images without labels, no errors")
    if _SEARCH.value:
        print(
            "These weights were searched on these images: the error is too "
            "low. Take them to others with --weights."
        )
    synsets = predictions.load(paths[0]).get("synsets")
    if output:
        arrays = {"probabilities": mean, "labels": labels, "file_names": names}
        if synsets is not None:
            arrays["synsets"] = synsets
        predictions.save(output, arrays)
        record = {
            **scores,
            "num_images": len(labels),
            "predictions": paths,
            "weights": weights or [1 / len(found)] * len(found),
            "searched_on_these_images": _SEARCH.value,
        }
        files.write_json(output.with_suffix(".json"), record)
        print(output)
    if _SUBMISSION.value:
        if synsets is None:
            raise ValueError(
                f"{paths[0]} must name its classes for a submission, as files "
                "of this version of tools.evaluate do. Evaluate again."
            )
        text = predictions.submission(mean, synsets.tolist())
        path = pathlib.Path(_SUBMISSION.value)
        files.write_atomically(path, text.encode())
        print(path)


def _words(probabilities, labels):
    """Returns errors in words."""
    scores = evaluation.errors(probabilities, labels)
    return protocol.describe_errors(scores, probabilities.shape[1])


if __name__ == "__main__":
    program.run(main, flags)
