"""Where a stream is to be gone on with: what a request may tell, and what it may not."""

from pathlib import Path

import pytest

from parley.errors import Forbidden, InvalidRequest, Unauthenticated
from parley.flows.streams import Asked, place, resume
from parley.settings import Settings
from parley.store.rests import Place
from parley.store.segments import DONE
from parley.store.streams import Streams
from parley.testing import SECRET, FakeClock, FakeLedger, RecordingReply, a_call, a_house


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (Asked("req_1", None, None), Place("req_1", 0, "stream_id", "starting_after")),
        (Asked("req_1", "7", None), Place("req_1", 7, "stream_id", "starting_after")),
        (Asked("req_1", "7", "req_1/9"), Place("req_1", 9, "stream_id", "Last-Event-ID")),
        (Asked(None, None, " req_1/9 "), Place("req_1", 9, "Last-Event-ID", "Last-Event-ID")),
    ],
)
def test_a_place_is_read(asked: Asked, found: Place) -> None:
    """The header is newer than the address."""
    assert place(asked) == found


@pytest.mark.parametrize("after", ["", "x", "-1", "1.5", "1" * 10, "٣"])
def test_a_number_that_is_none_is_refused(after: str) -> None:
    """By its name."""
    with pytest.raises(InvalidRequest, match="starting_after") as raised:
        place(Asked("req_1", after, None))
    assert (raised.value.param, raised.value.error_code) == ("starting_after", "invalid_value")


@pytest.mark.parametrize("name", [None, "req_1"])
@pytest.mark.parametrize("last", ["", "7", "req_1", "req_1/", "req_1/x", "/7", "a b/7", "req_1/7/8"])
def test_an_id_that_is_none_is_refused(name: str | None, last: str) -> None:
    """By its name, with what it should be like."""
    with pytest.raises(InvalidRequest, match=r"Last-Event-ID.* such as req_\d+/7") as raised:
        place(Asked(name, None, last))
    assert raised.value.param == "Last-Event-ID"


def test_the_id_of_another_stream_is_refused() -> None:
    """The path names one, the header another."""
    with pytest.raises(InvalidRequest):
        place(Asked("req_1", None, "req_2/7"))


async def test_a_stream_is_resumed(tmp_path: Path) -> None:
    """Its rest is sent, and the reply ended; nothing is recorded."""
    streams, ledger, reply = Streams(tmp_path, FakeClock(), 600), FakeLedger(), RecordingReply()
    house = a_house({}, Settings(), ledger=ledger, streams=streams)
    stream = streams.begin("req_1", "default")
    assert stream is not None
    stream.write(b"a")
    stream.write(b"[DONE]", DONE)
    await resume(a_call({}), reply, house, Asked("req_1", "1", None))
    assert [event.raw for event in reply.events] == [b"", b"[DONE]"]
    assert (reply.ended, reply.authenticated, ledger.records) == (True, True, [])


@pytest.mark.parametrize(("secret", "error"), [("sk-wrong", Unauthenticated), (SECRET + "-admin", Forbidden)])
async def test_only_a_projects_key_resumes(secret: str, error: type[Exception]) -> None:
    """Whoever asks is looked at before what is asked."""
    house = a_house({}, Settings(), ledger=FakeLedger())
    with pytest.raises(error):
        await resume(a_call({}, secret=secret), RecordingReply(), house, Asked(None, None, "rubbish"))
