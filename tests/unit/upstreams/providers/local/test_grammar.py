"""The grammar that holds an answer to its schema, and how it is tried."""

import msgspec
import pytest

from parley.upstreams.providers.local.grammar import MOST, Verdicts, grammar, in_force, trial


def test_a_grammar_is_the_schema_in_llguidances_words() -> None:
    """With no room for blanks that a small model would never leave again."""
    head, _, schema = grammar({"type": "null"}).partition("%json ")
    assert head == "%llguidance {}\nstart: "
    told = msgspec.json.decode(schema)
    assert (told["type"], told["x-guidance"]["whitespace_flexible"]) == ("null", False)


def test_a_client_cant_change_the_spacing() -> None:
    """Nor any other of LLGuidance's settings."""
    assert grammar({"x-guidance": {"lenient": True}}) == grammar({})


@pytest.mark.parametrize(("content", "held"), [('{"', True), ("-", True), ("q", False), (" q", False), ("", False)])
def test_a_trial_shows_whether_the_grammar_is_in_force(content: str, *, held: bool) -> None:
    """Without one, the model says what no JSON begins with."""
    assert trial("g")["grammar"] == "g"
    assert in_force(msgspec.json.encode({"content": content})) is held


def test_the_oldest_verdicts_are_forgotten() -> None:
    """So that no client fills the memory."""
    verdicts = Verdicts()
    for number in range(MOST + 1):
        verdicts.keep(str(number), holds=number == MOST)
    assert (verdicts.get("0"), verdicts.get("1"), verdicts.get(str(MOST))) == (None, False, True)
