"""Fetches a file to beside where it will lie, and goes on where an earlier try broke off.

A part is continued only where the server's ETag proves that it is still the same file. Only operators'
commands come here, never a client's request. Fails with InvalidRequest.
"""

import hashlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from parley.errors import InvalidRequest

PIECE = 1 << 20
SECONDS = 60  # without a single byte
PARTIAL = 206
NOTHING_LEFT = 416


def download(url: str, folder: Path, name: str, report: Callable[[int, int | None], None]) -> Path:
    """Fetch *url* into *folder* and return the path of the whole file, `<name>.<mark of the URL>.part`.

    report: called with the bytes done and, where the server tells, all there are. What came stays where it
    breaks off. Raises InvalidRequest.
    """
    part = folder / f"{name}.{hashlib.sha256(url.encode()).hexdigest()[:8]}.part"
    mark = part.with_suffix(".etag")
    request = urllib.request.Request(url, headers=_wish(part, mark))  # noqa: S310 - the caller has checked the scheme
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            total = _store(answer, part, mark, report)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code != NOTHING_LEFT or not part.exists():
            raise InvalidRequest(f"The file could not be fetched: {error.code} {error.reason}.") from error
        part.unlink()
        return download(url, folder, name, report)
    except urllib.error.URLError as error:
        raise InvalidRequest(f"The file could not be fetched: {error.reason}.") from error
    except (OSError, http.client.HTTPException) as error:
        raise InvalidRequest(f"The file broke off ({error}). Run it again to go on.") from error
    if total is not None and part.stat().st_size != total:
        raise InvalidRequest(f"The file broke off at {part.stat().st_size} of {total} bytes. Run it again to go on.")
    mark.unlink(missing_ok=True)
    return part


def _wish(part: Path, mark: Path) -> dict[str, str]:
    """Return the headers that ask for the rest of what *part* holds already."""
    if not part.exists() or not mark.exists():
        return {}
    return {"Range": f"bytes={part.stat().st_size}-", "If-Range": mark.read_text()}


def _store(
    answer: http.client.HTTPResponse, part: Path, mark: Path, report: Callable[[int, int | None], None]
) -> int | None:
    """Write what comes to *part*; return the whole file's size where the server tells it."""
    go_on = answer.status == PARTIAL
    if etag := answer.headers.get("ETag"):
        mark.write_text(etag)
    else:
        mark.unlink(missing_ok=True)
    with part.open("ab" if go_on else "wb") as file:
        length = answer.headers.get("Content-Length")
        total = int(length) + file.tell() if length else None
        while piece := answer.read(PIECE):
            file.write(piece)
            report(file.tell(), total)
    return total
