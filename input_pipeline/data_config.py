"""Settings of the input pipeline, with the paper's values as defaults."""

import dataclasses

LIGHTINGS = ("stddev", "none")


@dataclasses.dataclass
class DataConfig:
    """Where the images are and what is done to them.

    Attributes:
        directory: Folder that `tools/build_tfrecords.py` filled.
        batch_size: Images per step, over all replicas. Paper: 128.
        eval_batch_size: Crops per step of an evaluation; with ten crops an
            image it sees a tenth as many images at a time.
        crop_size: Rows and columns of a crop. Paper: 224 of 256.
        random_crops: Whether training crops move; else they are central.
        mirror: Whether half of the training crops are mirrored.
        lighting: "stddev" scales the colour shift of §4.1 by the standard
            deviation along each principal axis; "none" leaves it out.
        lighting_stddev: Standard deviation of the shift's draws. Paper: 0.1.
        cache: "" reads records from disk; "memory" keeps them, still as
            JPEG, in memory.
    """

    directory: str = ""
    batch_size: int = 128
    eval_batch_size: int = 128
    crop_size: int = 224
    random_crops: bool = True
    mirror: bool = True
    lighting: str = "stddev"
    lighting_stddev: float = 0.1
    cache: str = ""

    def validate(self):
        """Raises a `ValueError` for a setting that could not work."""
        for name in ("batch_size", "eval_batch_size", "crop_size"):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"data.{name} must be 1 or more. "
                    f"Received: {getattr(self, name)}"
                )
        if self.lighting not in LIGHTINGS:
            raise ValueError(
                f"data.lighting must be one of {', '.join(LIGHTINGS)}. "
                f"Received: {self.lighting!r}"
            )
        if not 0 <= self.lighting_stddev < float("inf"):
            raise ValueError(
                "data.lighting_stddev must be 0 or more. "
                f"Received: {self.lighting_stddev}"
            )
        if self.cache not in ("", "memory"):
            raise ValueError(
                f'data.cache must be "" or "memory". Received: {self.cache!r}'
            )
