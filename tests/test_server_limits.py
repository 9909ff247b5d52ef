"""Clients that mean harm are refused, and others are answered meanwhile."""

import base64
import concurrent.futures
import contextlib
import json
import pathlib
import re
import socket
import time

import pytest

pytest.importorskip(
    "tensorflow_serving", reason="needs pip install 'alexnet-tf[serving]'"
)

import grpc
import served
import tensorflow as tf

from alexnet_tf import export
from alexnet_tf.serving import client
from alexnet_tf.serving.limits import Limits

PREDICT = "/v1/models/alexnet:predict"
KEY = "0123456789abcdef"
LIMITS = Limits(
    body_bytes=2**20,
    bodies_bytes=2**21,
    header_bytes=2**12,
    connections=20,
    header_seconds=1.0,
    waiting=8,
    images=16,
    timeout_seconds=5.0,
)


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    return served.make_version(tmp_path_factory.mktemp("export"))


@pytest.fixture(scope="module")
def server(version):
    with served.run_server(version, limits=LIMITS) as server:
        yield server


@pytest.fixture
def alive(server):
    """Fails a test after which a polite client is not answered."""
    yield
    assert len(client.connect(server.http)(served.photograph())[0]) == 5


def _send(server, *parts, wait=True):
    """Sends bytes as they are; returns what comes until the end."""
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.settimeout(15)
        for part in parts:
            connection.sendall(part)
        found = b""
        with contextlib.suppress(ConnectionError):
            while wait and (more := connection.recv(2**16)):
                found += more
                head, end, body = found.partition(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head)
                if end and length and len(body) >= int(length.group(1)):
                    break
        return found


