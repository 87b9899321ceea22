"""What is kept of an answer."""

import msgspec

from parley.core.call import Caller
from parley.core.events import Event, Kind, Usage
from parley.flows.calls import decode
from parley.flows.keeping import Keeper
from parley.testing import START, a_call, chunk, whole

CALLER = Caller("key_1", "shop", "sk-pa")
HELLO = {"model": "m", "messages": [{"role": "user", "content": "hello"}], "store": True}


def keeper() -> Keeper:
    """Return a keeper for a call."""
    call = a_call(HELLO)
    call.take(decode(call))
    return Keeper(call, CALLER)


def test_a_whole_answer_is_kept_as_it_came() -> None:
    """With empty metadata where there is none."""
    it = keeper()
    it.take(whole("Hello"))
    kept = it.completion()
    assert msgspec.json.decode(kept.answer) == msgspec.json.decode(whole("Hello").raw) | {"metadata": {}}
    assert (kept.id, kept.created, kept.model) == ("chatcmpl-1", START, "m-1")


def test_a_stream_is_kept_with_the_usage_its_client_did_not_see() -> None:
    """The usage event has no bytes when the client did not ask for it."""
    it = keeper()
    for event in (chunk("Hel"), chunk("lo", finish="stop"), Event(Kind.USAGE, b"", "m-1", Usage(3, 2))):
        it.take(event)
    answer = msgspec.json.decode(it.completion().answer)
    assert answer["usage"] == {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def test_an_answer_without_an_id_gets_one() -> None:
    """Some servers give none; it must be found again all the same."""
    it = keeper()
    it.take(Event(Kind.WHOLE, b'{"choices": []}'))
    kept = it.completion()
    assert kept.id.startswith("chatcmpl-")
    assert len(kept.id) > 20
    assert kept.model == "m"
