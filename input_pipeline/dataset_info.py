"""dataset.json: splits, counts, class names and checksums of a data set."""

import dataclasses
import json
import os
import pathlib

from input_pipeline import files

FILE_NAME = "dataset.json"
VERSION = "1.0.0"

# Filters that bring an image to the size of the records.
RESAMPLES = ("triangle", "area", "bicubic", "lanczos")
# What made the records of before the filter was recorded: a blur and linear
# interpolation. Images next to them are brought to size by the triangle, to
# which it is nearest: 44 dB in the mean of 400 photographs, 31 at worst.
BLUR_LINEAR = "blur-linear"
# What becomes a square: the centre, or the whole image.
RESIZES = ("shorter side", "squash")

_REMEDY = "Make it with: python -m tools.build_tfrecords --help"


@dataclasses.dataclass
class Shard:
    """One file of records."""

    file: str
    num_images: int
    sha256: str


@dataclasses.dataclass
class Split:
    """The records of `train`, `validation` or `test`."""

    num_images: int
    shards: list[Shard]


@dataclasses.dataclass
class DatasetInfo:
    """What a folder of records holds.

    Attributes:
        name: Of the data set; shards begin with it.
        image_size: Side of every image in pixels; 0 where sizes differ.
        num_classes: Labels run from 0 to one less.
        synsets: WordNet ids, or folder names, by label.
        class_names: English names by label.
        resample: The filter that brought the images to their size, and that
            brings every other image of the run to it. "triangle" is Pillow's
            BILINEAR, TensorFlow's antialiased bilinear and torchvision's
            Resize; "bicubic" and "lanczos" are named alike everywhere; "area"
            is the mean of what a pixel covers where images shrink and cubic
            where they grow, as the authors' later script has it. "blur-linear"
            is read from files that do not say.
        resize: "shorter side": that becomes `image_size`, and the centre is
            cut out (§2); "squash": both sides do, whatever the image's shape,
            as Caffe's users had it.
        splits: `Split` by name.
        skipped: Dicts `file`, `reason` of the images left out.
        mended: Dicts `file`, `what` of the images that were odd.
        source: What was converted, and how.
        seed: Of the order of the records.
        version: Of this format.
    """

    name: str
    image_size: int
    num_classes: int
    synsets: list[str]
    class_names: list[str]
    splits: dict[str, Split]
    skipped: list[dict] = dataclasses.field(default_factory=list)
    mended: list[dict] = dataclasses.field(default_factory=list)
    source: dict = dataclasses.field(default_factory=dict)
    seed: int = 0
    version: str = VERSION
    resample: str = "triangle"
    resize: str = "shorter side"

    @classmethod
    def load(cls, data_dir: str | os.PathLike[str]) -> "DatasetInfo":
        """Reads `data_dir/dataset.json`.

        Raises:
            FileNotFoundError: There is no such folder, or no such file in it.
            ValueError: The file is not what the converter writes.
        """
        path = pathlib.Path(data_dir) / FILE_NAME
        try:
            text = path.read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            raise FileNotFoundError(_missing(path)) from None
        try:
            return cls._from_dict(json.loads(text))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path} must be as the converter wrote it. Received: "
                f"{type(error).__name__}: {error}. {_REMEDY}"
            ) from None

    def save(self, data_dir: str | os.PathLike[str]) -> None:
        """Writes `data_dir/dataset.json`; the old one stays until the end."""
        path = pathlib.Path(data_dir) / FILE_NAME
        files.write_json(path, dataclasses.asdict(self))

    @classmethod
    def _from_dict(cls, fields):
        """Builds the nested dataclasses and checks that they agree."""
        fields = {"resample": _unrecorded_filter(fields), **fields}
        fields["splits"] = {
            name: Split(
                num_images=split["num_images"],
                shards=[Shard(**shard) for shard in split["shards"]],
            )
            for name, split in fields["splits"].items()
        }
        info = cls(**fields)
        info._check()
        return info

    def _check(self):
        """Refuses unknown filters, and counts that contradict each other."""
        check_resample(self.resample)
        check_resize(self.resize)
        for words in (self.synsets, self.class_names):
            if len(words) != self.num_classes:
                raise ValueError(
                    f"num_classes is {self.num_classes}, but {len(words)} "
                    "classes are named"
                )
        for name, split in self.splits.items():
            total = sum(shard.num_images for shard in split.shards)
            if total != split.num_images:
                raise ValueError(
                    f"the shards of {name} hold {total} images, but "
                    f"num_images is {split.num_images}"
                )


def check_resample(resample):
    """Refuses a filter that is none of `RESAMPLES`."""
    if resample not in (*RESAMPLES, BLUR_LINEAR):
        raise ValueError(
            f"resample must be one of {', '.join(RESAMPLES)}. "
            f"Received: {resample!r}"
        )


def check_resize(resize):
    """Refuses what is none of `RESIZES`."""
    if resize not in RESIZES:
        raise ValueError(
            f"resize must be one of {', '.join(RESIZES)}. Received: {resize!r}"
        )


def _unrecorded_filter(fields):
    """Returns the filter of a data set from before it was recorded."""
    source = fields.get("source", {})
    return "area" if {"tfds", "synthetic"} & {*source} else BLUR_LINEAR


def _missing(path):
    """Says which part of the path does not exist."""
    if not path.parent.is_dir():
        return f"There is no folder {path.parent}. {_REMEDY}"
    return (
        f"{path.parent} holds no {FILE_NAME}: it is no data set, or its "
        f"conversion has not finished. {_REMEDY}"
    )
