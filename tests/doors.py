"""The miniature's images in the other forms that people have them in."""

import json

from input_pipeline import record_index
from input_pipeline.conversion import convert
from input_pipeline.dataset_info import DatasetInfo
from tests import ilsvrc_miniature as miniature
from tests.conversions import REQUEST, SETTINGS, interrupt_source

TRUTH = (1, 2, 3, 4, 4, 1)


def validation_synsets():
    """Returns the WordNet id of each validation image."""
    return [miniature.SYNSETS[number - 1] for number in TRUTH]


def validation_images():
    return miniature.numbered_images("val", len(TRUTH))


def test_images():
    return miniature.numbered_images("test", 3)


test_images.__test__ = False


def records_of(data_dir, split="train"):
    """Returns the bytes of the records of a split, in their order."""
    info = DatasetInfo.load(data_dir)
    index = record_index.load_index(data_dir, info, split)
    return [index.read(i) for i in range(len(index))]


def shards_of(data_dir):
    """Returns name and bytes of shards and statistics."""
    return {
        path.name: path.read_bytes()
        for path in data_dir.iterdir()
        if "tfrecord" in path.name or path.name == "statistics.npz"
    }


def convert_source(source, output_dir, settings=SETTINGS, **options):
    return convert.convert(source, settings, output_dir, REQUEST, **options)


def check_resumes(open_source, output_dir, whole_dir):
    """Cuts a conversion off, goes on with it, and compares the result."""
    interrupt_source(open_source(), output_dir, after_images=7)
    finished = {p: p.stat().st_ino for p in output_dir.glob("toy-train*")}
    assert finished

    convert_source(open_source(), output_dir)

    assert shards_of(output_dir) == shards_of(whole_dir)
    assert {p: p.stat().st_ino for p in finished} == finished


def write_files(folder, images):
    folder.mkdir(parents=True, exist_ok=True)
    for name, contents in images:
        (folder / name).write_bytes(contents)


def make_kaggle(directory, root="ILSVRC"):
    """Writes Kaggle's folder, with a box twice, and returns it."""
    images = directory / root / "Data" / "CLS-LOC"
    listed = []
    for synset, members in miniature.train_images().items():
        write_files(images / "train" / synset, members)
        listed += [
            f"{synset}/{name.removesuffix('.JPEG')}" for name, _ in members
        ]
    write_files(images / "val", validation_images())
    write_files(images / "test", test_images())
    lists = directory / root / "ImageSets" / "CLS-LOC"
    lists.mkdir(parents=True)
    lines = [f"{name} {number}\n" for number, name in enumerate(listed, 1)]
    (lists / "train_cls.txt").write_text("".join(lines))
    (directory / "LOC_synset_mapping.txt").write_text(
        "".join(f"{s} thing {s}\n" for s in miniature.SORTED)
    )
    rows = ["ImageId,PredictionString"]
    named = zip(validation_images(), validation_synsets(), strict=True)
    for (name, _), synset in reversed(list(named)):
        boxes = f"{synset} 85 1 499 272 {synset} 1 2 3 4 "
        rows.append(f"{name.removesuffix('.JPEG')},{boxes}")
    (directory / "LOC_val_solution.csv").write_text("\n".join(rows) + "\n")
    return directory


def make_parquet(
    directory, label_order=None, with_paths=True, names=None, group_rows=5
):
    """Writes files as Hugging Face has them; returns their pattern.

    Args:
        directory: Is made.
        label_order: Synsets by the files' label; sorted by default.
        with_paths: Whether a row says its file name, with the class behind it.
        names: What the files call the labels; words by default.
        group_rows: Rows of a group.
    """
    order = label_order or miniature.SORTED
    names = [f"thing {s}" for s in order] if names is None else names

    def to_row(name, jpeg, synset):
        stem = name.removesuffix(".JPEG")
        return f"{stem}_{synset}.JPEG", jpeg, order.index(synset)

    train = [
        to_row(name, jpeg, synset)
        for synset, members in miniature.train_images().items()
        for name, jpeg in members
    ]
    named = zip(validation_images(), validation_synsets(), strict=True)
    validation = [to_row(*image, synset) for image, synset in named]
    test = [(name, jpeg, -1) for name, jpeg in test_images()]
    # Shuffled, as theirs are.
    train = train[1::2] + train[::2]
    parts = {
        "train-00000-of-00002": train[:7],
        "train-00001-of-00002": train[7:],
        "validation-00000-of-00001": validation,
        "test-00000-of-00001": test,
    }
    (directory / "data").mkdir(parents=True)
    for name, rows in parts.items():
        path = directory / "data" / f"{name}.parquet"
        write_parquet(path, rows, names, with_paths, group_rows)
    return str(directory / "data" / "*.parquet")


def write_parquet(path, rows, names, with_paths=True, group_rows=5):
    """Writes rows of file name, bytes and label."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    label = {"names": names, "_type": "ClassLabel"}
    features = {"image": {"_type": "Image"}, "label": label}
    struct = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    images = [
        {"bytes": jpeg, "path": name if with_paths else None}
        for name, jpeg, _ in rows
    ]
    schema = pa.schema(
        [("image", struct), ("label", pa.int64())],
        {"huggingface": json.dumps({"info": {"features": features}})},
    )
    table = pa.table(
        {"image": pa.array(images, struct), "label": [x for *_, x in rows]},
        schema,
    )
    pq.write_table(table, path, row_group_size=group_rows)


def make_webdataset(directory, label_in=".cls", official_keys=True):
    """Writes shards and a class list of another order; returns their pattern.

    Args:
        directory: Is made; the list is `classes.txt` in it.
        label_in: ".cls", or ".json", which has the file name too.
        official_keys: Whether keys are the official names.
    """
    directory.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{s} a thing\n" for s in miniature.SYNSETS)
    (directory / "classes.txt").write_text(lines)
    train = [
        (name, jpeg, synset)
        for synset, members in miniature.train_images().items()
        for name, jpeg in members
    ]
    named = zip(validation_images(), validation_synsets(), strict=True)
    splits = {
        "train": train[1::2] + train[::2],
        "validation": [(*image, synset) for image, synset in named],
    }
    for split, rows in splits.items():
        for shard in range(2):
            members = []
            for number, (name, jpeg, synset) in enumerate(rows[shard::2]):
                key = name.removesuffix(".JPEG")
                key = key if official_keys else f"{number:06d}"
                label = miniature.SYNSETS.index(synset)
                text = f"{label}\n"
                if label_in == ".json":
                    text = json.dumps({"label": label, "filename": name})
                members += [
                    (f"{key}.jpg", jpeg),
                    (f"{key}{label_in}", text.encode()),
                ]
            path = directory / f"imagenet1k-{split}-{shard:04d}.tar"
            path.write_bytes(miniature.make_tar(members))
    return str(directory / "*.tar")
