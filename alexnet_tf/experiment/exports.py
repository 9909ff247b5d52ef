"""A run as files for other programs, by the name of a format."""

import dataclasses
from typing import Any

from alexnet_tf import export
from alexnet_tf.experiment import pretrained
from alexnet_tf.export import frozen, litert_file, onnx_file, parity, preset

FORMATS = (
    "saved_model",
    "saved_model_frozen",
    "onnx",
    "litert",
    "preset",
    "torch",
)


@dataclasses.dataclass(frozen=True)
class Choices:
    """What a format may be told; `None` is its own default.

    Attributes:
        crops: 1 or 10.
        features: Name of a layer for a second output.
        precision: What is computed with.
    """

    crops: int | None = None
    features: str | None = None
    precision: str | None = None

    def given(self) -> dict[str, Any]:
        """Returns those that are not `None`."""
        fields = dataclasses.asdict(self).items()
        return {k: v for k, v in fields if v is not None}


# Other formats have no choice.
_CHOICES = {
    "onnx": {"crops", "features", "precision"},
    "saved_model_frozen": {"precision"},
}


def write(run, checkpoint, format_, folder, choices, images, make_progress):
    """Writes a new version of a run in one of the formats.

    Args:
        run: An `Experiment`.
        checkpoint: "best", "last" or a step.
        format_: One of `FORMATS`.
        folder: Of the versions.
        choices: A `Choices`.
        images: Validation images that an onnx or litert file is compared on;
            0 for no comparison.
        make_progress: Maps a name, a total and its unit to a scope that has
            `update(count)`.

    Returns:
        The path of the version, and lines of the comparison.

    Raises:
        ValueError: A package is missing, or the format has no such choice.
    """
    _check(format_, choices)
    if format_ in ("preset", "torch"):
        writer = preset.write_preset
        if format_ == "torch":
            writer = preset.write_torch
        found = pretrained.from_experiment(run, checkpoint)
        facts = preset.read_facts(run.workdir)
        return writer(found, facts, folder), []
    if format_.startswith("saved_model"):
        return _write_saved_model(run, checkpoint, format_, folder, choices), []
    # Other programs know no bfloat16; weights are float32 in any case.
    run.config.precision = "float32"
    if images:
        parity.check(".onnx" if format_ == "onnx" else ".tflite")
        # What is missing is missed before the work.
        images = run.sample_images("validation", images)
    else:
        images = None
    writer = _write_onnx if format_ == "onnx" else _write_litert
    version = writer(run, checkpoint, folder, choices, make_progress)
    if images is None:
        return version, []
    return version, _compare(
        run, checkpoint, version, images, choices.crops or 1, make_progress
    )


def _check(format_, choices):
    """Refuses choices that a format does not have."""
    given = choices.given()
    for name in given:
        if name not in _CHOICES.get(format_, ()):
            formats = [f for f, names in _CHOICES.items() if name in names]
            raise ValueError(
                f"{name} must go with format {' or '.join(formats)}. "
                f"Received: format {format_}"
            )


def _write_saved_model(run, checkpoint, format_, folder, choices):
    """Writes a SavedModel, plain or frozen."""
    writer = export.export
    if format_ == "saved_model_frozen":
        writer = frozen.export_frozen
        run.config.precision = frozen.policy(choices.precision)
    classifier, _ = run.load_classifier(checkpoint, native_ops_only=True)
    return writer(classifier, folder)


def _write_onnx(run, checkpoint, folder, choices, make_progress):
    """Writes an ONNX file; no Keras model is built."""
    found = pretrained.from_experiment(run, checkpoint)
    with make_progress("write", 1, "files") as progress:
        return onnx_file.to_onnx(
            found, folder, **choices.given(), progress=progress
        )


def _write_litert(run, checkpoint, folder, choices, make_progress):
    """Writes LiteRT files of all precisions; there are no choices."""
    del choices
    classifier, _ = run.load_classifier(checkpoint, native_ops_only=True)
    count = len(litert_file.PRECISIONS)
    with make_progress("convert", count, "files") as progress:
        return litert_file.to_litert(classifier, folder, progress=progress)


def _compare(run, checkpoint, version, images, crops, make_progress):
    """Returns how near the files of a version are to the network."""
    classifier, step = run.load_classifier(checkpoint, native_ops_only=True)
    total = len(images) * (1 + len(parity.files_of(version)))
    with make_progress("parity", total, "images") as progress:
        return parity.report(classifier, step, version, images, progress, crops)
