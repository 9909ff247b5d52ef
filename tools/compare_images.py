"""Prints how different two images look: their LPIPS distance.

    python -m tools.compare_images \\
        --weights=alexnet-owt-7be5be79.pth,alex.pth a.png b.png

LPIPS, version 0.1, by AlexNet's features (Zhang et al. 2018): 0 for equal
images; the more, the less alike people find them. The weights are torchvision's
AlexNet and LPIPS's own alex.pth, as they are published, or an npz of both.
"""

if __name__ == "__main__" and not __package__:
    import by_path  # noqa: F401, makes it `python -m tools.NAME`

import tensorflow as tf
from absl import app

from alexnet_tf.analysis import perceptual
from alexnet_tf.cli import program

flags = program.Flags()

_WEIGHTS = flags.DEFINE_list(
    "weights",
    None,
    "torchvision's .pth and LPIPS's alex.pth with a comma: "
    "alexnet-owt-7be5be79.pth,alex.pth; or one npz file of both.",
    required=True,
)


def main(argv):
    """Prints the distance to four decimals."""
    files = argv[1:]
    if len(files) != 2:
        raise app.UsageError(
            f"Two image files must be named. Received: {len(files)}"
        )
    lpips = perceptual.LPIPS(_WEIGHTS.value)
    first, second = map(perceptual.read_image, files)
    if first.shape != second.shape:
        raise ValueError(
            "The images must be of one size. Received: "
            + " and ".join(
                f"{name}, {image.shape[1]} x {image.shape[0]} pixels"
                for name, image in zip(files, (first, second), strict=True)
            )
        )
    (distance,) = lpips(first[tf.newaxis], second[tf.newaxis]).numpy()
    print(f"{distance:.4f}")


main.takes_arguments = True

if __name__ == "__main__":
    program.run(main, flags)
