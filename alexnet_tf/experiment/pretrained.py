"""Weights to begin with: a workdir's, a preset's or a published file's."""

import json
import pathlib
import zipfile

import keras

from alexnet_tf import networks
from alexnet_tf.experiment.experiment import open_workdir
from alexnet_tf.weights import assign, preset, published
from alexnet_tf.weights.pretrained import Pretrained, classes_of, facts_of


def read(path, network=None, checkpoint="last"):
    """Returns weights, with all that one must know to use them.

    Args:
        path: A workdir, a preset, or a file .pth, .caffemodel, .npy,
            .safetensors or .keras.
        network: Of files that do not say it (.npy, .keras); else `None`.
        checkpoint: Of a workdir: "last", "best" or a step.

    Returns:
        A `Pretrained`.

    Raises:
        FileNotFoundError: There is no such file or folder.
        ValueError: It is damaged, or no weights of ours.
    """
    path = pathlib.Path(path)
    if str(path) == "imagenet":
        raise ValueError(
            "weights must be a path. Received: 'imagenet'. BUILD.md, Weights "
            "from elsewhere, says where to get published weights."
        )
    if not path.exists():
        raise FileNotFoundError(
            f"There is no {path}. weights must be a preset, a workdir or a "
            "file of weights."
        )
    if preset.is_preset(path) or (path.is_file() and path.suffix != ".keras"):
        return published.read(path, network=network)
    if path.is_dir():
        return from_experiment(open_workdir(path), checkpoint)
    return _read_keras(path, network or networks.PAPER)


def is_workdir(path):
    """Returns whether a path is to be opened as a workdir: any other folder."""
    path = pathlib.Path(path)
    return not path.is_file() and not preset.is_preset(path)


def from_experiment(run, checkpoint="last"):
    """Returns what a workdir holds.

    Args:
        run: An `Experiment`.
        checkpoint: "last", "best" or a step.
    """
    step, arrays = run.load_weights(checkpoint)
    data = run.config.data
    return Pretrained(
        network=run.config.make_network(),
        arrays=arrays,
        class_names=list(run.info.class_names),
        synsets=list(run.info.synsets),
        mean_image=run.statistics.mean_image,
        crop_size=data.crop_size,
        image_size=run.info.image_size,
        resize=run.info.resize,
        resample=run.info.resample,
        mean=data.mean,
        facts={"data": run.info.name, "step": step},
    )


def _read_keras(path, network):
    """Reads what `keras.Model.save` wrote of a network of ours."""
    _check_keras(path)
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
        arrays = assign.to_arrays(model)
        names, synsets = classes_of(model.output_shape[-1])
    except Exception as error:
        # A damaged file fails in zip, HDF5 or anywhere in Keras.
        raise _damaged(path, error) from None
    return Pretrained(
        network=network,
        arrays=arrays,
        class_names=names,
        synsets=synsets,
        mean_image=None,
        crop_size=model.input_shape[1],
        facts=facts_of(path),
    )


def _check_keras(path):
    """Refuses a .keras file that names anything but layers."""
    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
    except (KeyError, OSError, ValueError, zipfile.BadZipFile) as error:
        raise _damaged(path, error) from None
    todo = [config]
    while todo:
        value = todo.pop()
        if isinstance(value, dict):
            module = value.get("module")
            if "class_name" in value and module is not None:
                root = str(module).split(".")[0]
                if root not in ("keras", "alexnet_tf", "builtins"):
                    raise ValueError(
                        f"{path} must hold layers of Keras and ours. Found: "
                        f"{module}.{value['class_name']}; nothing was run"
                    )
            todo += value.values()
        elif isinstance(value, list):
            todo += value


def _damaged(path, error):
    return ValueError(
        f"{path} must be a whole .keras file of a network of ours. Found: "
        f"{type(error).__name__}: {error}"
    )
