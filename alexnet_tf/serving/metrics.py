"""What a server tells Prometheus."""

import contextlib
import time

import prometheus_client

_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """The figures of one server, apart from those of any other."""

    def __init__(self):
        self.registry = prometheus_client.CollectorRegistry()

        def make(kind, name, text, labels=(), **options):
            return kind(
                f"alexnet_{name}",
                text,
                labels,
                registry=self.registry,
                **options,
            )

        gauge, counter = prometheus_client.Gauge, prometheus_client.Counter
        histogram = prometheus_client.Histogram
        self.waiting = make(
            gauge, "waiting_images", "Images that are decoded or wait."
        )
        self.connections = make(gauge, "connections", "Open connections.")
        self.batches = make(
            histogram,
            "batch_images",
            "Images that went through the network together.",
            buckets=_SIZES,
        )
        self.stages = make(
            histogram,
            "stage_seconds",
            "Time of a request by stage: receive, decode, queue, network, all.",
            ["stage"],
            buckets=_SECONDS,
        )
        self.requests = make(
            counter,
            "requests",
            "Answers by protocol and code.",
            ["protocol", "code"],
        )
        self.refusals = make(
            counter, "refusals", "Refused requests by reason.", ["reason"]
        )
        self.stopped = make(
            counter, "stopped_decoders", "Decoding processes that were killed."
        )
        self.versions = make(
            gauge,
            "version_state",
            "1 for the state it is in.",
            ["version", "state"],
        )

    @contextlib.contextmanager
    def stage(self, name):
        """A scope whose time counts as that of a stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.stages.labels(name).observe(time.perf_counter() - start)

    def text(self, states):
        """Returns all figures as Prometheus reads them, bytes.

        Args:
            states: See `Versions.states`.
        """
        self.versions.clear()
        for number, state, _ in states:
            self.versions.labels(number, state).set(1)
        return prometheus_client.generate_latest(self.registry)
