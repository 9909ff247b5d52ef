r"""Shows what in images a network looked at.

    python -m tools.explain --workdir=runs/alexnet cat.jpg photographs
    python -m tools.explain --workdir=runs/alexnet --class="tiger cat" \
        --layer=conv3 --output=cat.pdf cat.jpg
    python -m tools.explain --workdir=runs/alexnet --method=occlusion cat.jpg
    python -m tools.explain --model=runs/alexnet/export cat.jpg

Of a folder every image file is taken. Each picture has the crop that the
network saw, and beside it what speaks for its best class, or for --class. The
methods: gradcam (Selvaraju et al. 2017), guided backpropagation (Springenberg
et al. 2014), occlusion and deconvnet (Zeiler and Fergus 2013); of a whole split
by `python -m tools.make_figures --figure=deconvnet`.
"""

if __name__ == "__main__" and not __package__:
    import by_path  # noqa: F401, makes it `python -m tools.NAME`

from absl import app

from alexnet_tf.cli import program, progress

flags = program.Flags()

_WORKDIR = flags.DEFINE_string(
    "workdir",
    None,
    "Folder of a run, such as runs/alexnet; a preset; published weights.",
)
_MODEL = flags.DEFINE_string(
    "model", None, "Instead: a SavedModel, such as runs/alexnet/export."
)
_CHECKPOINT = flags.DEFINE_checkpoint()
_METHOD = flags.DEFINE_enum(
    "method",
    "gradcam",
    ["gradcam", "occlusion", "guided", "deconvnet"],
    "What to show: --method=occlusion.",
)
_LAYER = flags.DEFINE_string(
    "layer",
    None,
    "Of gradcam and deconvnet, such as conv3; the last if not given.",
)
_CLASS = flags.DEFINE_string(
    "class",
    None,
    "By number, WordNet id or name: 281, n02123045, tabby. Each image's best "
    "if not given.",
)
_MAP = flags.DEFINE_integer(
    "map",
    None,
    "Of deconvnet, a feature map, such as 12; the one that answers most "
    "strongly if not given.",
)
_WINDOW = flags.DEFINE_integer(
    "window", None, "Of occlusion, the square's side in pixels, such as 48."
)
_STRIDE = flags.DEFINE_integer(
    "stride", None, "Of occlusion, pixels between its places, such as 16."
)
_OUTPUT = flags.DEFINE_string(
    "output",
    "explained",
    "A file for one image (.png, .pdf, .svg), or a folder of NAME-METHOD.png.",
)
_FORMATS = flags.DEFINE_list(
    "formats", ["png"], "Of the files in a folder: --formats=png,pdf,svg."
)
_OVERWRITE = flags.DEFINE_bool(
    "overwrite", False, "Whether pictures that are there may be replaced."
)


def main(argv):
    """Draws a picture of each image, and prints where it is."""
    if len(argv) < 2:
        raise app.UsageError("Name one image file or more, or folders.")
    if bool(_MODEL.value) == bool(_WORKDIR.value):
        raise app.UsageError("Give either --workdir or --model.")
    asked = (_CLASS.value, _LAYER.value, _MAP.value)
    if _MODEL.value and (asked != (None,) * 3 or _METHOD.value != "gradcam"):
        raise app.UsageError(
            "A SavedModel has Grad-CAM of the best class alone. Give --workdir."
        )
    from alexnet_tf.classifier import find_images
    from alexnet_tf.experiment import explain as explaining

    images = find_images(argv[1:])
    chosen = explaining.choose_files(
        images, _OUTPUT.value, _METHOD.value, _FORMATS.value, _OVERWRITE.value
    )
    if _MODEL.value:
        explain, caption = explaining.by_saved_model(_MODEL.value)
    else:
        explain, caption = explaining.by_workdir(
            _WORKDIR.value,
            _CHECKPOINT.value,
            method=_METHOD.value,
            label=_CLASS.value,
            layer_name=_LAYER.value,
            channel=_MAP.value,
            window=_WINDOW.value,
            stride=_STRIDE.value,
        )
    with progress.Progress("explain", len(images), "images") as bar:
        drawn, refused = explaining.explain_files(
            explain, images, chosen, caption, bar
        )
    print(*drawn, sep="\n")
    if refused:
        raise ValueError("; ".join(refused))


main.takes_arguments = True

if __name__ == "__main__":
    program.run(main, flags)
