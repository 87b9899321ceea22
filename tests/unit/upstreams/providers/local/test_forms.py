"""Forms: the lines a model fills in, the grammar that holds it to them, and the calls that are made of them."""

import json
from typing import Any

import pytest

from parley.upstreams.providers.local.filling import Filling
from parley.upstreams.providers.local.forms import Form, form_grammar, forms
from parley.upstreams.providers.local.telling import heard
from training.chat import tool_text

TOWN = {"type": "string", "description": "The Town"}
BOOK = {
    "name": "book",
    "description": "Book a table",
    "parameters": {
        "type": "object",
        "properties": {
            "town": TOWN,
            "guests": {"type": "integer", "description": "How many", "minimum": 1},
            "room": {"type": "string", "enum": ["Inner Hall", "terrace"]},
            "floor": {"enum": [1, 2], "type": "integer"},
            "smoking": {"type": "boolean"},
        },
        "required": ["town", "guests"],
    },
}
STOP = {"name": "stop"}


def made(*functions: dict[str, Any]) -> dict[str, Form]:
    """Return the forms of *functions*, which have some."""
    found = forms([{"type": "function", "function": function} for function in functions])
    assert found is not None
    return found


def taking(schema: dict[str, Any], **outer: Any) -> dict[str, Any]:
    """Return a function with one argument of *schema*."""
    return {"name": "f", "parameters": {"type": "object", "properties": {"x": schema}, **outer}}


def test_a_line_is_told_as_in_training() -> None:
    """What the grammar makes a model write is what its chat template tells it."""
    lines = [f"- {field.name}" for field in made(BOOK)["book"].fields]
    told = tool_text(BOOK).split("\n")[1:]
    assert [field.line for field in made(BOOK)["book"].fields] == [f"{line}:" for line in told]
    assert all(line.startswith(name) for line, name in zip(told, lines, strict=True))


@pytest.mark.parametrize(
    "function",
    [
        taking({"type": "string", "pattern": "^a"}),
        taking({"type": "string", "format": "date"}),
        taking({"$ref": "#/$defs/y"}, **{"$defs": {"y": {"type": "array", "items": {"$ref": "#/$defs/y"}}}}),
        taking({"type": "string", "maxLength": 0}),
        taking({"const": {"$ref": "#/nowhere"}}),
        {"name": "f", "parameters": {"type": "object", "additionalProperties": {"type": "string"}}},
        taking({"type": "array"}),
        taking({"type": "array", "items": {"type": "object"}}),
        taking({"type": "array", "items": {"type": "string", "maxLength": 4}}),
        taking({"type": "array", "items": {"type": "string", "enum": ["a; b"]}}),
        taking({"type": "array", "items": {"type": "string"}, "maxItems": 0}),
        taking({"type": ["string", "null"], "enum": ["a", None]}),
        taking({"anyOf": [{"type": "string"}, {"type": "integer"}]}),
        taking({"anyOf": [True, {"type": "null"}]}),
        taking({"type": "string", "anyOf": [{"type": "string"}, {"type": "null"}]}),
        {"name": "f", "parameters": {"type": "object", "properties": {"x": False}}},
        {
            "name": "f",
            "parameters": {
                "type": "object",
                "properties": {"x": TOWN, "y.x": TOWN, "y": {"type": "object", "properties": {"x": TOWN}}},
                "required": ["y"],
            },
        },
        taking({"type": "object", "properties": {"y": TOWN}}),
        taking({"type": "boolean", "enum": [True]}),
        taking({"type": "number", "multipleOf": 2}),
        taking({"type": "string", "description": "one\ntwo"}),
        taking({}),
        taking({"type": "string"}, anyOf=[{"required": ["x"]}]),
    ],
)
def test_what_no_line_holds_has_no_form(function: dict[str, Any]) -> None:
    """One such function is enough, and all are called as with any other model."""
    assert forms([{"function": STOP}, {"function": function}]) is None


