"""Image files explained as pictures, each in a file of its own."""

import pathlib

import numpy as np
import tensorflow as tf

from alexnet_tf import export
from alexnet_tf.analysis import explanations, figures, overlays, publish
from alexnet_tf.experiment import captions, pretrained
from alexnet_tf.experiment.experiment import open_workdir
from alexnet_tf.experiment.loading import load_classifier

# Images that are explained together.
_BATCH = 16


def choose_files(images, output, method, kinds, overwrite=False):
    """Returns where each image's explanation goes.

    Args:
        images: Paths.
        output: A file, for one image; or a folder.
        method: What the files of a folder are called by.
        kinds: Endings of the files, of `publish.FORMATS`.
        overwrite: Whether files may be there.

    Returns:
        For each image a list of paths, one of each kind.

    Raises:
        FileExistsError: One is there already.
        ValueError: A file is to hold several pictures, or of an unknown kind.
    """
    output = pathlib.Path(output)
    publish.check_formats(kinds)
    if output.suffix and not output.is_dir():
        if len(images) > 1:
            raise ValueError(
                f"{len(images)} images make as many pictures: --output must "
                f"be a folder. Received: {output}"
            )
        chosen = [publish.paths_of(output, ["png"])]
    else:
        chosen, taken = [], set()
        for image in images:
            name = stem = f"{pathlib.Path(image).stem}-{method}"
            # Of another folder.
            while name in taken:
                name = f"{stem}-{len(taken)}"
            taken.add(name)
            chosen.append([output / f"{name}.{kind}" for kind in kinds])
    there = [path for paths in chosen for path in paths if path.exists()]
    if there and not overwrite:
        raise FileExistsError(
            f"{there[0]} is there already. Choose another --output, or say "
            "--overwrite."
        )
    return chosen


def explain_files(explain, images, chosen, caption, progress):
    """Draws the explanations of image files.

    Args:
        explain: A function of paths to as many pairs: an `Explanation` and
            `None`, or `None` and what is wrong with the file.
        images: Paths.
        chosen: What `choose_files` returned.
        caption: See `publish.save`.
        progress: Has `update(images)`.

    Returns:
        Two lists: the files that were written; and what is wrong, a text for
        each image that is not explained. The others are.
    """
    drawn, refused = [], []
    for start in range(0, len(images), _BATCH):
        some = slice(start, start + _BATCH)
        for found, paths in zip(
            explain(images[some]), chosen[some], strict=True
        ):
            explanation, fault = found
            if fault:
                refused.append(fault)
            else:
                paths[0].parent.mkdir(parents=True, exist_ok=True)
                overlays.draw(paths, explanation, caption)
                drawn += paths
            progress.update(1)
    return drawn, refused


def by_workdir(path, checkpoint="last", label=None, **how):
    """Returns a function for `explain_files`, and its caption.

    Args:
        path: A workdir, a preset or a published file.
        checkpoint: Of a workdir: "last", "best" or a step.
        label: A class, as `Classifier.find_class` takes it, or `None`.
        **how: Of `explanations.Explainer`.
    """
    if pretrained.is_workdir(path):
        run = open_workdir(path)
        classifier, step = run.load_classifier(checkpoint)
        caption = captions.describe(run, step)
    else:
        classifier = load_classifier(path)
        caption = f"Weights {pathlib.Path(path).name}."
    if label is not None:
        label = classifier.find_class(label)
    explain = by_classifier(classifier, label=label, **how)
    return explain, f"{caption} {captions.describe_images(classifier)}"


def by_classifier(classifier, **how):
    """Returns a function for `explain_files`.

    Args:
        classifier: A `Classifier`.
        **how: Of `explanations.Explainer`.
    """
    explainer = explanations.Explainer(classifier, **how)

    def explain(images):
        squares, found = {}, [(None, None)] * len(images)
        for place, image in enumerate(images):
            try:
                squares[place] = np.asarray(classifier.read(image))
            except ValueError as error:
                found[place] = (None, str(error))
        if squares:
            answers = explainer(np.stack(list(squares.values())))
            for place, answer in zip(squares, answers, strict=True):
                found[place] = (answer, None)
        return found

    return explain


def by_saved_model(path):
    """Returns a function for `explain_files`, and its caption.

    Args:
        path: Of an exported model, or the folder of its versions.

    Raises:
        FileNotFoundError: There is none.
        ValueError: It was exported without the signature explain.
    """
    version = export.find_version(path)
    model = export.load(version)
    if "explain" not in model.signatures:
        raise ValueError(
            f"{version} must have the signature explain. Export it again with: "
            "python -m tools.export"
        )

    def explain_one(image):
        file = tf.constant([pathlib.Path(image).read_bytes()])
        answers = {}
        for name in ("preprocess", "serving_default", "explain"):
            try:
                answers.update(model.signatures[name](image_bytes=file))
            except tf.errors.InvalidArgumentError:
                return None, f"{image} must be a whole JPEG or PNG image"
        name = figures.short(answers["class_names"][0, 0].numpy().decode())
        return explanations.Explanation(
            crop=answers["crops"][0].numpy(),
            values=answers["map"][0].numpy(),
            title=f"{name}: {float(answers['probabilities'][0, 0]):.1%}",
            words=f"what speaks for {name} in the last convolution (Grad-CAM)",
        ), None

    caption = f"SavedModel {version}, centre crop."
    return lambda images: [explain_one(image) for image in images], caption
