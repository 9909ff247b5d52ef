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


def run(seconds, clients, make_progress):
    """Returns what a server of the paper's full network does under load.

    The same machine runs the clients. Photographs are rendered, 500 x 375.

    Args:
        seconds: Of the load.
        clients: That ask at once, each one image after another.
        make_progress: Called as `make_progress(total)`, returns a scope with
            `update(seconds)`.

    Returns:
        Two dicts: the server's images a second, errors, median and 99th
        percentile in seconds; and the bare SavedModel's best images a second
        from the same files, and the server's share of it.
    """
    images = _photographs(16)
    with tempfile.TemporaryDirectory() as folder:
        version = _export(folder)
        bare = _bare(version, images)
        with _Server(version) as port:
            found = _press(port, images, seconds, clients, make_progress)
    found["ratio"] = round(found["images_per_second"] / bare, 3)
    return [
        {"name": f"tools.serve, {clients} clients", **found},
        {
            "name": "the bare SavedModel at its best batch, JPEG decoding",
            "images_per_second": round(bare, 2),
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
    return export.export(model, sums.finish(), names, 256, folder)


def _bare(version, images):
    """Returns the SavedModel's images a second at the best of four batches."""
    import tensorflow as tf

    call = tf.saved_model.load(str(version)).signatures["serving_default"]
    best = 0.0
    for size in (1, 8, 16, 32):
        batch = tf.constant((images * 2)[:size])
        call(image_bytes=batch)
        speeds = []
        for _ in range(5):
            start = time.perf_counter()
            call(image_bytes=batch)["probabilities"].numpy()
            speeds.append(size / (time.perf_counter() - start))
        best = max(best, statistics.median(speeds))
    return best


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
                "tools.serve",
                f"--model={version}",
                f"--port={self.port}",
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
                connection.request("GET", "/v2/health/live")
                connection.getresponse().read()
                return self.port
            except OSError:
                time.sleep(0.1)
        raise ValueError("The server must start within two minutes.")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(60)


def _press(port, images, seconds, clients, make_progress):
    """Returns the figures of the load."""
    bodies = [
        json.dumps({"instances": [{"b64": base64.b64encode(i).decode()}]})
        for i in images
    ]
    times, errors, lock = [], [], threading.Lock()
    end = time.perf_counter() + seconds

    def ask(number):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        place = number
        while time.perf_counter() < end:
            start = time.perf_counter()
            try:
                connection.request(
                    "POST",
                    f"/v1/models/{_NAME}:predict",
                    bodies[place % len(bodies)],
                    {"Content-Type": "application/json"},
                )
                response = connection.getresponse()
                body = json.loads(response.read())
                failed = response.status != 200 or "predictions" not in body
            except (OSError, http.client.HTTPException, ValueError):
                failed = True
                connection.close()
            with lock:
                (errors if failed else times).append(
                    time.perf_counter() - start
                )
            place += clients

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(clients)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    with make_progress(seconds) as progress:
        for _ in range(seconds):
            time.sleep(1)
            progress.update(1)
    for thread in threads:
        thread.join()
    if not times:
        raise ValueError(f"The server must answer. Found: {len(errors)} errors")
    return {
        "images_per_second": round(
            len(times) / (time.perf_counter() - start), 2
        ),
        "requests": len(times),
        "errors": len(errors),
        "median_seconds": round(statistics.median(times), 4),
        "p99_seconds": round(float(np.percentile(times, 99)), 4),
    }