def test_a_forced_grammar_has_no_texts() -> None:
    """With a choice there are texts, questions, thoughts; without one there is a call, and one where one is wanted."""
    found = made(BOOK, STOP)
    free, forced = (form_grammar(found, "in Rome", forced=it, single=it) for it in (False, True))
    assert "TEXT" in free
    assert "form+" in free
    assert "lack_1" not in free  # `stop` has nothing to ask for
    assert "TEXT" not in forced
    assert "form+" not in forced
    assert '"in", " ", "Rome"' in forced


LISTS = {
    "name": "shop",
    "parameters": {
        "type": "object",
        "properties": {
            "wares": {"type": "array", "items": {"type": "string"}, "description": "What"},
            "days": {"type": "array", "items": {"type": "string", "enum": ["Mo", "Tu"]}, "minItems": 2, "maxItems": 3},
            "counts": {"type": "array", "items": {"type": "integer"}},
            "notes": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["wares", "days", "notes"],
    },
}


def test_a_list_stands_in_one_line() -> None:
    """Its members are of their type; one that has to be there but holds nothing is empty."""
    form = made(LISTS)["shop"]
    assert [field.line[:-1] for field in form.fields] == tool_text(LISTS).split("\n")[1:]
    filling = Filling({"shop": form})
    filling.feed(
        "# shop\n- wares=list what: red tea; cake\n- days=list Mo|Tu:Tu; Mo\n- counts?list integer:3\n- notes=list: -\n"
    )
    assert filling.end() == (
        "shop",
        '{"wares": ["red tea", "cake"], "days": ["Tu", "Mo"], "counts": [3], "notes": []}',
    )


def test_a_list_has_its_sizes() -> None:
    """The grammar holds them; where nothing is said, a list has sixteen members at most."""
    grammar = form_grammar(made(LISTS), "tea", forced=True, single=True)
    assert '(ITEM ("; " ITEM){0,15})' in grammar
    assert '(("Mo" | "Tu") ("; " ("Mo" | "Tu")){1,2})' in grammar
    assert '(WHOLE ("; " WHOLE){0,15})' in grammar


NESTED = {
    "name": "ticket",
    "parameters": {
        "type": "object",
        "properties": {
            "town": TOWN,
            "answer": {"type": "string"},
            "more": {
                "type": "object",
                "properties": {
                    "town": {"type": ["string", "null"]},
                    "amount": {"anyOf": [{"type": "number"}, {"type": "null"}], "title": "Amount"},
                    "colour": {"type": "string"},
                },
                "required": ["town", "amount"],
                "additionalProperties": False,
            },
        },
        "required": ["town", "answer", "more"],
    },
}


def test_an_object_is_filled_in_beside_the_rest() -> None:
    """Its fields have lines, with its name before one that is taken; what may be null is null where it is left out."""
    form = made(NESTED)["ticket"]
    assert [field.line for field in form.fields] == [
        "- town= the town:",
        "- answer=:",
        "- more.town?:",
        "- amount?number:",
        "- colour?:",
    ]
    filling = Filling({"ticket": form})
    filling.feed(
        "# ticket\n- town= the town: Rome\n- answer=: yes\n- more.town?: -\n- amount?number: 5\n- colour?: -\n"
    )
    filled = {"town": "Rome", "answer": "yes", "more": {"town": None, "amount": 5}}
    assert filling.end() == ("ticket", json.dumps(filled))


def test_a_property_may_have_any_name() -> None:
    """Also that of a reference, which it is not."""
    named = {"type": "object", "properties": {"$ref": TOWN, "default": {"type": "integer"}}}
    lines = [field.line for field in made({"name": "f", "parameters": named})["f"].fields]
    assert lines == ["- $ref? the town:", "- default?integer:"]


def test_a_reference_is_what_it_leads_to() -> None:
    """As pydantic writes the model within a model, or an enum: the engine and the model are told the same lines."""
    place = {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]}
    function = {
        "name": "f",
        "parameters": {
            "type": "object",
            "properties": {"place": {"$ref": "#/$defs/Place"}, "day": {"description": "When", "$ref": "#/$defs/Day"}},
            "required": ["place"],
            "$defs": {"Place": place, "Day": {"type": "string", "enum": ["Mo", "Tu"]}},
        },
    }
    form = made(function)["f"]
    assert [field.line for field in form.fields] == ["- town=:", "- day?Mo|Tu when:"]
    told = form.told({"type": "function", "function": function})["function"]
    assert tool_text(told).split("\n")[1:] == [field.line[:-1] for field in form.fields]


