"""Settings of the input pipeline, with the paper's values as defaults."""

import dataclasses

from input_pipeline import dataset_info

LIGHTINGS = ("stddev", "eigenvalue", "original", "none")
MEANS = ("paper", "original")
ON_ERRORS = ("fail", "skip")
AUGMENT_ON = ("device", "host")


@dataclasses.dataclass
class DataConfig:
    """Where the images are and what is done to them.

    Attributes:
        directory: Folder that `tools/build_tfrecords.py` filled; or
            "tfds:NAME", a set that TFDS has prepared; or "synthetic:CLASSES",
            images rendered in memory.
        tfds_data_dir: Of "tfds:NAME": where TFDS keeps its sets; empty for
            its own default.
        image_size: Of "tfds:NAME" and "synthetic:CLASSES": rows and columns
            that images are brought to before they are cropped. Records of
            ours have their size.
        resample: Of the same: the filter, as in `DatasetInfo`.
        resize: Of the same: "shorter side" or "squash", as there.
        batch_size: Images per step, over all replicas. Paper: 128.
        eval_batch_size: Crops per step of an evaluation; with ten crops an
            image it sees a tenth as many images at a time.
        crop_size: Rows and columns of a crop. Paper: 224 of 256.
        random_crops: Whether training crops move; else they are central.
        same_crop_images: Neighbours in a batch that share a crop's offset and
            mirroring. Paper: 1. The authors' program: 32.
        mirror: Whether half of the training crops are mirrored.
        mean: "paper" subtracts the mean image at the crop's own position, and
            mirrors it with the crop; "original" subtracts the mean image's
            centre from every crop, as the authors' program does.
        lighting: How the colour shift of §4.1 is scaled along each principal
            axis. "stddev": by the standard deviation. "eigenvalue": by the
            variance, as the paper is printed, which drowns an image of 0 to
            255; the constants of many programs are variances of pixels from
            0 to 1, which is a `lighting_stddev` of 0.1 / 255 here.
            "original": as "stddev", and all is divided by 1.1 afterwards
            while the shift is on, as in the authors' program. "none".
        lighting_stddev: Standard deviation of the shift's draws. Paper: 0.1.
        lighting_epochs: Epochs after which the shift ends; 0 for never. The
            authors' program ended it after 67 of 91.
        augment_on: Where a training run mirrors, subtracts and lights its
            crops. "device": in the step; they travel to it as uint8, a
            quarter of the bytes. "host": before. The same batches, bit for
            bit. `make_train_dataset` does it on the host in any case.
        cache: "" reads JPEG records from disk; "memory" keeps the decoded
            images in memory; a folder keeps them there, as raw uint8.
        held_out_fraction: Share of the training split that is not trained on.
            It can be evaluated as the split "held_out": rates are chosen on
            it. The authors' CIFAR-10 recipes: 0.2, one batch of five.
        held_out_seed: Chooses these images, whatever the seed of the run.
        held_out_join_epochs: Epochs after which they are trained on as well;
            0 for never.
        on_error: "fail" ends at a damaged record; "skip" leaves it out,
            names it and counts it.
        service: "" prepares batches in this process; "grpc://HOST:PORT" has
            the workers of a tf.data service do it, in no repeatable order.
    """

    directory: str = ""
    tfds_data_dir: str = ""
    image_size: int = 256
    resample: str = "triangle"
    resize: str = "shorter side"
    batch_size: int = 128
    eval_batch_size: int = 128
    crop_size: int = 224
    random_crops: bool = True
    same_crop_images: int = 1
    mirror: bool = True
    mean: str = "paper"
    lighting: str = "stddev"
    lighting_stddev: float = 0.1
    lighting_epochs: float = 0.0
    augment_on: str = "device"
    cache: str = ""
    held_out_fraction: float = 0.0
    held_out_seed: int = 0
    held_out_join_epochs: float = 0.0
    on_error: str = "fail"
    service: str = ""

    def validate(self) -> None:
        """Raises a `ValueError` for a setting that could not work."""
        for name in (
            "image_size",
            "batch_size",
            "eval_batch_size",
            "crop_size",
            "same_crop_images",
        ):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"data.{name} must be 1 or more. "
                    f"Received: {getattr(self, name)}"
                )
        for name, choices in (
            ("resample", dataset_info.RESAMPLES),
            ("resize", dataset_info.RESIZES),
            ("lighting", LIGHTINGS),
            ("mean", MEANS),
            ("on_error", ON_ERRORS),
            ("augment_on", AUGMENT_ON),
        ):
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"data.{name} must be one of {', '.join(choices)}. "
                    f"Received: {getattr(self, name)!r}"
                )
        for name in (
            "lighting_stddev",
            "lighting_epochs",
            "held_out_join_epochs",
        ):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ValueError(
                    f"data.{name} must be 0 or more. "
                    f"Received: {getattr(self, name)}"
                )
        self._validate_held_out()
        if self.service and not self.service.startswith("grpc://"):
            raise ValueError(
                "data.service must be grpc://HOST:PORT, the dispatcher of a "
                f"tf.data service. Received: {self.service!r}"
            )
        if self.service and (self.cache or self.on_error == "skip"):
            raise ValueError(
                "data.service goes with neither data.cache nor "
                "data.on_error=skip: its workers do neither. Received: "
                f"cache={self.cache!r}, on_error={self.on_error!r}"
            )

    def _validate_held_out(self):
        """Refuses images held out that could not be told from the others."""
        if not 0 <= self.held_out_fraction < 1:
            raise ValueError(
                "data.held_out_fraction must be at least 0 and below 1. "
                f"Received: {self.held_out_fraction}"
            )
        if self.held_out_join_epochs and not self.held_out_fraction:
            raise ValueError(
                "data.held_out_join_epochs needs images to join. Received: "
                f"{self.held_out_join_epochs}, with held_out_fraction=0"
            )
        if self.held_out_fraction and (self.service or self.on_error == "skip"):
            raise ValueError(
                "data.held_out_fraction goes with neither data.service nor "
                "data.on_error=skip, which do not keep the records' positions. "
                f"Received: service={self.service!r}, "
                f"on_error={self.on_error!r}"
            )
