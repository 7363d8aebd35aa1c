"""Loopback servers to fetch models from: a web server that can be told to fail, and moto's S3."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from moto.server import ThreadedMotoServer

REGION = "ap-northeast-2"


@dataclass
class Faults:
    """What goes wrong, by file name; counts go down with each request that they spoil."""

    cut_after: dict[str, list[int]] = field(default_factory=dict)
    """Bytes to send before the connection is cut, one entry a request."""
    status: dict[str, list[int]] = field(default_factory=dict)
    """Statuses to answer instead, one entry a request."""
    content: dict[str, bytes] = field(default_factory=dict)
    """Other bytes than the file's, always."""
    stall: dict[str, float] = field(default_factory=dict)
    """Seconds of silence before the body."""
    trickle: dict[str, float] = field(default_factory=dict)
    """Seconds of silence after each byte of the body."""
    redirect: dict[str, str] = field(default_factory=dict)
    """Where to send the client instead."""
    no_ranges: bool = False
    lie_about_range: bool = False


class FolderServer:
    """Serves the files of a folder at /model/<name>; keeps a list of what was asked."""

    def __init__(self, folder: Path, tls: ssl.SSLContext | None = None) -> None:
        self.faults = Faults()
        self.asked: list[tuple[str, str | None]] = []
        """(path with query, Range header) of each request."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self, folder))
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._scheme = "http" if tls is None else "https"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), daemon=True
        )

    @property
    def url(self) -> str:
        """The model's URI."""
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}/model"

    def requests_for(self, name: str) -> list[str | None]:
        """The Range headers of the requests for a file."""
        return [given for path, given in self.asked if path.partition("?")[0].endswith(f"/{name}")]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(server: FolderServer, folder: Path) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            server.asked.append((self.path, asked))
            name = self.path.partition("?")[0].rpartition("/")[2]
            faults = server.faults
            if target := faults.redirect.get(name):
                self.send_response(302)
                self.send_header("Location", target)
                self.end_headers()
                return
            if faults.status.get(name):
                self.send_error(faults.status[name].pop(0))
                return
            content = faults.content.get(name)
            if content is None:
                if not (folder / name).is_file():
                    self.send_error(404)
                    return
                content = (folder / name).read_bytes()
            start = 0
            if asked and not faults.no_ranges:
                start = int(asked.removeprefix("bytes=").removesuffix("-"))
            self.send_response(206 if start else 200)
            if start:
                said = start + 1 if faults.lie_about_range else start
                self.send_header("Content-Range", f"bytes {said}-{len(content) - 1}/{len(content)}")
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            time.sleep(faults.stall.get(name, 0))
            body = content[start:]
            if faults.cut_after.get(name):
                body = body[: faults.cut_after[name].pop(0)]
                self.close_connection = True
            try:
                while faults.trickle.get(name) and body:
                    self.wfile.write(body[:1])
                    body = body[1:]
                    time.sleep(faults.trickle[name])
                self.wfile.write(body)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

    return Handler


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A self-signed certificate for 127.0.0.1: the server's context, and the PEM to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    cert = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert_file, key_file)
    return context, cert_file


class Moto:
    """moto's S3 behind a port of its own."""

    def __init__(self) -> None:
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self.url = ""

    def __enter__(self) -> Self:
        self._server.start()
        host, port = self._server.get_host_and_port()
        self.url = f"http://{host}:{port}"
        self.client: Any = boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )
        # moto keeps one state in a process, whatever servers it has there.
        with suppress(self.client.exceptions.BucketAlreadyOwnedByYou):
            self.client.create_bucket(
                Bucket="models", CreateBucketConfiguration={"LocationConstraint": REGION}
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.stop()

    def empty(self) -> None:
        """Remove every object of the bucket `models`."""
        for key in self.objects():
            self.client.delete_object(Bucket="models", Key=key)

    def objects(self) -> list[str]:
        """The keys in the bucket `models`, sorted."""
        listing = self.client.list_objects_v2(Bucket="models")
        return sorted(item["Key"] for item in listing.get("Contents", []))

    def put_folder(
        self, folder: Path, prefix: str, change: Callable[[bytes], bytes] | None = None
    ) -> None:
        """Upload a folder's files, `change` applied to model.bin."""
        for path in folder.iterdir():
            content = path.read_bytes()
            if change is not None and path.name == "model.bin":
                content = change(content)
            self.client.put_object(Bucket="models", Key=f"{prefix}/{path.name}", Body=content)
