"""The table of faults: what an upstream does wrong, and what becomes of the call. Data alone.

`test_fault_table.py` asks for each row of a real gateway; `python -m docs.generate` makes `docs/reference/faults.md` of
them. `fault` is a behaviour of the upstream of `faults.py`.
"""

from collections.abc import Iterator
from typing import NamedTuple

SAID = "Hello there, friend."
BEGINNING = "Hello there"
FOREIGN = "Gr\u00fc\u00df \u4f60\u597d \U0001f98a"
ARGUMENTS = '{"city": "K\u00f6ln \\"am Rhein\\"", "days": [1, 2.50], "note": "\\u00e4\\n"}'
TOLD, COUNTED, CUT, NOTHING = (10, 5), (8, 5), (8, 2), (0, 0)  # tokens in and out: by the upstream, or by us
STATUSES = {
    "upstream_broken": 502,
    "upstream_denied": 502,
    "upstream_timeout": 504,
    "server_is_overloaded": 503,
}


class Row(NamedTuple):
    """One fault. by: the upstream of the gateway's settings that shows it."""

    fault: str
    told: str  # in words
    streamed: bool
    status: int = 200  # what the caller sees first
    code: str | None = None  # the error it is told: in the body, or as the last event in place of `[DONE]`
    text: str | None = SAID  # what it reads of the answer; None: as much as there was time for
    tokens: tuple[int, int] | None = TOLD  # what is recorded
    exact: bool = True
    later: str | None = None  # the header `retry-after`
    attempts: int = 1
    asked: int | None = None  # requests that the upstream sees, if not as many as attempts
    by: str = "faulty"

    @property
    def good(self) -> bool:
        """Whether the caller has the whole answer."""
        return self.status == 200 and self.code is None

    @property
    def outcome(self) -> str:
        """What the ledger says."""
        return "answered" if self.good else "refused" if self.status in (400, 404) else "failed"

    @property
    def recorded(self) -> int:
        """The status in the ledger: the error's own, where the stream had begun."""
        return STATUSES[self.code] if self.status == 200 and self.code else self.status

    @property
    def seen(self) -> str:
        """What the caller sees, in words."""
        if self.good:
            return "the answer" + ("" if self.exact else "; its tokens counted by us")
        if self.status == 200:
            return f"what came, then the error `{self.code}`, no `[DONE]`"
        later = f", `retry-after: {self.later}`" if self.later else ""
        return f"{self.status}" + (f" `{self.code}`" if self.code else "") + later


def whole(fault: str, told: str, code: str | None = None, **more: object) -> Row:
    """Return the row of a whole answer; with a *code*, of an error."""
    return _row(fault, told, code, more, streamed=False)


def stream(fault: str, told: str, code: str | None = None, **more: object) -> Row:
    """Return the row of a stream; with a *code*, of an error before its first event."""
    return _row(fault, told, code, more, streamed=True)


def _row(fault: str, told: str, code: str | None, more: dict[str, object], *, streamed: bool) -> Row:
    failed = {"status": STATUSES.get(code, 400), "text": "", "tokens": NOTHING} if code else {}
    return Row(fault, told, streamed, code=code, **{**failed, **more})  # type: ignore[arg-type]


def both(fault: str, told: str, code: str | None = None, **more: object) -> tuple[Row, Row]:
    """Return the rows of both."""
    return whole(fault, told, code, **more), stream(fault, told, code, **more)


def broken(fault: str, told: str, code: str = "upstream_broken", **more: object) -> Row:
    """Return the row of a stream that breaks after two words."""
    said = {"text": BEGINNING, "tokens": CUT, "exact": False, "status": 200}
    return _row(fault, told, code, {**said, **more}, streamed=True)


def counted(fault: str, told: str, **more: object) -> Row:
    """Return the row of a stream that is whole but does not tell its usage."""
    return stream(fault, told, **{"tokens": COUNTED, "exact": False, **more})


BROKEN, LATE, BUSY = "upstream_broken", "upstream_timeout", "server_is_overloaded"
HASTY = {"by": "hasty"}  # whose `total` is short, as a whole answer has all of it


def places() -> Iterator[Row]:
    """Yield silences, resets and cuts at every place."""
    for end, words, code in (
        ("stall", "silence", LATE),
        ("reset", "a reset", BROKEN),
        ("cut", "the connection closed", BROKEN),
    ):
        for place in ("before-head", "within-head", "after-head"):
            where = f"{words} {place.replace('-', ' the ')}"
            yield whole(f"{end}-{place}", where, code, **(HASTY if end == "stall" else {}))
            yield stream(f"{end}-{place}", where, code)
        yield whole(f"{end}-within-body", f"{words} within the body", code)
        yield broken(f"{end}-within-body", f"{words} between two events", code)
        yield broken(f"{end}-within-event", f"{words} within the JSON of an event", code)
        yield broken(f"{end}-within-frame", f"{words} within a frame of HTTP", code)
        yield counted(f"{end}-after-finish", f"{words} after the finish reason, before `[DONE]`")
        yield stream(f"{end}-after-done", f"{words} after `[DONE]`")


