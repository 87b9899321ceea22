"""Two halves, one answer."""

import msgspec
import pytest

from parley.core.events import Event, Kind, Usage
from parley.errors import UpstreamBroken
from parley.testing import chunk
from parley.upstreams.seam import Seam, shell_of

SHELL = {"id": "chatcmpl-first", "created": 7, "model": "first"}
BEFORE = "The parcel left the warehouse on Monday and "


def joined(*pieces: str, before: str = BEFORE) -> str:
    """Return what the client gets of a second half that comes in *pieces*."""
    seam = Seam(before, SHELL)
    events = [event for piece in pieces for event in seam.pass_on(chunk(piece))]
    events += seam.pass_on(chunk("", finish="stop"))
    return "".join(event.text for event in events)


@pytest.mark.parametrize("pieces", [("will ", "arrive."), ("The driver has it.",), (), ("T", "oday.")])
def test_a_second_half_goes_on(pieces: tuple[str, ...]) -> None:
    """Though it may begin with the same sign, or word, as the first."""
    assert joined(*pieces) == "".join(pieces)


def test_what_is_said_again_is_left_out() -> None:
    """A model that begins anew and says the same is taken from where the first half ended."""
    assert joined(*(BEFORE[:9], BEFORE[9:30]), BEFORE[30:] + "will", " arrive.") == "will arrive."


def test_halves_that_do_not_fit_break() -> None:
    """Begun anew, and then something else: nothing of it is passed on."""
    with pytest.raises(UpstreamBroken):
        joined(BEFORE[:30], " on Tuesday.")


def test_a_beginning_too_short_to_tell_is_not_looked_at() -> None:
    """`I` may come twice."""
    assert joined("I am.", before="I") == "I am."


def test_the_client_sees_one_stream() -> None:
    """Id, time and model are those of the first half, and no second role is told; the usage passes."""
    seam = Seam(BEFORE, SHELL)
    role = msgspec.json.decode(chunk("x").raw)
    role["choices"][0]["delta"] = {"role": "assistant", "content": ""}
    assert seam.pass_on(Event(Kind.CHUNK, msgspec.json.encode(role))) == []
    [said] = seam.pass_on(chunk("will"))
    assert shell_of(msgspec.json.decode(said.raw)) == SHELL
    usage = Event(Kind.USAGE, b'{"id": "other", "choices": [], "usage": {}}', "m", Usage(input=1))
    [told] = seam.pass_on(usage)
    assert (msgspec.json.decode(told.raw)["id"], told.usage) == ("chatcmpl-first", usage.usage)
    assert seam.pass_on(Event(Kind.USAGE, b"", "m", Usage(input=1)))[0].raw == b""