def _head(length):
    return (
        f"POST {PREDICT} HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


def _images(count, image=served.GOOD["JPEG"]):
    text = base64.b64encode(image).decode()
    return {"instances": [{"b64": text}] * count}


@pytest.mark.usefixtures("alive")
def test_a_body_that_says_it_is_large_is_refused(server):
    found = _send(server, _head(2**30), b"x" * 1000)

    assert found.startswith(b"HTTP/1.1 413")
    assert b"at most 1048576 bytes" in found


@pytest.mark.usefixtures("alive")
def test_a_chunked_body_has_the_same_limit(server):
    head = (
        f"POST {PREDICT} HTTP/1.1\r\nHost: localhost\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
    )
    chunk = b"20000\r\n" + bytes(2**17) + b"\r\n"

    found = _send(server, head.encode(), *[chunk] * 12)

    assert found.startswith(b"HTTP/1.1 413")


@pytest.mark.usefixtures("alive")
def test_the_client_hears_why_a_large_body_is_refused(server):
    with pytest.raises(ValueError, match="at most 1048576 bytes"):
        client.connect(server.http)(bytes(30_000_000))


@pytest.mark.usefixtures("alive")
def test_a_large_header_is_refused(server):
    line = b"X-Long: " + b"x" * 100_000 + b"\r\n"

    found = _send(server, b"GET /page HTTP/1.1\r\n" + line)

    assert found.startswith(b"HTTP/1.1 400")


@pytest.mark.usefixtures("alive")
@pytest.mark.parametrize("start", [b"", b"POST /v1/models/", b"GET /x HTTP"])
def test_half_a_request_is_not_kept_open(server, start):
    begun = time.monotonic()

    _send(server, start)

    assert time.monotonic() - begun < 10


@pytest.mark.usefixtures("alive")
def test_half_a_body_is_refused_at_the_deadline(server):
    found = _send(server, _head(1000), b"{")

    assert found.startswith(b"HTTP/1.1 504")


@pytest.mark.usefixtures("alive")
def test_silent_connections_keep_nobody_out(server):
    with contextlib.ExitStack() as stack:
        for _ in range(40):
            connection = socket.create_connection(("127.0.0.1", server.port))
            stack.enter_context(connection).sendall(b"GET /page")

        assert client.connect(server.http)(served.photograph())


@pytest.mark.usefixtures("alive")
def test_what_is_no_http_is_refused_in_json(server):
    found = _send(server, b"\x16\x03\x01 nonsense\r\n\r\n")

    assert found.startswith(b"HTTP/1.1 400")
    assert json.loads(found.partition(b"\r\n\r\n")[2])["error"]


@pytest.mark.usefixtures("alive")
def test_more_than_may_wait_are_told_to_come_again(server):
    def ask(_):
        return served.ask(server.http + PREDICT, _images(6))

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        found = list(pool.map(ask, range(24)))

    statuses = {status for status, _, _ in found}
    assert statuses == {200, 429}
    for status, headers, _ in found:
        assert (headers["retry-after"] == "1") == (status == 429)


def test_a_call_that_may_not_wait_is_told_so_by_grpc(server):
    stub = client.connect(server.grpc).stub
    request = client.connect(server.grpc).predict_pb2.PredictRequest()
    request.model_spec.name = "alexnet"
    request.inputs["image_bytes"].CopyFrom(
        tf.make_tensor_proto([served.photograph()] * 6)
    )

    futures = [stub.Predict.future(request) for _ in range(12)]
    codes = {future.code() for future in futures}

    assert codes == {
        grpc.StatusCode.OK,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    }


@pytest.mark.usefixtures("alive")
def test_values_are_counted_before_they_are_read(server):
    body = b'{"instances":' + b"[" + b"[]," * 300_000 + b"[]]}"
    limits = Limits(values=1000)

    from alexnet_tf.serving import protocol, refusal

    with pytest.raises(refusal.Refusal, match="at most 1000 values"):
        protocol.parse_predict(body, limits, lambda name: "image_bytes")
    assert served.ask(server.http + PREDICT, body)[0] == 400


def test_an_image_that_takes_too_long_is_stopped(version):
    """A progressive JPEG of all the scans and pixels that are let through."""
    slow = served.jpeg_of_scans(50, 4000)
    limits = Limits(large_seconds=0.4)
    with served.run_server(version, limits=limits) as strict:
        begun = time.monotonic()
        status, _, text = served.ask(strict.http + PREDICT, _images(1, slow))

        assert status == 400
        assert b"takes more than 0.4 s" in text
        assert time.monotonic() - begun < 10
        figures = served.ask(strict.http + "/metrics")[2].decode()
        assert re.search(r"alexnet_stopped_decoders_total [1-9]", figures)
        # A new process has taken its place.
        large = served.jpeg_of_scans(1, 1300)
        assert client.connect(strict.http)(large)


@pytest.mark.slow
def test_large_images_hold_up_no_small_ones(version):
    with served.run_server(version) as server:
        slow = _images(4, served.jpeg_of_scans(50, 2500))
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            hostile = pool.submit(served.ask, server.http + PREDICT, slow)
            time.sleep(0.3)
            ask = client.connect(server.http)
            waits = []
            while not hostile.done():
                begun = time.monotonic()
                ask(served.photograph())
                waits.append(time.monotonic() - begun)

        # By far more answers than hostile images, which were all there before.
        assert len(waits) > 4


@pytest.mark.usefixtures("alive")
def test_who_leaves_takes_his_images_out_of_the_queue(server):
    body = json.dumps(_images(8)).encode()
    for _ in range(30):
        _send(server, _head(len(body)), body, wait=False)

    text = ""
    for _ in range(50):
        text = served.ask(server.http + "/metrics")[2].decode()
        if "alexnet_waiting_images 0.0" in text:
            break
        time.sleep(0.1)
    assert "alexnet_waiting_images 0.0" in text
    left = re.search(r'refusals_total{reason="client left"} (\d+)', text)
    assert left
    assert int(left.group(1)) > 0


@pytest.mark.usefixtures("alive")
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "elsewhere.example"}, 403),
        ({"Host": "localhost"}, 200),
    ],
)
def test_pages_of_other_sites_may_not_ask(server, headers, status):
    found, answer, _ = served.ask(server.http + PREDICT, _images(1), **headers)

    assert found == status
    assert "access-control-allow-origin" not in answer