SILENCES = [
    *places(),
    *both("trickle", "a trickle that keeps moving, far longer in all than `between_tokens`"),
    stream("endless", "an answer without end", LATE, status=200, text=None, tokens=None, exact=False, **HASTY),
    *both("dies-at-rest", "a connection at rest that is reset when it is used again", asked=3, by="resting"),
    *both("closes-at-rest", "a connection closed while it is at rest", asked=2, by="resting"),
]


def statuses() -> Iterator[Row]:
    """Yield answers with other statuses than 200."""
    for status in (500, 502, 503, 504, 529, 429):
        code = LATE if status == 504 else BROKEN if status in (500, 502) else BUSY
        yield from both(f"{status}-nothing", f"status {status}", code)
        if status != 504:
            yield whole(f"{status}-seconds", f"status {status}, `retry-after: 2`", code, later="2")
    yield whole("503-ms", "status 503, `retry-after-ms: 1500`", BUSY, later="2")
    yield whole("503-date", "status 503, `retry-after` with a date in a minute", BUSY, later="60")
    yield whole("503-nonsense", "status 503, `retry-after` with nonsense", BUSY)
    yield whole("503-negative", "status 503, `retry-after: -5`", BUSY)
    yield whole("503-huge", "status 503, `retry-after: 99999999999999999999`", BUSY, later="86400")
    yield whole("429-cut", "status 429, its body cut off", BUSY, later="2")
    yield whole("429-stall", "status 429, silence in its body", BUSY, later="2")
    yield whole("endless-error", "status 500, its body without end", BROKEN)
    yield whole("408-nothing", "status 408", LATE)
    yield whole("409-nothing", "status 409: try again", BUSY)
    yield whole("425-nothing", "status 425: too early", BUSY)
    yield whole("401", "status 401: it does not take our key", "upstream_denied")
    yield whole("odd-429", "status 429, code and type that are no texts", BUSY)
    for status in (301, 302, 307, 308):
        yield whole(f"{status}-itself", f"status {status}, a redirect to itself: not followed", BROKEN)
        yield whole(f"{status}-elsewhere", f"status {status}, a redirect to another host: never asked", BROKEN)
    again = {"attempts": 2, "by": "stubborn"}
    yield from both("once-503", "status 503 once, with `retries = 1`", **again)
    yield stream("once-cut-early", "the connection closed once before the first event, with `retries = 1`", **again)
    yield whole("500-nothing", "status 500 every time, with `retries = 1`", BROKEN, **again)


HTTP = [
    *both("http-1-0", "an answer in HTTP/1.0"),
    *both("until-close", "a body that ends where the connection does"),
    whole("until-close-cut", "the same, cut off", BROKEN),
    broken("until-close-cut", "the same, cut off"),
    whole("until-reset", "the same, reset", BROKEN),
    broken("until-reset", "the same, reset"),
    *both("closing", "`connection: close`"),
    *both("interim", "interim answers (100, 103) before the real one"),
    *both("endless-interim", "interim answers without end", BROKEN),
    *both("switching", "another protocol (101)", BROKEN),
    *both("not-http", "no HTTP at all", BROKEN),
    *both("longer", "a body longer than it said"),
    *both("two-answers", "two answers to one request: the second is in nobody's answer"),
    whole("shorter", "a body shorter than `content-length`", BROKEN),
    broken("shorter", "a body shorter than `content-length`"),
    whole("too-short", "a `content-length` that cuts off the JSON", BROKEN),
    *both("both-lengths", "`content-length` and chunks at once", BROKEN),
    whole("no-chunk", "a chunk without a size", BROKEN),
    broken("no-chunk", "a chunk without a size"),
    *both("endless-head", "headers without end", BROKEN),
    whole("drips-head", "headers without end, drop by drop", LATE, **HASTY),
    stream("drips-head", "headers without end, drop by drop", LATE),
    stream("endless-trailer", "headers without end behind a whole answer"),
    whole("endless-body", "a whole answer without end", BROKEN),
    whole(
        "unnamed",
        "https, a certificate that nobody has signed: nothing is sent",
        BROKEN,
        asked=0,
        by="unnamed",
    ),
    whole("misnamed", "https, a certificate of another host: nothing is sent", BROKEN, asked=0, by="misnamed"),
    whole("plain", "https where nobody speaks it: nothing is sent", LATE, asked=0, by="plain"),
    *both("ok", "https, a certificate that is right", by="named"),
]

