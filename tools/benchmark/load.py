"""`tools.benchmark --mode=load`: clients that press on a server at once."""

import base64
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import numpy as np

_NAME = "alexnet"
# The server and the bare model, one after the other.
_TURNS = 4
_BATCHES = 7


def run(seconds, clients, make_progress, make_server=None):
    """Returns what a server of the paper's full network does under load.

    The same machine runs the clients. Photographs are rendered, 500 x 375.
    The server and the bare SavedModel take turns, as a machine's speed
    changes from minute to minute; clients that are told to come again do so
    when they are told.

    Args:
        seconds: Of the load, in all turns together.
        clients: That ask at once, each one image after another.
        make_progress: Called as `make_progress(total)`, returns a scope with
            `update(seconds)`.
        make_server: Called with a version, returns a scope that gives the
            port of a server; `tools.serve` by default.

    Returns:
        Two dicts: the server's images a second, errors, refusals, median and
        99th percentile in seconds, and its share of the bare SavedModel's;
        and that one's images a second from the same files, in batches of as
        many as there are clients, 8 at most.
    """
    images = _photographs(16)
    batch = min(clients, 8)
    speeds, loads = [], []
    with tempfile.TemporaryDirectory() as folder:
        version = _export(folder)
        ask_bare = _bare(version, images, batch)
        with (
            (make_server or _Server)(version) as port,
            make_progress(seconds) as progress,
        ):
            for _ in range(_TURNS):
                speeds.append(ask_bare())
                loads.append(
                    _press(port, images, seconds / _TURNS, clients, progress)
                )
            speeds.append(ask_bare())
    found = _summarize(loads)
    bare = statistics.median(speeds)
    found["ratio"] = round(found["images_per_second"] / bare, 3)
    return [
        {"name": f"tools.serve, {clients} clients", **found},
        {
            "name": f"the bare SavedModel in batches of {batch}, from JPEGs",
            "images_per_second": round(bare, 2),
            "turns": [round(speed, 2) for speed in speeds],
        },
    ]


def _photographs(count):
    """Returns rendered photographs as JPEG files."""
    import cv2

    from input_pipeline import synthetic

    found = []
    for number in range(count):
        image = synthetic.render(number % 10, np.random.default_rng(number))
        large = cv2.resize(image, (500, 375), interpolation=cv2.INTER_CUBIC)
        found.append(cv2.imencode(".jpg", large)[1].tobytes())
    return found


def _export(folder):
    """Exports the paper's network with its first weights."""
    import alexnet_tf
    from alexnet_tf import export
    from input_pipeline.statistics import Accumulator

    sums = Accumulator(256)
    rng = np.random.default_rng(0)
    for _ in range(4):
        sums.add(rng.integers(0, 256, (256, 256, 3), np.uint8))
    model = alexnet_tf.build(
        alexnet_tf.networks.PAPER, 1000, native_ops_only=True
    )
    names = [f"class {i}" for i in range(1000)]
    classifier = alexnet_tf.Classifier(model, sums.finish(), names)
    return export.export(classifier, folder)


def _bare(version, images, size):
    """Returns a function that measures the SavedModel's images a second."""
    import tensorflow as tf

    call = tf.saved_model.load(str(version)).signatures["serving_default"]
    batch = tf.constant((images * 2)[:size])
    call(image_bytes=batch)

    def measure():
        speeds = []
        for _ in range(_BATCHES):
            start = time.perf_counter()
            call(image_bytes=batch)["probabilities"].numpy()
            speeds.append(size / (time.perf_counter() - start))
        return statistics.median(speeds)

    return measure


class _Server:
    """A server in a process of its own; yields its port."""

    def __init__(self, version):
        import socket

        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                f"{__package__.rpartition('.')[0]}.serve",
                f"--model={version}",
                f"--port={self.port}",
                "--grpc_port=0",
                f"--name={_NAME}",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self):
        for _ in range(1200):
            if self.process.poll() is not None:
                raise ValueError(
                    "The server must start. It has ended; try: "
                    "python -m tools.serve --help"
                )
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port)
                connection.request("GET", "/health/live")
                connection.getresponse().read()
                return self.port
            except OSError:
                time.sleep(0.1)
        raise ValueError("The server must start within two minutes.")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(60)


def _press(port, images, seconds, clients, progress):
    """Presses for a while; returns times, refusals, errors and seconds."""
    bodies = [
        json.dumps({"instances": [{"b64": base64.b64encode(i).decode()}]})
        for i in images
    ]
    times, refusals, errors = [], [], []
    begun = time.perf_counter()
    end = begun + seconds

    def ask(number):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        place = number
        while time.perf_counter() < end:
            start = time.perf_counter()
            pause = 0
            try:
                status, pause = _ask(connection, bodies[place % len(bodies)])
            except (OSError, http.client.HTTPException, ValueError):
                status = 0
                connection.close()
            kind = {200: times, 429: refusals}.get(status, errors)
            kind.append(time.perf_counter() - start)
            place += clients
            time.sleep(max(0, min(pause, end - time.perf_counter())))
        connection.close()

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    progress.update(seconds)
    return times, refusals, errors, time.perf_counter() - begun


def _ask(connection, body):
    """Returns the status of a request, and the seconds to wait if refused."""
    connection.request(
        "POST",
        f"/v1/models/{_NAME}:predict",
        body,
        {"Content-Type": "application/json"},
    )
    response = connection.getresponse()
    found = json.loads(response.read())
    if response.status == 200 and "predictions" not in found:
        return 0, 0
    return response.status, int(response.headers.get("Retry-After", 0))


def _summarize(loads):
    """Returns the figures of all turns."""
    times, refusals, errors, seconds = (
        sum(x, []) if isinstance(x[0], list) else sum(x)
        for x in zip(*loads, strict=True)
    )
    if not times:
        raise ValueError(f"The server must answer. Found: {len(errors)} errors")
    median = statistics.median(times)
    p99 = float(np.percentile(times, 99))
    return {
        "images_per_second": round(len(times) / seconds, 2),
        "requests": len(times),
        "refused": len(refusals),
        "errors": len(errors),
        "median_seconds": round(median, 4),
        "p99_seconds": round(p99, 4),
        "p99_to_median": round(p99 / median, 2),
    }
