"""The two files by which TensorFlow Datasets knows a folder of records.

`tfds.builder_from_directory(DIR)` reads them.
"""

import json
import pathlib

from input_pipeline import files

_FEATURES = "tensorflow_datasets.core.features"


def write(data_dir, info, num_bytes):
    """Writes `dataset_info.json`, `features.json` and the names of the labels.

    Args:
        data_dir: Folder of the records.
        info: Its `DatasetInfo`.
        num_bytes: Size of each split's shards, by name.
    """
    data_dir = pathlib.Path(data_dir)
    contents = {
        "dataset_info.json": _to_json(_describe(info, num_bytes)),
        "features.json": _to_json(_features(info.num_classes)),
        "label.labels.txt": "".join(f"{s}\n" for s in info.synsets),
    }
    for name, text in contents.items():
        files.write_atomically(data_dir / name, text.encode())


def _describe(info, num_bytes):
    """Names, splits and number of records in each shard."""
    return {
        "name": info.name,
        "version": info.version,
        "fileFormat": "tfrecord",
        # For `as_supervised=True`.
        "supervisedKeys": {
            "tuple": {
                "items": [{"featureKey": "image"}, {"featureKey": "label"}]
            }
        },
        "splits": [
            {
                "name": name,
                "numBytes": str(num_bytes[name]),
                "shardLengths": [str(s.num_images) for s in split.shards],
                "filepathTemplate": (
                    "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
                ),
            }
            for name, split in info.splits.items()
        ],
    }


def _features(num_classes):
    """The fields of a record in the words of TFDS."""
    text = {
        "pythonClassName": f"{_FEATURES}.text_feature.Text",
        "text": {},
    }
    image = {
        "pythonClassName": f"{_FEATURES}.image_feature.Image",
        "image": {
            "dtype": "uint8",
            "encodingFormat": "jpeg",
            "shape": {"dimensions": ["-1", "-1", "3"]},
        },
    }
    label = {
        "pythonClassName": f"{_FEATURES}.class_label_feature.ClassLabel",
        "classLabel": {"numClasses": str(num_classes)},
    }
    return {
        "pythonClassName": f"{_FEATURES}.features_dict.FeaturesDict",
        "featuresDict": {
            "features": {
                "file_name": text,
                "image": image,
                "label": label,
                "synset": text,
            }
        },
    }


def _to_json(fields):
    return json.dumps(fields, indent=1) + "\n"
