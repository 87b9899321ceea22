"""A base URL is an origin, or refused without repeating its secrets."""

import pytest

from parley.errors import SettingsError
from parley.upstreams.origin import Origin


@pytest.mark.parametrize(
    ("url", "origin", "host"),
    [
        ("https://api.example.com/v1", Origin("https", "api.example.com", 443, "/v1"), b"api.example.com"),
        ("http://LOCALHOST:8080/", Origin("http", "localhost", 8080), b"localhost:8080"),
        ("http://[::1]:80/a/b/", Origin("http", "::1", 80, "/a/b"), b"[::1]"),
        ("https://127.0.0.1:80", Origin("https", "127.0.0.1", 80), b"127.0.0.1:80"),
        ("http://bücher.example", Origin("http", "xn--bcher-kva.example", 80), b"xn--bcher-kva.example"),
    ],
)
def test_parse(url: str, origin: Origin, host: bytes) -> None:
    """Scheme, host, port and path are read; the `host` header leaves out the usual port."""
    assert Origin.parse(url) == origin
    assert Origin.parse(url).host_header == host


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com",
        "example.com/v1",
        "https://",
        "https://me:hidden@example.com",
        "https://example.com/v1?key=hidden",
        "https://example.com/#hidden",
        "https://example.com:0",
        "https://example.com:99999",
        "https://exa mple.com",
        "https://example.com/a b",
        "https://[::zz]/",
        "",
    ],
)
def test_refused(url: str) -> None:
    """What is no base URL is refused, and what may be secret in it is not repeated."""
    with pytest.raises(SettingsError) as caught:
        Origin.parse(url)
    assert "hidden" not in str(caught.value)
