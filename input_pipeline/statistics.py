"""Mean image and colour statistics: accumulate, merge, save, load.

Sums are kept as integers, so that the result is the same whichever process
saw which image, and in whatever order.
"""

import dataclasses
import pathlib
import zipfile

import cv2
import numpy as np

from input_pipeline import files

FILE_NAME = "statistics.npz"

# float32 holds every integer up to 2 ** 24, and so the sum of this many images.
_EXACT_IMAGES = 2**24 // 255


@dataclasses.dataclass
class Statistics:
    """Statistics of the training images; pixels from 0 to 255, RGB.

    Attributes:
        count: Number of images.
        mean_image: `(size, size, 3)` float64, or None where images keep sizes
            of their own (`--image_size=0`): there is no mean of those.
        mean_rgb: `(3,)` float64, mean over all pixels of all images.
        covariance: `(3, 3)` float64 of the RGB values of all those pixels.
        eigenvalues: `(3,)` float64 of `covariance`, descending.
        eigenvectors: `(3, 3)` float64; column k belongs to eigenvalue k. The
            sign of each is such that its components sum to 0 or more.
    """

    count: int
    mean_image: np.ndarray | None
    mean_rgb: np.ndarray
    covariance: np.ndarray
    eigenvalues: np.ndarray
    eigenvectors: np.ndarray

    def save(self, data_dir):
        """Writes `data_dir/statistics.npz`; the old one stays until then."""
        fields = {
            name: value
            for name, value in vars(self).items()
            if value is not None
        }
        files.write_arrays(pathlib.Path(data_dir) / FILE_NAME, **fields)

    @classmethod
    def load(cls, data_dir):
        """Reads `data_dir/statistics.npz`.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: It is not what the converter writes.
        """
        path = pathlib.Path(data_dir) / FILE_NAME
        try:
            with np.load(path, allow_pickle=False) as saved:
                return cls(
                    count=int(saved["count"]),
                    mean_image=saved.get("mean_image"),
                    mean_rgb=saved["mean_rgb"],
                    covariance=saved["covariance"],
                    eigenvalues=saved["eigenvalues"],
                    eigenvectors=saved["eigenvectors"],
                )
        except (FileNotFoundError, NotADirectoryError):
            raise FileNotFoundError(
                f"There is no {path}. Make it with: "
                "python -m tools.build_tfrecords --help"
            ) from None
        except (EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise ValueError(
                f"{path} must be as the converter wrote it. Received: "
                f"{type(error).__name__}: {error}. Make it again with: "
                "python -m tools.build_tfrecords --help"
            ) from None


class Accumulator:
    """Exact sums over images.

        accumulator = Accumulator(image_size=256)
        for image in images:
            accumulator.add(image)
        statistics = accumulator.finish()

    Args:
        image_size: Side of every image; 0 where sizes differ, which leaves
            out the mean image.
    """

    def __init__(self, image_size):
        self.image_size = image_size
        shape = (image_size, image_size, 3)
        self.num_images = 0
        self.num_pixels = 0
        self.sum_image = np.zeros(shape, np.uint64)
        self.sum_rgb = [0, 0, 0]
        # Of each pair of channels. Python's integers do not overflow.
        self.sum_products = [[0] * 3 for _ in range(3)]
        self._recent = np.zeros(shape, np.float32)
        self._num_recent = 0

    def add(self, image):
        """Adds one image, uint8 `(height, width, 3)`."""
        self.num_images += 1
        self.num_pixels += image.shape[0] * image.shape[1]
        self._add_colours(image)
        if not self.image_size:
            return
        if image.shape != self.sum_image.shape:
            raise ValueError(
                f"Images must have the shape {self.sum_image.shape}. "
                f"Received: {image.shape}"
            )
        cv2.accumulate(image, self._recent)
        self._num_recent += 1
        if self._num_recent == _EXACT_IMAGES:
            self._flush()

    def merge(self, other):
        """Adds the images that another accumulator has seen."""
        if other.image_size != self.image_size:
            raise ValueError(
                f"Images must have one size. Received: {self.image_size} and "
                f"{other.image_size} pixels"
            )
        other._flush()
        self.num_images += other.num_images
        self.num_pixels += other.num_pixels
        self.sum_image += other.sum_image
        for i in range(3):
            self.sum_rgb[i] += other.sum_rgb[i]
            for j in range(3):
                self.sum_products[i][j] += other.sum_products[i][j]

    def to_arrays(self):
        """Returns the sums as a dict of arrays, which `from_arrays` takes."""
        self._flush()
        largest = np.min_scalar_type(self.sum_image.max(initial=0))
        return {
            "num_images": np.int64(self.num_images),
            "num_pixels": np.int64(self.num_pixels),
            "sum_image": self.sum_image.astype(largest),
            "sum_rgb": np.array(self.sum_rgb, np.int64),
            "sum_products": np.array(self.sum_products, np.int64),
        }

    @classmethod
    def from_arrays(cls, arrays):
        """Returns the accumulator that gave these arrays."""
        accumulator = cls(len(arrays["sum_image"]))
        accumulator.num_images = int(arrays["num_images"])
        accumulator.num_pixels = int(arrays["num_pixels"])
        accumulator.sum_image = arrays["sum_image"].astype(np.uint64)
        accumulator.sum_rgb = arrays["sum_rgb"].tolist()
        accumulator.sum_products = arrays["sum_products"].tolist()
        return accumulator

    def finish(self):
        """Returns the `Statistics` of all images added so far."""
        if not self.num_images:
            raise ValueError(
                "Statistics need one image or more. Received: none"
            )
        self._flush()
        mean_image = self.sum_image / self.num_images
        # One division at the end of exact integer arithmetic.
        n = self.num_pixels
        sums = self.sum_rgb
        covariance = np.array(
            [
                [
                    (n * self.sum_products[i][j] - sums[i] * sums[j]) / n**2
                    for j in range(3)
                ]
                for i in range(3)
            ]
        )
        eigenvalues, eigenvectors = np.linalg.eigh(covariance)
        eigenvectors = eigenvectors[:, ::-1]
        signs = np.where(eigenvectors.sum(axis=0) < 0, -1.0, 1.0)
        return Statistics(
            count=self.num_images,
            mean_image=mean_image if self.image_size else None,
            mean_rgb=np.array([total / n for total in sums]),
            covariance=covariance,
            eigenvalues=eigenvalues[::-1].copy(),
            eigenvectors=eigenvectors * signs,
        )

    def _add_colours(self, image):
        """Adds the sums of the channels and of their products."""
        planes = cv2.split(image)
        sums = cv2.sumElems(image)
        squares = [_sum_of_squares(plane) for plane in planes]
        for i in range(3):
            self.sum_rgb[i] += round(sums[i])
            self.sum_products[i][i] += squares[i]
            for j in range(i):
                # 2ab = a^2 + b^2 - (a - b)^2, ten times as fast as ab.
                difference = _sum_of_squares(planes[i], planes[j])
                product = (squares[i] + squares[j] - difference) // 2
                self.sum_products[i][j] += product
                self.sum_products[j][i] += product

    def _flush(self):
        """Moves the sum of the recent images into the whole one."""
        if self._num_recent:
            self.sum_image += self._recent.astype(np.uint64)
            self._recent[:] = 0
            self._num_recent = 0


def _sum_of_squares(*planes):
    """Returns the exact sum of squares of a plane, or of a difference."""
    # OpenCV squares a root: off by less than a thousandth, and so rounded.
    return round(cv2.norm(*planes, cv2.NORM_L2SQR))
