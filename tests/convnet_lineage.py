"""The authors' lineage in their program's syntax, and how tests read it."""

from convnet_files import PAIRS, TRIPLES, original

from alexnet_tf.networks import convnet_cfg

# The image blurred and thinned, 32 kernels a tower, contrast norm, k = 1.
EARLY = {
    "low_resolution": True,
    "conv": (32, 128, 192, 192, 128),
    "contrast": "cnorm",
    "least": 1,
}
FIRST = EARLY | {"contrast": None, "norm_first": False}
QUARTERS = {"towers": 4, "dense": 1024}
PARTS = QUARTERS | {"parts": (2546,) * 4}
# Number of the authors' file: parameters on record (original-source 1.3, 1.4;
# in millions, with one decimal, where only these are), what differs from 145.
LINEAGE = {
    "145": (60_965_224, {}),
    "147": (60_965_224, {"pool": 2}),
    "148": (60_965_224, {"norms": False}),
    "145-half": (
        59_798_312,
        {"towers": 1, "conv": (48, 128, 192, 192, 256), "dense": 4096},
    ),
    "131-2009": (98_497_224, EARLY | {"classes": 10_184}),
    "141-2009": (99_087_304, EARLY | {"conv6": 128, "classes": 10_184}),
    "141-2009-2012": (61_460_456, EARLY | {"conv6": 128}),
    "146-2009": (99_182_152, {"conv6": 128, "classes": 10_184}),
    "146-2011": (
        110_605_267,
        {"conv6": 128, "linear": 1024, "parts": (10_921, 10_922)},
    ),
    "146-2012-2011": (61_555_304, {"conv6": 128}),
    "114": (
        140_523_240,
        FIRST | {"norm_size": 9, "dense": 3072, "hidden": 3},
    ),
    "116": (100.9, FIRST | QUARTERS | {"reads": PAIRS}),
    "117": (84.5, FIRST | {"towers": 3, "dense": 1408}),
    "120-4gpu": (
        99.7,
        EARLY | QUARTERS | {"conv": (32, 64, 192, 192, 128), "reads": PAIRS},
    ),
    "129": (
        61.6,
        EARLY | QUARTERS | {"conv": (32, 64, 192, 192, 64), "reads": PAIRS},
    ),
    "130": (
        62.7,
        EARLY | QUARTERS | {"conv": (32, 128, 192, 192, 64), "reads": PAIRS},
    ),
    "153-4gpu": (
        116.3,
        PARTS
        | {"conv": (32, 128, 192, 192, 128)}
        | {"reads": TRIPLES, "dense_reads": TRIPLES},
    ),
    "183-4gpu": (
        118.3,
        PARTS | {"conv6": 128, "reads": TRIPLES, "dense_reads": TRIPLES},
    ),
    "184-4gpu": (102.7, PARTS | {"conv6": 64, "reads": TRIPLES}),
}
# Narrow and on small images: every kind of reading, in milliseconds.
NARROW = {"conv": (16, 16, 16, 16, 16), "dense": 16, "classes": 5}


def read(tmp_path, **changes):
    return convnet_cfg.read(original(**changes).save(tmp_path))


def change(tmp_path, old, new, which="layers", **changes):
    """Reads 145 with one text changed throughout a file."""
    path = original(**changes).save(tmp_path)
    file = path.with_name(path.name.replace("layers-", f"{which}-"))
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    return convnet_cfg.read(path)
