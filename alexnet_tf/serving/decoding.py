"""Image files to pixels in processes that can be stopped."""

import asyncio
import contextlib
import heapq
import itertools
import multiprocessing
import os
import pathlib
import threading
import time

import numpy as np
from absl import logging

from alexnet_tf.serving import limits as limits_module
from alexnet_tf.serving import preprocessing, quiet_start
from alexnet_tf.serving.client import clean_tf_error
from alexnet_tf.serving.refusal import invalid

_START_SECONDS = 120
# How soon it is noticed that nobody wants an image any more.
_LOOK_SECONDS = 0.2
_NICE = 10
# The clock may go so many times as far as a processor's time.
_SHARE = 10


class Decoders:
    """Two queues of images: small ones, and those that take long.

    What an image costs is known from its header. Small ones are decoded by a
    process a core, the smallest first; large ones by a single process that
    lets all others go first. So a large image never holds up a small one,
    whoever sent it. A process that takes longer than an image of its queue
    may, or whose image nobody wants any more, is killed and replaced.

    Args:
        limits: A `Limits`.
        metrics: A `Metrics`.
        workers: Processes for small images.
    """

    def __init__(self, limits, metrics, workers=None):
        context = multiprocessing.get_context("forkserver")
        # New ones are forked from a process that has TensorFlow already.
        context.set_forkserver_preload(
            [quiet_start.__name__, preprocessing.__name__]
        )
        self.limits = limits
        self.metrics = metrics
        small = _Lane(limits.small_seconds)
        large = _Lane(limits.large_seconds)
        count = workers or max(2, os.cpu_count() or 1)
        self._lanes = (small, large)
        self._workers = [
            _Worker(context, limits, metrics, lane, niceness)
            for lane, niceness in [(small, 0)] * count + [(large, _NICE)]
        ]

    def use(self, directories):
        """Loads the preprocessing of some versions, and forgets others.

        It returns when every process has it.

        Raises:
            ValueError: A version cannot be used.
        """
        for directory in directories:
            preprocessing.load_preprocess(directory)
        for worker in self._workers:
            worker.want(tuple(map(str, directories)))
        for worker in self._workers:
            worker.wait_until_loaded()

    async def __call__(self, directory, image_bytes, position, upright=False):
        """Returns an image at the records' size.

        Args:
            directory: Of the version whose preprocessing is wanted.
            image_bytes: The file.
            position: Of the image in its request, for messages.
            upright: Whether to turn it as its EXIF says.

        Returns:
            uint8 `(size, size, 3)`.

        Raises:
            Refusal: It is no image, or one that takes too much.
        """
        loop = asyncio.get_running_loop()
        try:
            work = limits_module.count_work(image_bytes)
            job = _Job(loop, work, (str(directory), upright), image_bytes)
            self._lanes[work > self.limits.small_pixels].put(job)
            try:
                pixels = await job.future
            except asyncio.CancelledError:
                job.unwanted = True
                raise
        except ValueError as error:
            raise invalid(
                f"Image {position} must be a whole JPEG or PNG. Received: "
                f"{len(image_bytes)} bytes; {error}",
                "image",
            ) from None
        side = round((len(pixels) / 3) ** 0.5)
        return np.frombuffer(pixels, np.uint8).reshape(side, side, 3)

    def close(self):
        """Ends all processes."""
        for worker in self._workers:
            worker.close()


class _Job:
    """An image that somebody waits for."""

    _numbers = itertools.count()

    def __init__(self, loop, work, request, image_bytes):
        self.loop = loop
        self.key = (work, next(self._numbers))
        self.request = request
        self.image_bytes = image_bytes
        self.future = loop.create_future()
        self.unwanted = False

    def __lt__(self, other):
        return self.key < other.key

    def finish(self, pixels=None, error=None):
        """Answers, from any thread."""

        def answer():
            if self.future.done():
                return
            if error is not None:
                self.future.set_exception(error)
            else:
                self.future.set_result(pixels)

        with contextlib.suppress(RuntimeError):  # The loop has ended.
            self.loop.call_soon_threadsafe(answer)