@pytest.mark.parametrize(
    ("schema", "rule"),
    [
        ({"minLength": 5}, "VALUE_LINE_0_0: HEARD & /[^\\n]{5,}/"),
        ({"minLength": 30}, "VALUE_LINE_0_0: SOME & /[^\\n< ][^\\n<]{29,399}/"),
        ({"maxLength": 1}, "VALUE_LINE_0_0: SOME & /[^\\n< ][^\\n<]{0,0}/"),
        ({"minLength": 500}, "VALUE_LINE_0_0: SOME & /[^\\n< ][^\\n<]{499,499}/"),
    ],
)
def test_a_text_no_words_of_which_fit_is_the_models_own(schema: dict[str, Any], rule: str) -> None:
    """A grammar that nothing matches would not be in force at all."""
    grammar = form_grammar(made(taking({"type": "string", **schema})), "to Bob?", forced=True, single=True)
    assert rule in grammar.split("\n")


def test_the_model_is_told_of_one_level() -> None:
    """As its lines are; a function that has but one is told as it came."""
    tool = {"type": "function", "function": NESTED}
    told = made(NESTED)["ticket"].told(tool)
    lines = tool_text(told["function"]).split("\n- ")[1:]
    assert [f"- {line}:" for line in lines] == [field.line for field in made(NESTED)["ticket"].fields]
    plain = {"type": "function", "function": BOOK}
    assert made(BOOK)["book"].told(plain) is plain


def test_an_answer_is_put_into_words() -> None:
    """In a structured answer, by its name; an argument of a call has to stand in the conversation."""
    assert [
        form_grammar(made(NESTED), "in Rome", forced=True, single=True, worded=it).count("? OWN ")
        for it in (True, False)
    ] == [1, 0]


def test_all_that_is_said_is_heard() -> None:
    """Texts, parts and what calls passed; a word of English or Chinese and a code are parts of their own."""
    called = {"function": {"name": "f", "arguments": '{"x": "Oslo"}'}}
    said = heard([
        {"role": "user", "content": [{"type": "text", "text": "from 巴罗马"}, {"type": "image_url"}]},
        {"role": "assistant", "content": None, "tool_calls": [called]},
        {"role": "tool", "content": "KX44-12 5kg 7.50"},
    ])  # fmt: skip
    assert said.split() == ["from", "巴罗马", '{"x":', '"Oslo"}', "KX44-12", "5kg", "7.50"]
    grammar = form_grammar(made(STOP), said, forced=True, single=True)
    assert '"巴", "罗马"' in grammar
    assert '"KX44-12", " ", "5kg", " ", "7.50"]' in grammar  # for a text
    assert '"KX44-12", " ", "5", "kg", " ", "7.50"]' in grammar  # for a number


def test_an_argument_is_made_without_anothers_words() -> None:
    """It has rules of its own, of the rest of what was said; a number too."""
    without = {("book", "town"): ["4"], ("book", "guests"): ["Rome"], ("stop", "town"): ["in"]}
    grammar = form_grammar(made(BOOK), "a table for 4 in Rome", forced=True, single=True, without=without)
    assert '"- town= the town:" (" "? LINE_0_0_HEARD "' in grammar
    assert '%regex {"substring_chunks": ["a", " ", "table", " ", "for", " ", "\\n", " ", "in", " ", "Rome"]}' in grammar
    assert "LINE_0_2" not in grammar
    counted = {"properties": {"guests": {"type": "integer"}, "price": {"type": "number"}}}
    without = {("f", "guests"): ["4"], ("f", "price"): ["4"]}
    grammar = form_grammar(
        made({"name": "f", "parameters": counted}), "4 of 5", forced=True, single=True, without=without
    )
    assert "? LINE_0_0_WHOLE " in grammar
    assert "? LINE_0_1_NUMBER " in grammar
