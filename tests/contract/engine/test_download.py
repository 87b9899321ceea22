"""Models fetched over HTTP: whole, broken off and continued, refused."""

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from parley.engine.shelf import Shelf
from parley.errors import InvalidRequest


class Site(ThreadingHTTPServer):
    """Serves one file with an ETag; `cut` bytes are sent where it is set. `ranges` tells what was asked for."""

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Page)
        self.content = content
        self.etag = '"1"'
        self.cut: int | None = None
        self.ranges: list[str | None] = []

    @property
    def url(self) -> str:
        """Where the file lies, with a secret in the query."""
        return f"http://127.0.0.1:{self.server_port}/files/fetched.gguf?token=secret"


class Page(BaseHTTPRequestHandler):
    """Answers with the file, or with the rest that was asked for."""

    server: Site

    def do_GET(self) -> None:
        """Send the file."""
        site, wanted = self.server, self.headers.get("Range")
        site.ranges.append(wanted)
        fresh = self.headers.get("If-Range") in (None, site.etag)
        start = int(re.findall(r"\d+", wanted)[0]) if wanted and fresh else 0
        self.send_response(404 if "missing" in self.path else 206 if start else 200)
        self.send_header("Content-Length", str(len(site.content) - start))
        self.send_header("ETag", site.etag)
        self.end_headers()
        self.wfile.write(site.content[start : site.cut])

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def site(model_file: Path) -> Iterator[Site]:
    """Give a site that holds a whole model."""
    with Site(model_file.read_bytes()) as site:
        thread = threading.Thread(target=site.serve_forever)
        thread.start()
        yield site
        site.shutdown()
        thread.join()


def test_a_model_is_fetched(shelf: Shelf, site: Site) -> None:
    """A URL becomes a model under the file's name, with the very bytes."""
    assert shelf.add(site.url).name == "fetched"
    assert shelf.find("fetched").path.read_bytes() == site.content


def test_no_secret_of_the_url_is_kept(shelf: Shelf, site: Site) -> None:
    """The source that is kept lacks the query."""
    assert shelf.add(site.url).source.endswith("/files/fetched.gguf")


def test_a_broken_fetch_goes_on(shelf: Shelf, site: Site) -> None:
    """After a break the next try asks only for the rest."""
    site.cut = 100
    with pytest.raises(InvalidRequest, match="broke off at 100 of"):
        shelf.add(site.url)
    site.cut = None
    assert shelf.add(site.url).path.read_bytes() == site.content
    assert site.ranges == [None, "bytes=100-"]


def test_a_changed_file_starts_again(shelf: Shelf, site: Site) -> None:
    """Where the file changed since the break, nothing of the old one is used."""
    site.cut = 100
    with pytest.raises(InvalidRequest):
        shelf.add(site.url)
    site.cut, site.etag, site.content = None, '"2"', site.content + b"more"
    assert shelf.add(site.url).path.read_bytes() == site.content


def test_nothing_else_stays(shelf: Shelf, site: Site) -> None:
    """After a fetch the folder holds the model and the index."""
    folder = shelf.add(site.url).path.parent
    assert {path.name for path in folder.iterdir()} == {"fetched.gguf", "index.json", "index.lock"}


def test_a_refusal_is_told(shelf: Shelf, site: Site) -> None:
    """The status of a refusal is in the message."""
    with pytest.raises(InvalidRequest, match="404"):
        shelf.add(site.url.replace("fetched", "missing"))


def test_no_server(shelf: Shelf) -> None:
    """Where nobody listens, the message says so."""
    with pytest.raises(InvalidRequest, match="could not be fetched"):
        shelf.add("http://127.0.0.1:9/a.gguf")
