"""A call: its id, and the members of its body as the client wrote them."""

import pytest

from parley.core.call import Call, request_id
from parley.errors import InvalidRequest


def call(body: bytes) -> Call:
    """Return a call with *body*."""
    return Call("chat.completions", body, None, at=0, arrived=0.0, id="req_1")


def test_an_id_looks_like_openais() -> None:
    """`req_` and 32 hexadecimal digits, never the same twice."""
    first, second = request_id(5), request_id(5)
    assert first != second
    assert first.startswith("req_")
    assert len(first) == 36
    assert int(first.removeprefix("req_"), 16) >= 0


def test_ids_grow_with_time() -> None:
    """So rows are appended to the ledger's tree, not scattered over it."""
    ids = [request_id(at) for at in (1, 2, 1_700_000_000_000_000_000, 2**63)]
    assert ids == sorted(ids)


def test_members_keep_the_clients_bytes() -> None:
    """Numbers, spaces and unknown names stay as they came."""
    fields = call(b'{"temperature": 1.0, "x": [1,  2]}').fields
    assert {name: bytes(value) for name, value in fields.items()} == {"temperature": b"1.0", "x": b"[1,  2]"}


def test_a_body_that_is_no_object_is_refused() -> None:
    """As InvalidRequest, never as a fault of ours."""
    with pytest.raises(InvalidRequest):
        _ = call(b"[1, 2]").fields


def test_nothing_is_streamed_before_it_is_read() -> None:
    """`streamed` is false until the request was decoded."""
    assert call(b'{"stream": true}').streamed is False
