"""Evaluates a run on other people's test sets."""

import dataclasses

import numpy as np

from alexnet_tf import evaluation, protocol, robustness
from alexnet_tf.experiment import evaluate as evaluates
from input_pipeline import files, pipeline, test_sets, tfds_source, transforms


def is_other(run):
    """Says whether a run's data directory is a test set of other people.

    One of `test_sets.RULES`, or a set of TFDS with other classes than those
    that the run was trained on.
    """
    directory = str(run.config.data.directory)
    if test_sets.is_known(directory):
        return True
    if not directory.startswith("tfds:"):
        return False
    found = run.source.info
    words = [s for s in found.synsets if s in set(run.info.synsets)]
    return found.synsets != run.info.synsets and bool(words)


def names_of(directory):
    """Returns the sets of TFDS that a data directory names.

    "tfds:imagenet2012_corrupted/*" is all fifteen corruptions in their five
    severities; ".../fog" is the five of one.
    """
    name = directory.removeprefix("tfds:")
    base, _, kind = name.partition("/")
    if base != test_sets.CORRUPTED or kind not in (
        "",
        "*",
        *robustness.ALEXNET_ERRORS,
    ):
        return [name]
    kinds = [kind] if kind.strip("*") else robustness.ALEXNET_ERRORS
    return [
        f"{base}/{kind}_{severity}"
        for kind in kinds
        for severity in robustness.SEVERITIES
    ]


def evaluate(run, classifier, how, make_progress):
    """Yields the result of each set that the run's data directory names.

    Files go to WORKDIR/predictions/SET, as `evaluate.evaluate` writes them.

    Args:
        run: An `experiment.Experiment`.
        classifier: Its `Classifier`.
        how: A dict: "step", the classifier's; "crops", 1 or 10, of which sets
            whose images are stored as crops have 1; and "ties".
        make_progress: Called as `make_progress(name, total)`, returns a scope
            with `update(images)`.

    Yields:
        A dict, with "name" and "path"; at the end, where there are several
        corruptions, what `robustness.corruption_errors` returns.

    Raises:
        FileNotFoundError: None of them is prepared.
        ValueError: The run does not know a class that has images.
    """
    names = names_of(str(run.config.data.directory))
    predictor = evaluation.make_predictor(classifier.model)
    missing, errors = None, {}
    for name in names:
        try:
            source = _open(run, classifier, name)
        except FileNotFoundError as error:
            missing = error
            continue
        result = _evaluate_one(
            run,
            classifier,
            source,
            {**how, "name": name},
            predictor,
            make_progress,
        )
        if len(names) > 1:
            kind, _, severity = name.partition("/")[2].rpartition("_")
            errors[kind, int(severity)] = result["top1_error"]
        yield result
    if missing and not errors:
        raise missing
    if len(names) > 1:
        yield _write_corruptions(run, how["step"], errors)


def _open(run, classifier, name):
    """Returns a set with its images at the size that they are seen in."""
    size = classifier.image_size
    if test_sets.rules_of(name).size == "stored":
        size = classifier.crop_size
    config = dataclasses.replace(
        run.data_config(), directory=f"tfds:{name}", image_size=size
    )
    return tfds_source.Tfds(name, config)


def _evaluate_one(run, classifier, source, how, predictor, make_progress):
    """Evaluates one set, writes its files and returns the result."""
    rules = test_sets.rules_of(how["name"])
    mean_image = np.asarray(classifier.statistics.mean_image)
    # TFDS calls it test or validation: the source knows both.
    how = {**how, "split": "validation"}
    if rules.size == "stored":
        how["crops"] = 1
        mean_image = transforms.center_crop(mean_image, classifier.crop_size)
    dataset = pipeline.make_eval_dataset(
        source,
        run.config.data,
        how["split"],
        how["crops"],
        True,
        mean_image,
        skipped=run.skipped,
    )
    total = source.info.splits[how["split"]].num_images
    with make_progress(how["name"], total) as bar:
        found = evaluation.predict(predictor, dataset, bar, count=total)
    labels = robustness.match_classes(
        source.info.synsets, run.info.synsets, found["labels"]
    )
    count = len(labels)
    result = evaluates.make_result(run, classifier, how, count, total)
    result["name"] = how["name"]
    result["protocol"] |= _protocol(source, rules, classifier)
    result |= _score(
        run, classifier, rules, found["probabilities"], labels, how["ties"]
    )
    found["labels"] = labels
    if rules.many_labels:
        found |= {"labels": np.full(count, -1), "real_labels": labels}
    folder = how["name"].replace("/", "-")
    return {**result, "path": evaluates.write(run, found, result, folder)}


def _score(run, classifier, rules, probabilities, labels, ties):
    """Returns the figures of a set by its rules."""
    if rules.many_labels:
        return robustness.real_error(probabilities, labels)
    names, more = classifier.class_names, {}
    if rules.restricts:
        probabilities, labels, classes = robustness.restrict(
            probabilities, labels
        )
        names = [names[label] for label in classes]
        more = {"synsets": [run.info.synsets[label] for label in classes]}
    found = {"probabilities": probabilities, "labels": labels}
    return {**protocol.score(names, found, ties), **more}


def _protocol(source, rules, classifier):
    """Returns what a set's protocol has besides, or otherwise."""
    found = {"data": source.info.source["tfds"], "rules": rules.source}
    if rules.restricts:
        found["classes"] = "those that occur in the set compete alone"
    if rules.many_labels:
        found["classes"] = "right if among an image's labels; without: left out"
    if rules.size == "stored":
        side = classifier.crop_size
        found["resize"] = f"as stored, {side} x {side}, no crop"
    return found


def _write_corruptions(run, step, errors):
    """Writes and returns the corruption errors and their mean."""
    found = {
        **robustness.corruption_errors(errors),
        "relative_to": robustness.ALEXNET_ERRORS,
        "source": test_sets.RULES[test_sets.CORRUPTED].source,
        "step": step,
    }
    folder = run.workdir / "predictions" / test_sets.CORRUPTED
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"corruption-errors-{step:08d}.json"
    files.write_json(path, found)
    return {**found, "path": path}
