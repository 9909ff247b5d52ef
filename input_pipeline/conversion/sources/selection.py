"""Every kind of source by name, opened from one set of options."""

import dataclasses
import pathlib

KINDS = ("ilsvrc_dir", "image_dir", "cifar10_dir", "tfds")


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
        owners = {
            "tfds_data_dir": "tfds",
            "validation_fraction": "image_dir",
            "check_archives": "ilsvrc_dir",
        }
        for option, kind in owners.items():
            if getattr(self, option) and self.kind != kind:
                raise ValueError(
                    f"{option} belongs to --{kind}. Received: it and "
                    f"--{self.kind}. Leave it out."
                )

    def request(self):
        """Returns what decides which images there are, as a dict."""
        location = self.location
        if self.kind != "tfds":
            location = str(pathlib.Path(location).absolute())
        request = {self.kind: location}
        if self.validation_fraction:
            request["validation_fraction"] = self.validation_fraction
        return request

    def open(self, on_error, seed):
        """Returns the `Source`.

        Args:
            on_error: "fail" or "skip".
            seed: Of the choice of validation images.
        """
        if self.kind == "ilsvrc_dir":
            from input_pipeline.conversion.sources import ilsvrc

            return ilsvrc.open_source(
                self.location, on_error, self.check_archives
            )
        if self.kind == "image_dir":
            from input_pipeline.conversion.sources import image_folders

            return image_folders.open_source(
                self.location, on_error, self.validation_fraction, seed
            )
        if self.kind == "cifar10_dir":
            from input_pipeline.conversion.sources import cifar10

            return cifar10.open_source(self.location, on_error)
        if self.kind == "tfds":
            from input_pipeline.conversion.sources import tfds

            return tfds.open_source(self.location, self.tfds_data_dir)
        raise ValueError(
            f"The kind of source must be one of {KINDS}. Received: {self.kind}"
        )