CODINGS = [
    *both("as-json", "a stream that is called `application/json`"),
    *both("as-text", "an answer that is called `text/plain`"),
    *both("as-nothing", "an answer without a content type"),
    *both("html-page", "a page of HTML, with status 200", BROKEN),
    stream("html-as-events", "a page of HTML that is called a stream", BROKEN),
    stream("never-streams", "a whole answer where a stream was asked for", BROKEN),
    *both("coded-gzip", "gzip, unasked"),
    *both("coded-deflate", "deflate, unasked"),
    *both("coded-raw", "deflate without its frame, unasked"),
    *both("coded-unasked", "`content-encoding: br`, unasked", BROKEN),
    *both("coded-rubbish", "`content-encoding: gzip` of what is none", BROKEN),
    whole("coded-cut", "gzip, cut off", BROKEN),
    broken("coded-cut", "gzip, cut off"),
    *both("bomb", "gzip that unpacks to 100 MB", BROKEN),
]

FORMS = [
    stream("crlf", "lines that end with CR LF"),
    stream("cr", "lines that end with CR"),
    stream("comments", "comments before, between and after events"),
    stream("fields", "events with `event:`, `id:` and `retry:`"),
    stream("several-lines", "events of several `data:` lines"),
    stream("bom", "a byte order mark"),
    stream("no-space", "no space after `data:`"),
    stream("empty-data", "events without data"),
    stream("utf8-in-bytes", "letters of several bytes, each byte a write of its own", text=FOREIGN),
    stream("utf8-in-frames", "letters of several bytes, each byte a frame of its own", text=FOREIGN),
    stream("crlf-in-bytes", "CR LF, each byte a write of its own"),
    stream("crlf-in-frames", "CR LF, each byte a frame of its own"),
    stream("tools-in-bytes", "the arguments of a function, each byte a write of its own", text=ARGUMENTS),
    stream("tools-in-frames", "the arguments of a function, each byte a frame of its own", text=ARGUMENTS),
    stream("endless-line", "a line without end", BROKEN),
    stream("endless-blanks", "empty lines without end", LATE),
    stream("endless-comments", "comments without end before the first event, which is due all the same", LATE),
    broken("endless-comments-later", "comments without end between events: they are no tokens", LATE),
]

EVENTS = [
    whole("no-usage", "no usage", tokens=COUNTED, exact=False),
    counted("usage-missing", "no usage"),
    *(
        row
        for name, told in (
            ("text", "a usage in text"),
            ("negative", "a usage below nought"),
            ("nought", "a usage of nought"),
            ("huge", "a usage that no call can have"),
            ("total", "only the sum of a usage"),
        )
        for row in (
            whole(f"usage-{name}", told, tokens=COUNTED, exact=False),
            counted(f"usage-{name}-streamed", told),
        )
    ),
    stream("usage-in-last", "the usage in the last chunk with text"),
    stream("usage-in-finish", "the usage in the chunk with the finish reason"),
    stream("usage-before-finish", "the usage in a chunk of its own before the finish reason"),
    stream("usage-on-all", "the usage so far in every chunk"),
    broken("usage-on-all-cut", "the usage so far in every chunk, broken off", tokens=(10, 2), exact=True),
    counted("usage-in-first", "the usage in the first chunk alone, too early to be true"),
    stream("usage-of-groq", "the usage in `x_groq`"),
    stream("bad-event", "an event that can't be read among good ones: left out, and told in the log"),
    stream("list-event", "an array where an object belongs: left out, and told in the log"),
    stream("bad-first", "a first event that can't be read: left out, and told in the log"),
    broken("bad-cut", "an event that can't be read, and no end"),
    broken("bad-finish", "an event that can't be read in place of the finish reason"),
    broken("bad-many", "more than 16 events that can't be read"),
    stream("null-choices", "`choices: null`, told as an empty list"),
    stream("unknown-fields", "fields that nobody knows: passed on"),
    stream("done-twice", "`[DONE]` twice"),
    stream("more-after-done", "events after `[DONE]`: nobody's"),
    counted("no-done", "no `[DONE]` after the finish reason"),
    stream("no-blank", "no empty line after `[DONE]`"),
    broken("no-blank-cut", "an event cut off, the HTTP around it whole"),
    broken("no-end", "neither `[DONE]` nor a finish reason"),
    stream("no-finish", "`[DONE]` without a finish reason"),
    stream("only-done", "`[DONE]` and nothing else", BROKEN),
    broken("error-event", "an error in place of an event"),
    stream("role-alone", "a role, and then the end", BROKEN),
    stream("role-error", "a role, and then an error", BUSY),
    stream("role-done", "a role, and then `[DONE]`", BROKEN),
    whole("error-body", "an error with status 200", BUSY),
    whole("rubbish", "JSON that can't be read", BROKEN),
    whole("list-body", "an array in place of the answer", BROKEN),
    whole("null-body", "`null` in place of the answer", BROKEN),
    whole("no-choices", "an answer without a choice", BROKEN),
    whole("400", "a refusal of the request itself", "context_length_exceeded", status=400),
]
SECTIONS = {
    "Silences, resets, cuts": SILENCES,
    "Statuses": [*statuses()],
    "HTTP": HTTP,
    "Content types and compression": CODINGS,
    "The form of a stream": FORMS,
    "Events and answers": EVENTS,
}
ROWS = [row for rows in SECTIONS.values() for row in rows]