class _Lane:
    """Images that wait for the same processes, the smallest first."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.changed = threading.Condition()
        self.jobs = []

    def put(self, job):
        with self.changed:
            heapq.heappush(self.jobs, job)
            self.changed.notify()


class _Worker:
    """A process, and the thread that feeds it."""

    def __init__(self, context, limits, metrics, lane, niceness):
        self.context, self.limits, self.metrics = context, limits, metrics
        self.lane, self.niceness = lane, niceness
        self.process = self.connection = None
        self.wanted = self.loaded = ()
        self.closed = False
        threading.Thread(target=self._work, daemon=True).start()

    def want(self, directories):
        """Has the thread load what is not loaded, before other work."""
        with self.lane.changed:
            self.wanted = directories
            self.lane.changed.notify_all()

    def wait_until_loaded(self):
        with self.lane.changed:
            if not self.lane.changed.wait_for(
                lambda: self.loaded == self.wanted or self.closed,
                _START_SECONDS,
            ):
                raise ValueError("The decoding processes must start.")

    def close(self):
        with self.lane.changed:
            self.closed = True
            self.lane.changed.notify_all()
        if self.process is not None:
            self.process.kill()

    def _work(self):
        while not self.closed:
            job = self._next()
            try:
                if job is None:
                    self._load()
                else:
                    self._decode(job)
            except (EOFError, OSError):
                self._stop()
                time.sleep(0 if job else 1)
                if job is not None:
                    job.finish(error=ValueError("it cannot be decoded"))
            except Exception as error:
                logging.exception("Decoding failed.")
                if job is not None:
                    job.finish(error=error)

    def _next(self):
        """Returns the next image, or `None` where there is another to do."""
        with self.lane.changed:
            while True:
                if self.closed or self.loaded != self.wanted:
                    return None
                if self.lane.jobs:
                    job = heapq.heappop(self.lane.jobs)
                    if not job.unwanted:
                        return job
                    continue
                self.lane.changed.wait()

    def _load(self):
        """Starts the process, if there is none, and loads what is wanted."""
        if self.closed:
            return
        if self.process is None:
            self.connection, theirs = self.context.Pipe()
            self.process = self.context.Process(
                target=preprocessing.run,
                args=(theirs, self.limits.decoder_bytes, self.niceness),
                daemon=True,
            )
            self.process.start()
            theirs.close()
        wanted = self.wanted
        self.connection.send(("load", wanted))
        if not self.connection.poll(_START_SECONDS):
            raise OSError("A decoding process must start.")
        self.connection.recv()
        with self.lane.changed:
            self.loaded = wanted
            self.lane.changed.notify_all()

    def _decode(self, job):
        """Answers an image, or stops the process if it takes too long."""
        with self.metrics.stage("decode"):
            self.connection.send(("image", *job.request))
            self.connection.send_bytes(job.image_bytes)
            most = self.lane.seconds
            begun, end = self._used(), time.monotonic() + _SHARE * most
            while not self.connection.poll(min(most, _LOOK_SECONDS)):
                late = self._used() - begun > most or time.monotonic() > end
                if late or job.unwanted or self.closed:
                    self._stop()
                    job.finish(error=ValueError(f"it takes more than {most} s"))
                    return
            answer, words = self.connection.recv()
            if answer == "ok":
                job.finish(self.connection.recv_bytes())
            else:
                # It sees one image at a time, and counts from 0.
                words = clean_tf_error(words).removesuffix("Image: 0")
                job.finish(error=ValueError(words.strip()))

    def _used(self):
        """Returns the seconds of a processor that the process has had.

        Not those of the clock: on a busy machine no image would be in time.
        """
        with contextlib.suppress(OSError):
            text = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text()
            user, system = text.rpartition(")")[2].split()[11:13]
            return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
        return time.monotonic()

    def _stop(self):
        """Kills the process; the next is started before other work."""
        self.metrics.stopped.inc()
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.connection.close()
        self.process = None
        with self.lane.changed:
            self.loaded = ()
