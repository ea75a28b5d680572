"""A cache of one's own, and a real HTTP server that can be told to misbehave."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pytest_mlmodelscope.core.manifest import Asset
from pytest_mlmodelscope.manifest.cache import Cache
from pytest_mlmodelscope.manifest.fetch import Fetcher


@dataclass
class Page:
    """What one address gives, and how."""

    body: bytes = b""
    etag: str | None = '"1"'
    break_at: int | None = None  # close the connection after so many bytes, the first time
    endless: bool = False
    length: bool = True
    status: int = 200
    failures: int = 0  # answers with 503 before the first good one
    encoding: str | None = None


@dataclass
class Site:
    """The pages of a server, and what it was asked: ``(path, Range, first byte sent)``."""

    address: str
    pages: dict[str, Page] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    sent: int = 0

    def url(self, path):
        return f"{self.address}/{path}"


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        site = self.server.site
        site.asked.append((self.path.lstrip("/"), self.headers.get("Range")))
        page = site.pages.get(self.path.lstrip("/"))
        if page is None:
            self.send_error(404)
        elif page.failures:
            page.failures -= 1
            self.send_error(503)
        elif page.endless:
            self._endless()
        else:
            self._page(page)

    def _page(self, page):
        start = self._start(page)
        self.send_response(206 if start else page.status)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(page.body) - 1}/{len(page.body)}")
        if page.etag:
            self.send_header("ETag", page.etag)
        if page.encoding:
            self.send_header("Content-Encoding", page.encoding)
        if page.length:
            self.send_header("Content-Length", str(len(page.body) - start))
        else:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        body, page.break_at = page.body[start : page.break_at], None
        self.wfile.write(body)
        if start + len(body) < len(page.body):
            self.close_connection = True

    def _start(self, page):
        asked = self.headers.get("Range")
        if not asked or self.headers.get("If-Range") != page.etag:
            return 0
        return int(asked.removeprefix("bytes=").rstrip("-"))

    def _endless(self):
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"x" * 65536)
                self.server.site.sent += 65536
        except OSError:
            self.close_connection = True

    def log_message(self, *args):
        pass


class _Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """Clients that hang up are what some tests are about."""


@pytest.fixture
def site():
    server = _Server(("127.0.0.1", 0), _Answers)
    server.site = Site(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server.site
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


@pytest.fixture
def fetcher(cache):
    return Fetcher(cache)


def asset_of(content, name="weights", **fields):
    """An asset whose digest and size are those of ``content``."""
    digest = hashlib.sha256(content).hexdigest()
    return Asset(name, digest, len(content), "MIT", **{"where": "manifests/models/m.yml:9", **fields})


def tree_asset(files, **fields):
    """An asset whose digest and size are those of a tree: path -> content."""
    listing = "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))
    size = sum(map(len, files.values()))
    fields = {"where": "manifests/models/m.yml:9", **fields}
    return Asset("tree", hashlib.sha256(listing.encode()).hexdigest(), size, "MIT", **fields)


def files_below(folder):
    """Path -> content of every file below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
