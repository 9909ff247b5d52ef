r"""Imports published weights into a workdir, and proves that they are right.

    python -m tools.import_weights --file=bvlc_alexnet.caffemodel \\
        --mean_file=imagenet_mean.binaryproto --workdir=runs/bvlc_alexnet
    python -m tools.import_weights --file=alexnet-owt-7be5be79.pth \\
        --workdir=runs/torchvision

The workdir evaluates, exports and fine-tunes as if it had been trained here.
Before it is written, a NumPy pass that reads the file by itself, in the
layout and with the preprocessing of its source, is compared with ours: the
largest difference of each layer, relative to its largest value, is printed.
"""

if __name__ == "__main__" and not __package__:
    import by_path  # noqa: F401, makes it `python -m tools.NAME`


from alexnet_tf import networks
from alexnet_tf.cli import program
from alexnet_tf.experiment import imported
from alexnet_tf.weights import caffe, proof, published

flags = program.Flags()

_FILE = flags.DEFINE_string(
    "file",
    None,
    "The file, such as bvlc_alexnet.caffemodel.",
    required=True,
)
_FROM = flags.DEFINE_enum(
    "from",
    "auto",
    published.KINDS,
    "What kind of file it is; auto goes by its ending.",
)
_MEAN_FILE = flags.DEFINE_string(
    "mean_file",
    None,
    "Of Caffe's weights: imagenet_mean.binaryproto, a .npy of it, or three "
    "numbers, blue, green and red: 104,117,123.",
)
_NETWORK = flags.DEFINE_enum(
    "network",
    None,
    ["CAFFE", "CAFFENET"],
    "Of a .npy file, which does not say it: CAFFE (bvlc_alexnet) or CAFFENET.",
)
_WORKDIR = flags.DEFINE_string(
    "workdir",
    None,
    "Folder to make, such as runs/bvlc_alexnet.",
    required=True,
)


def main(argv):
    """Imports, proves, and prints the path of the workdir."""
    kind = published.kind_of(_FILE.value, _FROM.value)
    mean = None
    if kind in ("caffe", "npy"):
        if not _MEAN_FILE.value:
            raise ValueError(
                "--mean_file must be given with Caffe's weights. Received: "
                "nothing. Pass imagenet_mean.binaryproto, or 104,117,123."
            )
        mean = caffe.read_mean(_MEAN_FILE.value)
    network = networks.named(_NETWORK.value) if _NETWORK.value else None
    found = published.read(_FILE.value, kind, mean, network)
    known = found.facts.get("published")
    print(f"SHA-256 {found.facts['sha256']}")
    if known:
        print(f"This is {known['name']}, as published.")
    else:
        print("Its digest is not on record.")
    model = imported.build(found, _FILE.value)
    images = proof.sample_images()
    expected = proof.run(
        _FILE.value, kind, images, _MEAN_FILE.value, _pools_first(found)
    )
    differences = imported.prove(model, found, expected, images)
    for layer, difference in differences.items():
        print(f"{layer}: {difference:.1e}")
    print(imported.write_workdir(_WORKDIR.value, model, found, differences))


def _pools_first(found):
    """Returns whether the network pools before it normalizes."""
    names = [layer.name for layer in found.network.layers]
    return "norm1" in names and names.index("pool1") < names.index("norm1")


if __name__ == "__main__":
    program.run(main, flags)
