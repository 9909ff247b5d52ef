"""Evaluates a run on a split, and writes what was found."""

import numpy as np

from alexnet_tf import evaluation, predictions, protocol
from alexnet_tf.experiment import workdir
from input_pipeline import files


def evaluate(run, classifier, how, make_progress):
    """Evaluates a split of a run's own data set, and writes two files.

    They are WORKDIR/predictions/SPLIT-STEP-CROPS.npz and .json.

    Args:
        run: An `experiment.Experiment`.
        classifier: Its `Classifier`.
        how: A dict of the result's "split", "crops", "step" and "ties".
        make_progress: Called as `make_progress(total)`, returns a scope with
            `update(images)`.

    Returns:
        The result, a dict, and the path of the probabilities.

    Raises:
        ValueError: There are other images than those of the run.
    """
    split = how["split"]
    dataset = run.make_eval_dataset(split, how["crops"], file_names=True)
    total = run.num_images(split)
    with make_progress(total) as bar:
        predictor = evaluation.make_predictor(classifier.model)
        found = evaluation.predict(predictor, dataset, bar, count=total)
    if len(found["labels"]) < total and run.config.data.on_error == "fail":
        raise ValueError(
            f"{split} must have {total} images, as dataset.json says. "
            f"Found: {len(found['labels'])}. List the faults with: "
            "python -m tools.verify_tfrecords --help"
        )
    scores = protocol.evaluate(classifier, found, how["ties"])
    result = make_result(run, classifier, how, len(found["labels"]), total)
    result |= scores
    if run.config.data.on_error == "skip":
        # Where the rows are in the split, for the figures.
        found["positions"] = run.whole_positions(split)
    return result, write(run, found, result)


def make_result(run, classifier, how, num_images, total):
    """Returns a result without its figures: images and protocol.

    Args:
        run: See `evaluate`.
        classifier: The same.
        how: The same.
        num_images: Images that were evaluated.
        total: Images that the split should have.
    """
    crops, ties = how["crops"], how["ties"]
    return {
        "num_images": num_images,
        "skipped_images": total - num_images,
        "crops": crops,
        "split": how["split"],
        "step": how["step"],
        "protocol": {
            "data": run.info.name,
            **protocol.describe(classifier, crops, ties),
            "network": run.config.network_name,
            "without": run.config.without,
            "changes": run.config.changes,
        },
        "revision": workdir.revision(),
    }


def write(run, found, result, folder=""):
    """Writes probabilities and figures; returns the path of the first.

    Args:
        run: See `evaluate`.
        found: What `evaluation.predict` returned, and more arrays perhaps.
        result: The figures.
        folder: In WORKDIR/predictions, of another data set.
    """
    directory = run.workdir / "predictions" / folder
    directory.mkdir(parents=True, exist_ok=True)
    name = f"{result['split']}-{result['step']:08d}-{result['crops']}"
    if result["protocol"]["ties"] != "class order":
        name += "-original"
    arrays = {
        **found,
        "file_names": np.array([n.decode() for n in found["file_names"]]),
        "synsets": np.array(run.info.synsets),
    }
    path = directory / f"{name}.npz"
    predictions.save(path, arrays)
    files.write_json(directory / f"{name}.json", result)
    return path
