"""What can be odd or wrong about the events of a stream, or the JSON of a whole answer, by the model's name."""

import json
from collections.abc import Iterator
from typing import Any

from faults import SHELL, USAGE, chunk, completion
from scripts import DONE, ENDING, FINISH, HEAD, LAST, SAID, STREAM, Step, add, piece, sse, streamed, usage, whole

# --- the bytes of a stream

FIELDS = b"event: message\nid: 7\nretry: 100\n"
SPREAD = b"".join(SAID).replace(b', "', b',\ndata: "') + ENDING  # where JSON may have a line end
FOREIGN = ("Gr\u00fc\u00df ", "\u4f60\u597d ", "\U0001f98a")
UTF8 = [sse(json.dumps(json.loads(chunk({"content": word})), ensure_ascii=False).encode()) for word in FOREIGN]
FORMS = {
    "crlf": STREAM.replace(b"\n", b"\r\n"),
    "cr": STREAM.replace(b"\n", b"\r"),
    "comments": b": hello\n\n" + STREAM.replace(b"\n\n", b"\n\n: ping\n\n:\n\n"),
    "fields": STREAM.replace(b"data: ", FIELDS + b"data: "),
    "several-lines": SPREAD,
    "bom": b"\xef\xbb\xbf" + STREAM,
    "no-space": STREAM.replace(b"data: ", b"data:"),
    "utf8": b"".join(UTF8) + ENDING,
}
for name, data in FORMS.items():
    add(name, lambda _, data=data: streamed(data))
ARGUMENTS = '{"city": "K\u00f6ln \\"am Rhein\\"", "days": [1, 2.50], "note": "\\u00e4\\n"}'


def _called(**function: str) -> bytes:
    call = {"index": 0, "function": function}
    return sse(chunk({"tool_calls": [call | ({"id": "call_1", "type": "function"} if "name" in function else {})]}))


TOOLS = [_called(name="weather", arguments=""), *(_called(arguments=sign) for sign in ARGUMENTS)]
CALLED = b"".join(TOOLS) + sse(chunk({}, "tool_calls")) + usage() + DONE


def crumbs(data: bytes, *, framed: bool) -> Iterator[Step]:
    """Yield a stream of *data* byte by byte: in each its own frame, or in one frame that is cut."""
    yield HEAD
    for byte in data if framed else piece(data):
        yield piece(bytes([byte])) if framed else bytes([byte])
        yield 0.0
    yield LAST


for name, data in {"utf8": FORMS["utf8"], "tools": CALLED, "crlf": FORMS["crlf"]}.items():
    add(f"{name}-in-bytes", lambda _, data=data: crumbs(data, framed=False))
    add(f"{name}-in-frames", lambda _, data=data: crumbs(data, framed=True))

# --- events


def with_usage(payload: bytes, told: dict[str, Any], name: str = "usage") -> bytes:
    """Return the event *payload*, with the usage *told* in it."""
    return sse(json.dumps({**json.loads(payload[6:]), name: told}).encode())


def so_far(number: int) -> dict[str, int]:
    """Return a usage that counts on."""
    return {"prompt_tokens": 10, "completion_tokens": number, "total_tokens": 10 + number}


GROQ = {"id": "req_1", "usage": USAGE}
CUMULATED = [with_usage(event, so_far(number)) for number, event in enumerate(SAID, 1)]
ODD: dict[str, dict[str, Any]] = {
    "usage-text": {"prompt_tokens": "10", "completion_tokens": "5"},
    "usage-negative": {"prompt_tokens": -10, "completion_tokens": -5},
    "usage-nought": {"prompt_tokens": 0, "completion_tokens": 0},
    "usage-huge": {"prompt_tokens": 10**15, "completion_tokens": 10**17},
    "usage-total": {"total_tokens": 15},
}
ROLE = sse(chunk({"role": "assistant", "content": ""}))
BAD, LIST = sse(b'{"id": "chatcmpl-1", oops'), sse(b'[{"choices": []}]')
EVENTS: dict[str, list[bytes]] = {
    "usage-in-last": [*SAID[:-1], with_usage(SAID[-1], USAGE), FINISH, DONE],
    "usage-in-finish": [*SAID, with_usage(FINISH, USAGE), DONE],
    "usage-before-finish": [*SAID, usage(), FINISH, DONE],
    "usage-on-all": [*CUMULATED, with_usage(FINISH, USAGE), DONE],
    "usage-on-all-cut": CUMULATED[:2],
    "usage-in-first": [with_usage(SAID[0], so_far(0)), *SAID[1:], FINISH, DONE],
    "usage-of-groq": [*SAID, with_usage(FINISH, GROQ, "x_groq"), DONE],
    "usage-missing": [*SAID, FINISH, DONE],
    **{f"{name}-streamed": [*SAID, FINISH, usage(usage=told), DONE] for name, told in ODD.items()},
    "role-alone": [ROLE],
    "role-error": [ROLE, sse(b'{"error": {"message": "Slow down.", "code": "rate_limit_exceeded"}}')],
    "role-done": [ROLE, DONE],
    "bad-event": [*SAID[:2], BAD, *SAID[2:], ENDING],
    "bad-first": [BAD, *SAID, ENDING],
    "bad-cut": [*SAID[:2], BAD],
    "bad-finish": [*SAID[:2], BAD, DONE],
    "bad-many": [*SAID[:2], *[BAD] * 20, *SAID[2:], ENDING],
    "list-event": [*SAID[:2], LIST, *SAID[2:], ENDING],
    "empty-data": [*SAID[:2], b"data:\n\ndata: \n\n", *SAID[2:], ENDING],
    "null-choices": [
        *SAID[:2],
        sse(json.dumps({**SHELL, "choices": None}).encode()),
        *SAID[2:],
        FINISH,
        usage(choices=None),
        DONE,
    ],
    "unknown-fields": [event.replace(b'"delta"', b'"wibble": [1, {}], "delta"') for event in SAID] + [ENDING],
    "done-twice": [*SAID, ENDING, DONE],
    "more-after-done": [*SAID, ENDING + SAID[0], SAID[1]],
    "no-done": [*SAID, FINISH],
    "no-blank": [*SAID, FINISH, usage(), b"data: [DONE]"],
    "no-blank-cut": [*SAID[:2], SAID[2][:40]],
    "no-end": SAID[:2],
    "no-finish": [*SAID, usage(), DONE],
    "only-done": [DONE],
}
for name, found in EVENTS.items():
    add(name, lambda _, found=found: streamed(*found))
for name, told in ODD.items():
    add(name, lambda _, told=told: [whole(completion(usage=told))])
for name, body in {"list-body": b"[1, 2]", "null-body": b"null", "no-choices": b'{"choices": []}'}.items():
    add(name, lambda _, body=body: [whole(body)])
add("error-body", lambda _: [whole(b'{"error": {"message": "Slow down.", "code": "rate_limit_exceeded"}}')])
