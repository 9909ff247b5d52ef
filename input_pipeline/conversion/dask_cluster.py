"""All shards by a Dask cluster, on any number of machines.

Dask offers its workers as an executor of `concurrent.futures`: shards are made
by the code of a local run, and are the same, byte for byte. Every worker must
find the images, the output folder and this package under the same paths.
"""

import contextlib

from input_pipeline.conversion import engines

_SECONDS_TO_CONNECT = 10
# A shard whose worker has died is given to another one so often.
_RETRIES = 3


@contextlib.contextmanager
def connect(address, seconds_to_connect=_SECONDS_TO_CONNECT):
    """A scope with the engine of a cluster; see `engines`.

    Args:
        address: Of its scheduler: "tcp://HOST:8786".
        seconds_to_connect: For which a scheduler, and a worker, is waited for.

    Raises:
        ValueError: There is none, or Dask is not installed.
    """
    distributed = _import_distributed()
    try:
        client = distributed.Client(
            address, timeout=seconds_to_connect, set_as_default=False
        )
    except (OSError, ValueError) as error:
        raise ValueError(
            f"A Dask scheduler must listen at {address}. Received: "
            f"{_first_line(error)}. Start one with: dask scheduler"
        ) from None
    with client:
        try:
            client.wait_for_workers(1, timeout=seconds_to_connect)
        except TimeoutError:
            raise ValueError(
                f"The cluster {address} must have workers. Received: none. "
                f"Start some with: dask worker {address}"
            ) from None
        pool = client.get_executor(pure=False, retries=_RETRIES)
        engine = engines.executor(pool)

        def run(job, tasks, progress):
            try:
                engine(job, tasks, progress)
            except distributed.KilledWorker as error:
                raise ValueError(
                    "The workers must survive. Received: "
                    f"{_first_line(error)} Run the same command again; it goes "
                    "on from what is finished."
                ) from None

        yield run


def _import_distributed():
    """Returns Dask's package, which is in an extra."""
    try:
        import distributed
    except ImportError:
        raise ValueError(
            "dask and distributed must be installed for --cluster. Install "
            "them with: pip install 'alexnet-tf[cluster]'"
        ) from None
    return distributed


def _first_line(error):
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
