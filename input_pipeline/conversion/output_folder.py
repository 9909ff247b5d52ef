"""The folder that is converted into: whose it is, and whether there is room."""

import contextlib
import errno
import json
import pathlib
import shutil

from input_pipeline import dataset_info, files

WORK_DIR = ".conversion"
REQUEST = "request.json"
_LOCK = "lock"
_ATTEMPTS = 10
FULL_DISK = (errno.ENOSPC, errno.EDQUOT)
# Of a 256 x 256 photograph at JPEG quality 95, and at 75, on the low side.
_BYTES_A_PIXEL = ((95, 0.35), (85, 0.2), (0, 0.1))


@contextlib.contextmanager
def locked(output_dir):
    """A scope that keeps a second converter out of the same folder.

    The folder is made, and in it the work folder. Both are removed again if
    nothing has been stored in them by the end.
    """
    output_dir = pathlib.Path(output_dir)
    lock = output_dir / WORK_DIR / _LOCK
    folders = (output_dir, *output_dir.parents)
    made = [path for path in folders if not path.exists()]
    with _make_lock(lock):
        try:
            yield
        finally:
            if [path.name for path in lock.parent.glob("*")] == [_LOCK]:
                remove_work_dir(output_dir)
            with contextlib.suppress(OSError):
                for path in made:
                    path.rmdir()


@contextlib.contextmanager
def _make_lock(lock):
    """Makes the lock, also while another process removes its folder."""

    def refuse(owner):
        return (
            f"Only one converter may write to {lock.parent.parent}. Received: "
            f"a second one next to {owner}. Wait until the first has ended."
        )

    with contextlib.ExitStack() as stack:
        for attempt in range(_ATTEMPTS):
            try:
                lock.parent.mkdir(parents=True, exist_ok=True)
                stack.enter_context(files.locked(lock, refuse))
                break
            except FileNotFoundError:
                if attempt == _ATTEMPTS - 1:
                    raise
        yield


def remove_work_dir(output_dir):
    """Removes what is needed during a conversion; for the lock's owner."""
    shutil.rmtree(pathlib.Path(output_dir) / WORK_DIR, ignore_errors=True)


def find_complete(output_dir, request):
    """Returns the `DatasetInfo` if the folder holds just what is requested.

    Args:
        output_dir: Folder of the records, which need not exist. The caller
            has it `locked`, if others may write to it.
        request: Dict of all that was requested.

    Returns:
        None if there is still something to do.

    Raises:
        ValueError: The folder holds something else.
    """
    output_dir = pathlib.Path(output_dir)
    finished = output_dir / dataset_info.FILE_NAME
    begun = output_dir / WORK_DIR / REQUEST
    if finished.is_file():
        info = dataset_info.DatasetInfo.load(output_dir)
        found = dict(info.source.get("request", {}))
        _compare(output_dir, found, request, bool(info.skipped))
        for shard in _all_shards(info):
            if not (output_dir / shard.file).is_file():
                raise FileNotFoundError(
                    f"{output_dir} must hold {shard.file}, as its "
                    f"{dataset_info.FILE_NAME} says. Remove the folder and "
                    "convert again."
                )
        return info
    if begun.is_file():
        found = json.loads(begun.read_text())
        _compare(output_dir, found, request, found.get("on_error") == "skip")
    elif output_dir.exists() and any(
        path.name != WORK_DIR for path in output_dir.iterdir()
    ):
        raise ValueError(
            f"{output_dir} must be empty, or hold an unfinished conversion. "
            "Received: a folder of other files. Choose another --output_dir."
        )
    return None


def check_space(job, source):
    """Refuses to start what cannot end for want of space."""
    needed = estimate_bytes(job, source)
    written = sum(path.stat().st_size for path in job.output_dir.glob("*"))
    free = shutil.disk_usage(job.output_dir).free
    if written + free < needed:
        raise OSError(
            errno.ENOSPC,
            f"about {to_gigabytes(needed)} GB are needed and "
            f"{to_gigabytes(free)} GB are free",
            str(job.output_dir),
        )


def estimate_bytes(job, source):
    """Returns about how many bytes the shards will have, rather too few."""
    if not job.image_size:
        return sum(c.size_bytes() for c in source.splits.values())
    num_images = sum(len(catalogue) for catalogue in source.splits.values())
    rate = next(
        r for quality, r in _BYTES_A_PIXEL if job.jpeg_quality >= quality
    )
    # Each report holds a sum image of four bytes a value.
    reports = sum(job.num_shards.values()) * 12
    return int((num_images * rate + reports) * job.image_size**2)


def to_gigabytes(num_bytes):
    """Returns bytes as people read them."""
    return f"{num_bytes / 1e9:.3g}"


def _compare(output_dir, found, request, has_skipped):
    """Refuses a folder that was made by another request.

    Args:
        output_dir: The folder.
        found: The request that it was made by.
        request: The new one.
        has_skipped: Whether images may have been left out. If not, it does
            not matter what was to be done about faults.
    """
    if not has_skipped:
        found = {**found, "on_error": request.get("on_error")}
    changed = [
        f"{field}={found.get(field)} there and {request.get(field)} here"
        for field in sorted({*found, *request})
        if found.get(field) != request.get(field)
    ]
    if changed:
        raise ValueError(
            f"{output_dir} must hold the data set that the flags describe. "
            f"Received: {', '.join(changed)}. Choose another --output_dir, or "
            "remove that folder."
        )


def _all_shards(info):
    """Yields the shards of all splits."""
    for split in info.splits.values():
        yield from split.shards
