"""What is written after the last shard: statistics, index, dataset.json."""

import numpy as np
from absl import logging

from input_pipeline import dataset_info, record_index, statistics
from input_pipeline.conversion import shard_reports, tfds_metadata


def finish(job, source, settings, request):
    """Gathers the reports of all shards and writes what describes them."""
    total = statistics.Accumulator(job.image_size)
    splits, num_bytes = {}, {}
    skipped, mended, enlarged = list(source.skipped), [], 0
    for split, count in job.num_shards.items():
        reports = []
        for index in range(count):
            report = shard_reports.load(job, split, index)
            arrays = report.pop("statistics")
            total.merge(statistics.Accumulator.from_arrays(arrays))
            skipped += report["skipped"]
            mended += report["mended"]
            enlarged += report.get("enlarged", 0)
            reports.append(report)
        shards = [dataset_info.Shard(**a["shard"]) for a in reports]
        splits[split] = dataset_info.Split(
            sum(shard.num_images for shard in shards), shards
        )
        sizes = [report["size_bytes"] for report in reports]
        num_bytes[split] = sum(sizes)
        record_index.save_index(
            job.output_dir,
            split,
            sizes,
            np.concatenate([report["offsets"] for report in reports]),
            np.concatenate([report["lengths"] for report in reports]),
        )
    if not splits["train"].num_images:
        raise ValueError(
            "The training split must hold images. Received: none that can be "
            f"converted; the first is {skipped[0]}"
        )
    info = dataset_info.DatasetInfo(
        name=settings.name,
        image_size=settings.image_size,
        num_classes=len(source.synsets),
        synsets=source.synsets,
        class_names=source.class_names,
        resample=settings.resample,
        resize=settings.resize,
        splits=splits,
        skipped=sorted(skipped, key=lambda entry: entry["file"]),
        mended=sorted(mended, key=lambda entry: entry["file"]),
        source={"kind": source.kind, "request": request, **source.origin},
        seed=settings.seed,
    )
    if enlarged:
        logging.warning(
            "%d of %d images were enlarged to %d pixels. A smaller "
            "--image_size, and crops to match, train as well and sooner.",
            enlarged,
            sum(split.num_images for split in splits.values()),
            job.image_size,
        )
    total.finish().save(job.output_dir)
    tfds_metadata.write(job.output_dir, info, num_bytes)
    info.save(job.output_dir)
    return info