def test_the_page_itself_may_ask(server):
    origin = {"Origin": server.http}

    assert served.ask(server.http + PREDICT, _images(1), **origin)[0] == 200


def test_a_key_opens_both_protocols(version):
    with served.run_server(version, keys=(KEY,)) as server:
        for ask in (
            client.connect(server.http),
            client.connect(server.http, key="wrong"),
            client.connect(server.grpc),
        ):
            with pytest.raises(ConnectionError, match="must answer"):
                ask(served.photograph())
        for path, status in (
            ("/v1/models/alexnet", 401),
            ("/metrics", 401),
            ("/page/about", 401),
            ("/page", 200),
            ("/health/live", 200),
            ("/examples/0.jpg", 200),
        ):
            assert served.ask(server.http + path)[0] == status, path

        for address in (server.http, server.grpc):
            assert client.connect(address, key=KEY)(served.photograph())


@pytest.mark.parametrize("port", ["port", "grpc_port"])
def test_a_taken_port_is_known_before_the_model_is_loaded(
    version, port, monkeypatch
):
    monkeypatch.setattr(export, "load", None)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]

        with (
            pytest.raises(ValueError, match=f"Port {number} of 127.0.0.1 must"),
            served.run_server(version, **{port: number}),
        ):
            pass


def test_a_certificate_is_read_before_the_model_is_loaded(
    version, tmp_path, monkeypatch
):
    monkeypatch.setattr(export, "load", None)
    (tmp_path / "cert.pem").write_text("no certificate")
    for tls, error in (
        ((tmp_path / "cert.pem",) * 2, "must be a certificate and its key"),
        ((tmp_path / "none.pem",) * 2, "No such file"),
    ):
        with (
            pytest.raises((ValueError, OSError), match=error),
            served.run_server(version, tls=tls),
        ):
            pass


def test_a_folder_without_a_model_is_refused(tmp_path):
    with (
        pytest.raises(FileNotFoundError, match="holds no exported model"),
        served.run_server(tmp_path),
    ):
        pass


@pytest.mark.slow
def test_a_model_of_nan_is_not_served(tmp_path):
    """Its answers would be no numbers: JSON has no word for them."""
    served.make_version(tmp_path, spoil=True)

    with (
        pytest.raises(ValueError, match="version 1.*finite"),
        served.run_server(tmp_path),
    ):
        pass


@pytest.mark.slow
def test_a_new_version_takes_over_while_it_serves(tmp_path):
    served.make_version(tmp_path)
    with served.run_server(tmp_path, poll_seconds=0.2, versions=2) as server:
        ask = client.connect(server.http)
        ask(served.photograph())
        served.make_version(tmp_path)
        served.make_version(tmp_path, spoil=True)

        path = "/v1/models/alexnet"
        for _ in range(300):
            ask(served.photograph())
            found = json.loads(served.ask(server.http + path)[2])
            states = {
                s["version"]: s["state"] for s in found["model_version_status"]
            }
            if len(states) == 3 and "LOADING" not in states.values():
                break
            time.sleep(0.1)

        assert states == {"1": "AVAILABLE", "2": "AVAILABLE", "3": "END"}
        for number, status in ((1, 200), (2, 200), (3, 404)):
            url = f"{server.http}{path}/versions/{number}:predict"
            assert served.ask(url, _images(1))[0] == status


def test_memory_does_not_grow_with_refusals(server):
    bodies = [json.dumps(_images(1, bad)) for bad in served.BAD.values()]
    bodies = [b.encode() for b in bodies if len(b) < 2**20]

    def refuse(rounds):
        for _ in range(rounds):
            for body in bodies:
                assert served.ask(server.http + PREDICT, body)[0] == 400

    refuse(3)
    before = _resident_mb()
    refuse(10)
    assert _resident_mb() - before < 50


def _resident_mb():
    status = pathlib.Path("/proc/self/status").read_text()
    line = next(x for x in status.splitlines() if x.startswith("VmRSS"))
    return int(line.split()[1]) / 1024
