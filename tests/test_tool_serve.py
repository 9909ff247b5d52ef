"""`tools.serve` as a process: ports, keys, certificates, its end."""

import concurrent.futures
import contextlib
import datetime
import json
import re
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
def _serve(version, *flags):
    """Runs the program; yields the process and the addresses it prints."""
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
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process, process.stdout.readline().strip().removesuffix("/page")
    finally:
        process.kill()
        process.communicate()


def test_a_signal_ends_it_when_all_are_answered(version):
    with _serve(version, "--grpc_port=0") as (process, address):
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
        # Half a request does not hold up the end either.
        assert "All requests have been answered" in process.stderr.read()


def test_a_taken_port_is_known_before_the_model_is_loaded(version):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for flag in ("--port", "--grpc_port"):
            flags = {"--port": "0", "--grpc_port": "0", flag: str(port)}
            done = run(
                "serve",
                f"--model={version}",
                *(f"{name}={value}" for name, value in flags.items()),
                status=1,
            )

            assert re.search(rf"Port {port} of 127.0.0.1 must be", done.stderr)
            assert "Loading version" not in done.stderr


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
    with _serve(
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

        ask = client.GrpcClient("", key="0123456789abcdef")
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
            assert len(found.outputs["classes"].int_val) == 5
            with pytest.raises(grpc.RpcError, match="Bearer KEY"):
                stub.Predict(message, timeout=60)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--tls_key=x.pem"], "must be given together"),
        (["--tls_key=x.pem", "--tls_certificate=y.pem"], "No such file"),
        (["--api_key_file=none.txt"], "none.txt: No such file"),
    ],
)
def test_refuses_settings_that_do_not_fit(version, flags, words):
    done = run("serve", f"--model={version}", "--port=0", *flags, status=1)

    assert words in done.stderr


def test_refuses_a_folder_without_a_model(tmp_path):
    done = run(
        "serve", f"--model={tmp_path}", "--port=0", "--grpc_port=0", status=1
    )

    assert "holds no exported model" in done.stderr
