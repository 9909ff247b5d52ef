"""Every kind of source by name, opened from one set of options."""

import dataclasses

from input_pipeline import files

KINDS = ("ilsvrc_dir", "image_dir", "cifar10_dir", "tfds")
# Options that belong to some kinds of source.
_OWNERS = {
    "tfds_data_dir": ("tfds",),
    "validation_fraction": ("image_dir",),
    "check_archives": ("ilsvrc_dir",),
}


@dataclasses.dataclass(frozen=True)
class SourceOptions:
    """Where the images are.

    Attributes:
        kind: One of `KINDS`.
        location: Folder, or name of the TFDS data set.
        tfds_data_dir: Where TFDS keeps its data sets; None for its default.
        validation_fraction: For `image_dir` without validation images.
        check_archives: For `ilsvrc_dir`: compare the official MD5 sums.
    """

    kind: str
    location: str
    tfds_data_dir: str | None = None
    validation_fraction: float = 0.0
    check_archives: bool = False

    def validate(self):
        """Refuses options that belong to another kind of source."""
        for option, kinds in _OWNERS.items():
            if getattr(self, option) and self.kind not in kinds:
                raise ValueError(
                    f"{option} belongs to --{' and --'.join(kinds)}. Received: "
                    f"it and --{self.kind}. Leave it out."
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
        return request

    def open(self, on_error, seed):
        """Returns the `Source`.

        Args:
            on_error: "fail" or "skip".
            seed: Of the choice of validation images.
        """
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
                location, on_error, self.validation_fraction, seed
            )
        if self.kind == "cifar10_dir":
            from input_pipeline.conversion.sources import cifar10

            return cifar10.open_source(location, on_error)
        raise ValueError(
            f"The kind of source must be one of {KINDS}. Received: {self.kind}"
        )
