"""`tools.serve` as a process: ports, keys, certificates, its end."""

import concurrent.futures
import contextlib
import datetime
import json
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request

import pytest

pytest.importorskip(
    "tensorflow_serving", reason="needs pip install 'alexnet-tf[serving]'"
)

import served
from programs import ROOT, run

from alexnet_tf.serving import client

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    return served.make_version(tmp_path_factory.mktemp("export"))


@contextlib.contextmanager
def serve_process(version, *flags, log=subprocess.DEVNULL):
    """Runs the program; yields the process and the address it prints."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tools.serve",
            f"--model={version}",
            "--port=0",
            *flags,
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    try:
        yield process, process.stdout.readline().strip().removesuffix("/page")
    finally:
        process.kill()
        process.communicate()


def test_a_signal_ends_it_when_all_are_answered(version, tmp_path):
    with (
        open(tmp_path / "log", "w+") as log,
        serve_process(version, "--grpc_port=0", log=log) as (process, address),
    ):
        body = served.photograph()
        url = f"{address}/page/classes?crops=10"

        def ask(_):
            with urllib.request.urlopen(url, body, timeout=60) as response:
                return len(json.load(response)["class_names"])

        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            asked = [pool.submit(ask, n) for n in range(20)]
            # All have been sent, few have been answered.
            time.sleep(0.1)
            process.send_signal(signal.SIGTERM)
            found = [future.exception() or future.result() for future in asked]

        # An answer, or no connection; nobody is cut off.
        assert found.count(5) > 0
        assert all(
            x == 5 or "refused" in str(x) or "reset" in str(x) for x in found
        )
        assert process.wait(30) == 0
        log.seek(0)
        assert "All requests have been answered" in log.read()


def test_requests_good_or_bad_write_nothing_in_the_log(version, tmp_path):
    with (
        open(tmp_path / "log", "w+") as log,
        serve_process(version, "--grpc_port=0", log=log) as (process, address),
    ):
        for contents, status in ((served.photograph(), 200), (b"none", 400)):
            for _ in range(3):
                found = served.ask(f"{address}/page/classes", contents)
                assert found[0] == status
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        log.seek(0)
        lines = log.read().splitlines()

    # Start, version and end; a traceback least of all.
    assert [line.split()[0] for line in lines] == ["Loading", "Version", "All"]


def _certificate(folder):
    """Writes a certificate of this machine and its key; returns both paths."""
    x509 = pytest.importorskip("cryptography.x509", reason="no cryptography")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")]
    )
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost")]), False
        )
        .sign(key, hashes.SHA256())
    )
    paths = folder / "cert.pem", folder / "key.pem"
    pem = serialization.Encoding.PEM
    paths[0].write_bytes(made.public_bytes(pem))
    paths[1].write_bytes(
        key.private_bytes(
            pem,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


def test_tls_and_keys_over_both_protocols(version, tmp_path):
    import grpc
    import tensorflow as tf

    certificate, key = _certificate(tmp_path)
    keys = tmp_path / "keys.txt"
    keys.write_text("0123456789abcdef\n")
    with socket.create_server(("127.0.0.1", 0)) as free:
        grpc_port = free.getsockname()[1]
    with serve_process(
        version,
        f"--grpc_port={grpc_port}",
        f"--tls_certificate={certificate}",
        f"--tls_key={key}",
        f"--api_key_file={keys}",
    ) as (_, address):
        assert address.startswith("https://localhost:")
        context = ssl.create_default_context(cafile=certificate)
        request = urllib.request.Request(
            f"{address}/page/classes",
            served.photograph(),
            {"Authorization": "Bearer 0123456789abcdef"},
        )
        with urllib.request.urlopen(
            request, timeout=60, context=context
        ) as response:
            assert len(json.load(response)["class_names"]) == 5

        ask = client.GrpcClient("localhost:1", key="0123456789abcdef")
        credentials = grpc.ssl_channel_credentials(certificate.read_bytes())
        message = ask.predict_pb2.PredictRequest()
        message.model_spec.name = "alexnet"
        message.inputs["image_bytes"].CopyFrom(
            tf.make_tensor_proto([served.photograph()])
        )
        with grpc.secure_channel(
            f"localhost:{grpc_port}", credentials
        ) as channel:
            from tensorflow_serving.apis import prediction_service_pb2_grpc

            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            found = stub.Predict(message, metadata=ask.metadata, timeout=60)
            assert tf.make_ndarray(found.outputs["classes"]).shape == (1, 5)
            with pytest.raises(grpc.RpcError, match="Bearer KEY"):
                stub.Predict(message, timeout=60)


def test_refuses_a_key_without_its_certificate(version):
    done = run("serve", f"--model={version}", "--tls_key=x.pem", status=1)

    assert "must be given together" in done.stderr
