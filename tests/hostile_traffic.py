"""Hostile traffic on loopback, beside a polite client: `python tests/THIS`.

    python tests/hostile_traffic.py --seconds=3600

It starts `tools.serve` with a small model, attacks it over the wire by turns
for so long, and prints what came of it as JSON: statuses by attack, what the
polite client waited and whether it always got its answer, and the server's
memory before and after. Bounded: loopback, 12 MB a request, one attacker.
"""

import argparse
import base64
import collections
import contextlib
import json
import os
import pathlib
import random
import socket
import statistics
import sys
import tempfile
import threading
import time

sys.path[:0] = [str(pathlib.Path(__file__).parents[1])]

import served  # noqa: E402

PREDICT = "/v1/models/alexnet:predict"
MUTATIONS = 2000


class Attacker:
    """Attacks a server, one attack after another.

    Args:
        port: Of HTTP.
        grpc_port: Of gRPC.
        seed: Of the mutations.
    """

    def __init__(self, port, grpc_port, seed=0):
        self.port, self.grpc_port = port, grpc_port
        self.random = random.Random(seed)
        self.statuses = collections.defaultdict(collections.Counter)
        self.files = [*served.GOOD.values()]
        self.bombs = [
            *served.BAD.values(),
            served.jpeg_of_scans(3000),
            # As much as is let through.
            served.jpeg_of_scans(50, 2500),
            served.png_of_texts(8),
        ]
        self.mutations = 0
        self.current = ""

    def attack(self):
        """Makes one attack of each kind, and many mutations."""
        for _ in range(40):
            self._post("mutated image", self._body(self._mutate_file()))
            self._post("mutated body", self._mutate(self._body(self.files[0])))
            self.mutations += 2
        for bomb in self.bombs:
            self._post("bomb", self._body(bomb))
            self._post("bomb, page", bomb, "/page/classes")
        self._nested()
        self._half_sent()
        self._chunked()
        self._disconnects()
        self._strange_http()
        self._strange_grpc()

    def _mutate_file(self):
        return self._mutate(self.random.choice(self.files))

    def _mutate(self, data):
        """Returns bytes with some changed, cut out, or repeated."""
        data = bytearray(data)
        for _ in range(self.random.randint(1, 8)):
            place = self.random.randrange(len(data))
            kind = self.random.randrange(3)
            if kind == 0:
                data[place] = self.random.randrange(256)
            elif kind == 1:
                del data[place : place + self.random.randrange(1, 50)]
            else:
                data[place:place] = data[: self.random.randrange(1, 50)]
            if not data:
                return b"x"
        return bytes(data)

    def _body(self, file):
        text = base64.b64encode(file).decode()
        return json.dumps({"instances": [{"b64": text}]}).encode()

    def _post(self, kind, body, path=PREDICT):
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self._send(kind, head.encode() + body)

    def _send(self, kind, *parts, wait=True, port=None):
        """Sends bytes, and counts the status that comes."""
        status = "none"
        self.current = kind
        with contextlib.suppress(OSError), self._connect(port) as connection:
            with contextlib.suppress(OSError):
                for part in parts:
                    connection.sendall(part)
            if wait:
                status = connection.recv(12)[9:].decode("latin-1") or "closed"
            else:
                status = "left"
        self.statuses[kind][status] += 1

    def _connect(self, port=None):
        return socket.create_connection(
            ("127.0.0.1", port or self.port), timeout=40
        )

    def _nested(self):
        for depth in (100, 10_000, 1_000_000):
            for text in (b"[", b'{"instances":[', b'{"a":'):
                self._post("nested", text * depth)
        self._post("values", b'{"instances":[' + b"[]," * 3_000_000 + b"1]}")
        long = json.dumps({"signature_name": "x" * 5_000_000})
        self._post("long name", long.encode())

    def _half_sent(self):
        """Leaves requests half said, for two seconds."""
        starts = (
            b"",
            b"POST /v1/mod",
            f"POST {PREDICT} HTTP/1.1\r\nHost: localhost\r\n"
            "Content-Length: 1000000\r\n\r\n{".encode(),
        )
        self.current = "half sent"
        with contextlib.ExitStack() as stack:
            for number in range(150):
                connection = stack.enter_context(self._connect())
                with contextlib.suppress(OSError):
                    connection.sendall(starts[number % 3])
                self.statuses["half sent"]["left"] += 1
            time.sleep(2)

    def _chunked(self):
        head = (
            f"POST {PREDICT} HTTP/1.1\r\nHost: localhost\r\n"
            "Transfer-Encoding: chunked\r\n\r\n"
        )
        chunk = b"100000\r\n" + bytes(2**20) + b"\r\n"
        self._send("chunked", head.encode(), *[chunk] * 40)
        self._send("chunked", head.encode(), b"zzz\r\n")
        self._send("chunked, left", head.encode(), chunk, wait=False)

    def _disconnects(self):
        body = self._body(served.photograph())
        text = json.loads(body)["instances"] * 60
        body = json.dumps({"instances": text}).encode()
        head = (
            f"POST {PREDICT} HTTP/1.1\r\nHost: localhost\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode()
        for _ in range(10):
            self._send("disconnect", head + body, wait=False)

    def _strange_http(self):
        header = b"X-A: " + b"x" * 1000 + b"\r\n"
        self._send("header", b"GET / HTTP/1.1\r\n", *[header] * 2000)
        for text in (
            b"\x16\x03\x01\x00\xa5\x01\x00",
            b"GET / HTTP/9.9\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: 1\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"GET /%00%ff/../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"POST /v2/repository/models/alexnet/unload HTTP/1.1\r\n"
            b"Host: localhost\r\nContent-Length: 0\r\n\r\n",
        ):
            self._send("strange http", text)

    def _strange_grpc(self):
        preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        for _ in range(10):
            noise = self.random.randbytes(self.random.randrange(1, 5000))
            self._send("grpc", preface + noise, port=self.grpc_port, wait=False)


class Polite:
    """Asks for the same image over and over, and notes what it gets."""

    def __init__(self, address):
        self.url = address + "/page/classes"
        self.file = served.photograph(3)
        self.expected = served.ask(self.url, self.file)[2]
        self.attack = lambda: ""
        self.waits, self.wrong = [], []
        self.worst = collections.Counter()
        self.end = threading.Event()
        self.thread = threading.Thread(target=self._ask)
        self.thread.start()

    def _ask(self):
        while not self.end.wait(0.2):
            begun = time.monotonic()
            try:
                status, _, text = served.ask(self.url, self.file)
            except OSError as error:
                status, text = repr(error), b""
            wait = time.monotonic() - begun
            self.waits.append(wait)
            attack = self.attack()
            self.worst[attack] = round(max(self.worst[attack], wait), 3)
            if not _same(text, self.expected):
                self.wrong.append(str(status))

    def stop(self):
        self.end.set()
        self.thread.join()


def _same(text, expected):
    """Returns whether two answers are the same to float32's rounding."""
    try:
        found, wanted = json.loads(text), json.loads(expected)
        return found["class_names"] == wanted["class_names"] and all(
            abs(a - b) < 1e-5
            for a, b in zip(
                found["probabilities"], wanted["probabilities"], strict=True
            )
        )
    except (ValueError, KeyError):
        return False


def memory_mb(pid):
    """Returns what a process and its children hold, without what they share."""
    total = 0
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parents = (path / "stat").read_text().rpartition(")")[2].split()
            if pid in (int(path.name), int(parents[1]), _parent(parents[1])):
                text = (path / "smaps_rollup").read_text()
                line = next(x for x in text.splitlines() if "Pss:" in x)
                total += int(line.split()[1])
    return round(total / 1024)


def _parent(pid):
    text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    return int(text.rpartition(")")[2].split()[1])


def run(port, grpc_port, pid, seconds):
    """Returns what comes of so many seconds of attacks, and one round more."""
    polite = Polite(f"http://127.0.0.1:{port}")
    attacker = Attacker(port, grpc_port)
    polite.attack = lambda: attacker.current
    try:
        attacker.attack()
        before = memory_mb(pid)
        end = time.monotonic() + seconds
        rounds = 1
        while time.monotonic() < end:
            attacker.attack()
            rounds += 1
    finally:
        polite.stop()
    waits = sorted(polite.waits)
    return {
        "rounds": rounds,
        "mutations": attacker.mutations,
        "statuses": {k: dict(v) for k, v in attacker.statuses.items()},
        "polite_requests": len(waits),
        "polite_wrong": polite.wrong,
        "polite_median_seconds": round(statistics.median(waits), 3),
        "polite_p99_seconds": round(waits[int(0.99 * len(waits))], 3),
        "polite_worst_seconds": dict(polite.worst),
        "memory_mb_after_one_round": before,
        "memory_mb_at_the_end": memory_mb(pid),
    }


def main():
    """Attacks a server of its own."""
    from test_tool_serve import serve_process

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=3600)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        version = served.make_version(pathlib.Path(folder))
        with socket.create_server(("127.0.0.1", 0)) as free:
            grpc_port = free.getsockname()[1]
        with serve_process(version, f"--grpc_port={grpc_port}") as (
            process,
            address,
        ):
            port = int(address.rpartition(":")[2])
            found = run(port, grpc_port, process.pid, arguments.seconds)
            found["ended"] = process.poll()
    print(json.dumps(found, indent=1))
    os._exit(0)


if __name__ == "__main__":
    main()
