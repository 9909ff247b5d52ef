"""Every kind of source by name, opened from one set of options."""

import dataclasses
import hashlib

from input_pipeline import files
from input_pipeline.conversion.sources import labels

# What each kind is opened by, and an example.
KINDS = {
    "ilsvrc_dir": "Folder with the official ILSVRC archives as downloaded, "
    "never unpacked: --ilsvrc_dir=downloads",
    "image_dir": "Folder with train/CLASS/* and val/CLASS/*, or a tar for each "
    "class; Tiny ImageNet's too; or a tar of such tars: "
    "--image_dir=tiny-imagenet-200",
    "kaggle_dir": "Kaggle's ImageNet, the folder that holds ILSVRC/ and "
    "LOC_val_solution.csv: --kaggle_dir=imagenet",
    "parquet": "Hugging Face's files, images in rows: "
    "--parquet='imagenet-1k/data/*.parquet'",
    "webdataset": "WebDataset's tar shards, with --class_list: "
    "--webdataset='shards/*.tar'",
    "cifar10_dir": "CIFAR-10, unpacked: binary, python or class folders; it is "
    "validated on its test images: --cifar10_dir=cifar-10-batches-bin",
    "tfds": "A data set that TFDS has prepared: --tfds=imagenette",
}
# What may come with one of them.
OPTIONS = {
    "tfds_data_dir": "Where TFDS keeps its sets: --tfds_data_dir=~/data",
    "class_list": "File with a WordNet id in each line: only these classes, or "
    "those that labels 0, 1, ... mean: --class_list=imagenet100.txt",
}
VALIDATION_FRACTION = (
    "With --image_dir without validation images: the share of each class that "
    "becomes the validation split: --validation_fraction=0.5"
)
CHECK_ARCHIVES = (
    "With --ilsvrc_dir: compare the official MD5 sums first: --check_archives"
)
# Options that belong to some kinds of source.
_OWNERS = {
    "tfds_data_dir": ("tfds",),
    "validation_fraction": ("image_dir",),
    "check_archives": ("ilsvrc_dir",),
    "class_list": (
        "ilsvrc_dir",
        "image_dir",
        "kaggle_dir",
        "parquet",
        "webdataset",
    ),
}


@dataclasses.dataclass(frozen=True)
class SourceOptions:
    """Where the images are.

    Attributes:
        kind: One of `KINDS`.
        location: Folder, path with wildcards, or name of the TFDS data set.
        tfds_data_dir: Where TFDS keeps its data sets; None for its default.
        validation_fraction: For `image_dir` without validation images.
        check_archives: For `ilsvrc_dir`: compare the official MD5 sums.
        class_list: File of WordNet ids, a line each: the only classes to
            convert; for `webdataset`, and for `parquet` without paths, the
            classes by the files' own label.
    """

    kind: str
    location: str
    tfds_data_dir: str | None = None
    validation_fraction: float = 0.0
    check_archives: bool = False
    class_list: str | None = None

    def validate(self):
        """Refuses options that belong to another kind of source."""
        for option, kinds in _OWNERS.items():
            if getattr(self, option) and self.kind not in kinds:
                raise ValueError(
                    f"{option} belongs to --{' and --'.join(kinds)}. Received: "
                    f"it and --{self.kind}. Leave it out."
                )
        if self.kind == "webdataset" and not self.class_list:
            raise ValueError(
                "--webdataset needs --class_list=FILE: the numbers in its .cls "
                "files have no order of their own. Line n names class n, from 0"
            )

    def request(self):
        """Returns what decides which images there are, as a dict."""
        request = {self.kind: self.location}
        if self.kind != "tfds":
            request[self.kind] = str(files.local_path(self.location).absolute())
        if self.tfds_data_dir:
            data_dir = files.local_path(self.tfds_data_dir).absolute()
            request["tfds_data_dir"] = str(data_dir)
        if self.validation_fraction:
            request["validation_fraction"] = self.validation_fraction
        if self.class_list:
            text = "\n".join(self._listed())
            request["class_list"] = hashlib.sha256(text.encode()).hexdigest()
        return request

    def _listed(self):
        """Returns the classes of the list; none where there is no list."""
        if not self.class_list:
            return []
        return labels.read_class_list(files.local_path(self.class_list))

    def open(self, on_error, seed):
        """Returns the `Source`.

        Args:
            on_error: "fail" or "skip".
            seed: Of the choice of validation images.
        """
        listed = self._listed()
        opened = self._open(on_error, seed, listed)
        if listed and self.kind != "webdataset":
            labels.restrict(opened, listed)
        return opened

    def _open(self, on_error, seed, listed):
        # Each kind has its own needs: TensorFlow, SciPy, pyarrow.
        if self.kind == "tfds":
            from input_pipeline.conversion.sources import tfds

            data_dir = self.request().get("tfds_data_dir")
            return tfds.open_source(self.location, data_dir)
        location = files.local_path(self.location)
        if self.kind == "ilsvrc_dir":
            from input_pipeline.conversion.sources import ilsvrc

            return ilsvrc.open_source(location, on_error, self.check_archives)
        if self.kind == "image_dir":
            from input_pipeline.conversion.sources import image_folders

            return image_folders.open_source(
                location,
                on_error,
                self.validation_fraction,
                seed,
                listed or None,
            )
        if self.kind == "kaggle_dir":
            from input_pipeline.conversion.sources import kaggle

            return kaggle.open_source(location, on_error)
        if self.kind == "parquet":
            from input_pipeline.conversion.sources import parquet

            return parquet.open_source(location, on_error, listed)
        if self.kind == "webdataset":
            from input_pipeline.conversion.sources import webdataset

            return webdataset.open_source(location, listed, on_error)
        if self.kind == "cifar10_dir":
            from input_pipeline.conversion.sources import cifar10

            return cifar10.open_source(location, on_error)
        raise ValueError(
            f"The kind of source must be one of {list(KINDS)}. "
            f"Received: {self.kind}"
        )
