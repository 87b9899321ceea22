"""A tool call that must happen: the schema that forces it, and reading it as it comes."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from parley.upstreams.providers.local.forcing import CallReader, forced_schema

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
OBJECT = st.dictionaries(st.text(max_size=5), JSON, max_size=4)
INDENT = st.sampled_from([None, 0, 2])


def split(text: str, cuts: list[int]) -> list[str]:
    """Return *text* in pieces, cut at *cuts*."""
    places = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    return [text[start:end] for start, end in pairwise(places)]


@given(OBJECT, INDENT, st.lists(st.integers(0, 500), max_size=12), st.sampled_from(["}", " }", "\n}\n", "} "]))
@example({}, None, list(range(60)), "}")
@example({"a": {"b": {}}}, None, list(range(60)), "\n}")
@example({"a": "}"}, None, list(range(60)), "}")
def test_a_chosen_call_is_read_exactly(
    arguments: dict[str, Any], indent: int | None, cuts: list[int], end: str
) -> None:
    """However the content is split, the pieces are the arguments, and nothing of what stands around them."""
    told = json.dumps(arguments, indent=indent, ensure_ascii=False)
    reader = CallReader(None)
    pieces = [reader.feed(piece) for piece in split('{"name": "f", "arguments": ' + told + end, cuts)]
    assert "".join(pieces) == told
    assert reader.name == "f"


@given(st.text(max_size=30), st.lists(st.integers(0, 30), max_size=5))
def test_a_named_call_is_its_arguments(text: str, cuts: list[int]) -> None:
    """All of the content, as it comes."""
    reader = CallReader("f")
    assert "".join(map(reader.feed, split(text, cuts))) == text


def test_the_name_is_known_before_the_first_piece() -> None:
    """So the call can be told in the order that clients expect."""
    reader = CallReader(None)
    for piece in ('{"na', 'me":"set_light",', '"arguments"'):
        assert reader.feed(piece) == ""
        assert reader.name is None
    assert reader.feed(':{"on"') == '{"on"'
    assert reader.name == "set_light"


def tool(name: str, parameters: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a tool."""
    return {"type": "function", "function": {"name": name} | ({"parameters": parameters} if parameters else {})}


def test_one_function_is_forced_by_its_parameters() -> None:
    """Whether it was named, or the only one."""
    tools = [tool("f", {"type": "object", "properties": {"a": {"type": "integer"}}}), tool("g")]
    for chosen, given_tools in (("f", tools), (None, tools[:1])):
        names = [it["function"]["name"] for it in given_tools]
        forced, schema = forced_schema(given_tools, chosen, names)
        told = tools[0]["function"]["parameters"]
        assert (forced.name, schema) == ("f", {**told, "additionalProperties": False})


def test_one_of_several_is_forced_by_a_choice() -> None:
    """Name and arguments, of one function or the other; each one's references find its own definitions."""
    room = {"type": "object", "properties": {"r": {"$ref": "#/$defs/room"}}, "$defs": {"room": {"type": "string"}}}
    seat = {"items": [{"$ref": "#/definitions/room"}], "definitions": {"room": {"const": {"$ref": "#/x"}}}}
    forced, schema = forced_schema([tool("f", room), tool("g", seat)], None, ["f", "g"])
    assert forced.name is None
    assert [it["properties"]["name"]["const"] for it in schema["anyOf"]] == ["f", "g"]
    assert [it["properties"]["arguments"]["$ref"] for it in schema["anyOf"]] == ["#/$defs/f", "#/$defs/g"]
    assert schema["$defs"]["f"]["properties"]["r"] == {"$ref": "#/$defs/f/$defs/room"}
    assert schema["$defs"]["g"]["items"] == [{"$ref": "#/$defs/g/definitions/room"}]
    assert schema["$defs"]["g"]["definitions"] == seat["definitions"]
    assert all(it["required"] == ["name", "arguments"] for it in schema["anyOf"])


@pytest.mark.parametrize("more", [{"additionalProperties": True}, {"allOf": [{"required": ["b"]}]}])
def test_a_function_that_speaks_of_other_arguments_may_get_them(more: dict[str, Any]) -> None:
    """Its schema is taken as it stands."""
    told = {"type": "object", "properties": {"a": {"type": "integer"}}, **more}
    assert forced_schema([tool("f", told)], "f", ["f"])[1] == told


def test_a_function_without_parameters_takes_none() -> None:
    """An empty object, and nothing else."""
    _, schema = forced_schema([tool("g")], "g", ["g"])
    assert schema == {"type": "object", "properties": {}, "additionalProperties": False}
