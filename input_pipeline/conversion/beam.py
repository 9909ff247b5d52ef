"""All shards by an Apache Beam pipeline, for more than one machine.

An element is a shard, and is made by the method that a local process calls: the
result is the same, byte for byte. What is finished is stored on disk and not in
the pipeline. So every machine must find the images, the output folder and this
package under the same paths.
"""

import json
import logging
import pickle
import shlex
import socket

from input_pipeline import files
from input_pipeline.conversion import engines, output_folder, worker
from input_pipeline.conversion.sources.catalogue import Catalogue

_FAULT = "fault.json"


def engine(options):
    """Returns what converts by a pipeline; see `engines`.

    Args:
        options: Flags of Beam and of its runner: "--runner=FlinkRunner ...".
    """

    def run_all(job, tasks, progress):
        run(job, tasks, options)
        # Beam's own pages and lines tell how far it is meanwhile.
        images = [len(Catalogue.load(path)) for path in _catalogues(job)]
        progress.update(sum(images))

    return run_all


def run(job, tasks, options):
    """Converts all shards; raises the first error.

    Args:
        job: A `jobs.Job` whose catalogues are saved.
        tasks: Pairs of split and index, one for each shard.
        options: Flags of Beam and of its runner: "--runner=FlinkRunner ...".

    Raises:
        ValueError: A file is no image, or the pipeline has failed.
        OSError: The disk is full.
    """
    beam, options = _import_beam(options)
    (job.work_dir / _FAULT).unlink(missing_ok=True)
    try:
        with beam.Pipeline(options=options) as pipeline:
            shards = pipeline | beam.Create(tasks)
            # Or the first worker would get all of them.
            shards |= beam.Reshuffle()
            shards |= beam.Map(convert_shard, pickle.dumps(job))
    except Exception as error:
        # Each runner has its own; the worker's is the end of its message.
        _raise_fault(job)
        parts = str(error).strip().splitlines() or [type(error).__name__]
        raise ValueError(
            f"The pipeline must run to its end. Received: {parts[-1]}. Run the "
            "same command again; it goes on from what is finished."
        ) from error
    _raise_fault(job)
    engines.check_all_written(job, tasks)


def convert_shard(task, pickled_job):
    """Makes one shard on whatever machine the runner has chosen.

    What no second attempt would mend is written down, and ends the work on
    the shards that are not yet begun. The runner tries again after all else.
    """
    job = pickle.loads(pickled_job)
    if not job.work_dir.is_dir():
        raise FileNotFoundError(
            f"{job.work_dir} must be on a file system that all machines share. "
            f"Received: none such on {socket.gethostname()}"
        )
    if (job.work_dir / _FAULT).exists():
        return
    try:
        worker.make_worker(pickled_job).convert_shard(*task)
    except ValueError as error:
        _record_fault(job, {"message": str(error)})
    except OSError as error:
        if error.errno not in output_folder.FULL_DISK:
            raise
        parts = [error.errno, error.strerror, str(error.filename)]
        _record_fault(job, {"full_disk": parts})


def _catalogues(job):
    """Returns where the catalogues of a job are stored."""
    return [job.work_dir / f"catalogue-{split}" for split in job.num_shards]


def _record_fault(job, fault):
    """Records an error for the other workers, and for `run`."""
    files.write_atomically(job.work_dir / _FAULT, json.dumps(fault).encode())


def _raise_fault(job):
    """Raises what a worker has written down, if any has."""
    try:
        fault = json.loads((job.work_dir / _FAULT).read_text())
    except FileNotFoundError:
        return
    if "full_disk" in fault:
        raise OSError(*fault["full_disk"])
    raise ValueError(fault["message"])


def _import_beam(flags):
    """Returns the module, and the flags as it takes them."""
    try:
        import apache_beam
        from apache_beam.options import pipeline_options
    except ImportError:
        raise ValueError(
            "apache-beam must be installed for --beam_options. Install it "
            "with: pip install 'alexnet-tf[beam]'"
        ) from None
    options = pipeline_options.PipelineOptions(shlex.split(flags))
    # Keeps the DirectRunner from searching for its successor on the internet,
    # which would ignore --direct_running_mode. There are no triggers here.
    types = options.view_as(pipeline_options.TypeOptions)
    types.allow_unsafe_triggers = True
    # A hundred lines a run, of channels that open and close.
    workers = options.view_as(pipeline_options.WorkerOptions)
    if workers.default_sdk_harness_log_level is None:
        workers.default_sdk_harness_log_level = "WARNING"
    logging.getLogger("apache_beam").setLevel(logging.WARNING)
    return apache_beam, options
