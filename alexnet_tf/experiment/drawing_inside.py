"""Figures of what a run's units see and want, with their captions."""

from alexnet_tf.analysis import figures, sheets, top_images, units
from alexnet_tf.analysis.deconvnet import Deconvnet
from alexnet_tf.analysis.receptive_field import receptive_field
from alexnet_tf.experiment import captions

_TOP = 9
# Maps and units that are shown where none are named.
_MAPS, _UNITS = 6, 10


def draw_feature_maps(
    run, paths, make_progress, checkpoint, layer_name, channels, split
):
    """Draws Zeiler and Fergus' Figure 2: the images that move maps most.

    Args:
        run: An `Experiment`.
        paths: Files to write, PNG, PDF or SVG by their endings.
        make_progress: Called with the number of images, or of steps, gives a
            `Progress`.
        checkpoint: "last", "best" or a step.
        layer_name: A convolution; the last one, if `None`.
        channels: Numbers of feature maps, perhaps as texts; the first ones, if
            empty.
        split: Whose images.

    Raises:
        ValueError: There is no such layer, map or split, or it is empty.
    """
    classifier, step = run.load_classifier(checkpoint)
    net = Deconvnet(classifier.model, layer_name)
    channels = numbers_of(channels) or range(min(_MAPS, net.channels))
    dataset = run.make_eval_dataset(split, 1)
    with make_progress(run.num_images(split)) as bar:
        found = top_images.find_top_images(net, dataset, channels, _TOP, bar)
    field = receptive_field(classifier.model, net.layer_name)
    mean_rgb = classifier.statistics.mean_rgb
    shown = [
        (
            f"{net.layer_name}, map {one.channel}: {one.strengths[0]:.3g} to "
            f"{one.strengths[-1]:.3g}",
            *top_images.show(net, one, field, mean_rgb),
        )
        for one in found
    ]
    size = min(field.size, classifier.crop_size)
    how = (
        f"The {_TOP} centre crops of the {split} split that move a feature map "
        "most, strongest first: left what moves it, projected by a deconvnet "
        "(Zeiler and Fergus 2013), each on a scale of its own, right the "
        f"{size} x {size} pixels that its activation sees. Above: the "
        "activations of the first and the last."
    )
    sheets.plot_feature_maps(paths, shown, captions.describe(run, step, how))


def draw_units(
    run, paths, make_progress, checkpoint, layer_name, chosen, steps, seed
):
    """Draws what classes, or other units, want to see.

    Args:
        run: An `Experiment`.
        paths: Files to write, PNG, PDF or SVG by their endings.
        make_progress: Called with the number of images, or of steps, gives a
            `Progress`.
        checkpoint: "last", "best" or a step.
        layer_name: A layer; the classes', if `None`.
        chosen: Numbers of units; the first ones, if empty. Of the classes'
            layer, also WordNet ids or names.
        steps: Of the climb.
        seed: Of its beginning.

    Raises:
        ValueError: There is no such layer, unit or class.
    """
    classifier, step = run.load_classifier(checkpoint)
    model, of_classes = classifier.model, layer_name is None
    if of_classes:
        layer_name = model.layers[-1].name
        numbers = [classifier.find_class(text) for text in chosen]
        count = len(classifier.class_names)
    else:
        numbers = numbers_of(chosen)
        count = units.count_units(model, layer_name)
    numbers = numbers or list(range(min(_UNITS, count)))
    with make_progress(steps) as bar:
        images, values = units.maximize(
            model,
            layer_name,
            numbers,
            mean_rgb=classifier.statistics.mean_rgb,
            covariance=classifier.statistics.covariance,
            steps=steps,
            seed=seed,
            progress=bar,
        )
    names = [
        figures.short(classifier.class_names[number])
        if of_classes
        else f"{layer_name}, {number}"
        for number in numbers
    ]
    how = (
        "Images that move units as far as they can be moved: activation "
        f"maximization, {steps} steps, seed {seed}; no training image was used."
    )
    sheets.plot_units(
        paths,
        images,
        [f"{n}: {v:.3g}" for n, v in zip(names, values, strict=True)],
        captions.describe(run, step, how),
    )


def numbers_of(texts):
    """Returns whole numbers, of texts.

    Raises:
        ValueError: One is none.
    """
    wrong = [text for text in texts if not str(text).strip().isdecimal()]
    if wrong:
        raise ValueError(
            f"Units must be numbers from 0. Received: {', '.join(wrong)}"
        )
    return [int(text) for text in texts]
