"""Filling in: the calls that are made of a form's lines, and what in them can't be right."""

import json
from typing import Any

import pytest

from parley.upstreams.providers.local.filling import ClashError, Filling, clash
from parley.upstreams.providers.local.forms import Form, forms

BOOK = {
    "name": "book",
    "parameters": {
        "type": "object",
        "properties": {
            "town": {"type": "string", "description": "The Town"},
            "guests": {"type": "integer", "description": "How many"},
            "room": {"type": "string", "enum": ["Inner Hall", "terrace"]},
            "floor": {"enum": [1, 2], "type": "integer"},
            "smoking": {"type": "boolean"},
        },
        "required": ["town", "guests"],
    },
}
STOP = {"name": "stop"}
SEND = {
    "name": "send",
    "parameters": {
        "type": "object",
        "properties": {
            "what": {"type": "string"},
            "to": {"type": "string"},
            "count": {"type": "integer"},
            "fast": {"type": "boolean"},
            "size": {"enum": ["4", "5"]},
            "tags": {"type": "array", "items": {"type": "string"}},
        },
    },
}


def made(*functions: dict[str, Any]) -> dict[str, Form]:
    """Return the forms of *functions*, which have some."""
    found = forms([{"type": "function", "function": function} for function in functions])
    assert found is not None
    return found


def test_filled_lines_become_a_call() -> None:
    """Texts, numbers, choices and truth are of their types; a dash is left out; it comes when it is whole."""
    filling = Filling(made(BOOK, STOP))
    lines = (
        '# book\n- town= the town: Inner "Rome"\n- guests=integer how many: 4\n'
        "- room?Inner Hall|terrace: Inner Hall\n- floor?1|2: 2\n- smoking?boolean: -\n"
    )
    for character in lines:
        assert filling.feed(character) == ("", [])
    name, arguments = filling.end() or ("", "")
    assert (name, json.loads(arguments)) == (
        "book",
        {"town": 'Inner "Rome"', "guests": 4, "room": "Inner Hall", "floor": 2},
    )
    assert filling.end() is None


def test_each_form_is_a_call() -> None:
    """The next one's name ends the one before; a function without arguments has none."""
    filling = Filling(made(BOOK, STOP))
    assert filling.feed("# stop\n# book\n- town= the town:罗马\n- guests=integer how") == ("", [("stop", "{}")])
    assert filling.feed(" many:2\n- room?Inner Hall|terrace: -\n- floor?1|2: -\n- smoking?boolean: -\n") == ("", [])
    assert filling.end() == ("book", '{"town": "罗马", "guests": 2}')


def test_a_cut_form_is_no_call() -> None:
    """A `stop` of the caller's may end it between two lines: nothing is called without what is required."""
    filling = Filling(made(BOOK))
    filling.feed("# book\n- town= the town: Rome\n")
    assert filling.end() is None


def test_a_lacking_form_is_no_call() -> None:
    """A question mark stands for what has to be asked for."""
    filling = Filling(made(BOOK))
    filling.feed("# book\n- town= the town: ?\n- guests=integer how many: 4\n")
    assert filling.end() is None


@pytest.mark.parametrize("text", ["29 March", "#4711", "#"])
def test_another_thought_stays_one(text: str) -> None:
    """What does not begin as a form is passed on, as soon as that is seen."""
    filling = Filling(made(BOOK))
    found = [filling.feed(character) for character in f"{text}\n"]
    assert ("".join(thought for thought, _ in found), filling.end()) == (f"{text}\n", None)


@pytest.mark.parametrize(
    ("texts", "said", "found"),
    [
        ({"what": "Lyon office", "to": "Lyon"}, "a chair for the Lyon office", ("what", "to")),
        ({"what": "Lyon", "to": "Lyon office"}, "a chair for the Lyon office", ("what", "to")),
        ({"what": "15 of them", "count": "15"}, "15 of them to Lyon", ("what", "count")),
        ({"what": "18天", "count": "18"}, "租18天", ("what", "count")),
        ({"what": "chair", "to": "Lyon"}, "a chair to Lyon", None),
        ({"what": "Lyon", "to": "Lyon"}, "from Lyon to Lyon", None),
        ({"what": "Lyon"}, "to Lyon", None),
        ({"what": "chairs", "to": "chair"}, "chairs", None),
        ({"what": "150 chairs", "count": "15"}, "150 chairs", None),
        ({"what": "1,500 chairs", "count": "500"}, "1,500 chairs", None),
        ({"what": "please ring twice if Ann is out", "to": "Ann"}, "please ring twice if Ann is out", None),
        ({"what": "4", "size": "4"}, "size 4", None),
        ({"what": "tea", "tags": "tea"}, "tea", None),
        ({"what": "true", "fast": "true"}, "true", None),
    ],
)
def test_what_was_said_once_is_meant_once(texts: dict[str, str], said: str, found: tuple[str, str] | None) -> None:
    """Whole words of two arguments that are free to be any; a sentence may hold another's value, and so may a list."""
    assert clash(made(SEND)["send"], texts, said) == found


def test_a_clash_comes_instead_of_the_first_call() -> None:
    """With all that was filled in; later calls are as they are, for others were told by then."""
    lines = "- what?: Lyon\n- to?: Lyon\n- count?integer: -\n- fast?boolean: -\n- size?4|5: 4\n- tags?list: -\n"
    filling = Filling(made(SEND), "to Lyon")
    filling.feed("# send\n" + lines)
    with pytest.raises(ClashError) as caught:
        filling.end()
    error = caught.value
    assert (error.form, error.names) == ("send", ("what", "to"))
    assert error.texts == {"what": "Lyon", "to": "Lyon", "size": "4"}
    filling = Filling(made(SEND, STOP), "to Lyon")
    assert filling.feed("# stop\n# send\n" + lines) == ("", [("stop", "{}")])
    assert filling.end() == ("send", '{"what": "Lyon", "to": "Lyon", "size": "4"}')
