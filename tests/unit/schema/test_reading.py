"""Reading requests: wrong bodies get OpenAI's words, and nothing but `InvalidRequest` ever comes out."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley.errors import InvalidRequest
from parley.schema import chat, completions, embeddings, stored
from parley.schema.reading import once, read

DECODERS: list[Any] = [chat.DECODER, completions.DECODER, embeddings.DECODER, stored.UPDATE]
HI = {"role": "user", "content": "hi"}
UNPARSED = "We could not parse the JSON body of your request. (HINT: "


def refusal(body: bytes, decoder: Any = chat.DECODER) -> tuple[str, str | None, str | None]:
    """Return message, param and code of the refusal of *body*."""
    with pytest.raises(InvalidRequest) as caught:
        read(body, decoder)
    assert caught.value.status == 400
    assert caught.value.error_type == "invalid_request_error"
    return caught.value.message, caught.value.param, caught.value.error_code


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"hello",
        b'{"model":"x","messages":[{"role":"user","content":""}]}}',
        b'{"model":NaN}',
        b'{"model":"\xff"}',
        b'{"model":"\\ud800"}',
        b'{"model":"a\x01"}',
        b"\xef\xbb\xbf{}",
        b'{"zz":' + b"[" * 100_000,
        b'{"zz":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    """Bytes that are not JSON we can hold give OpenAI's sentence about the body, without param and code."""
    message, param, code = refusal(body)
    assert message.startswith(UNPARSED)
    assert (param, code) == (None, None)


@pytest.mark.parametrize(
    ("body", "message", "param", "code"),
    [
        ("[]", "Invalid body: expected an object, but got an array instead.", None, "invalid_type"),
        ("null", "Invalid body: expected an object, but got null instead.", None, "invalid_type"),
        ("{}", "you must provide a model parameter", None, None),
        ('{"model":"","messages":[]}', "you must provide a model parameter", None, None),
        (
            '{"model":"x"}',
            "Missing required parameter: 'messages'.",
            "messages",
            "missing_required_parameter",
        ),
        (
            '{"model":7}',
            "Invalid type for 'model': expected a string, but got an integer instead.",
            "model",
            "invalid_type",
        ),
        (
            '{"model":"x","messages":"hi"}',
            "Invalid type for 'messages': expected an array of objects, but got a string instead.",
            "messages",
            "invalid_type",
        ),
        (
            '{"model":"x","messages":[]}',
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            "messages",
            "empty_array",
        ),
    ],
)
def test_a_wrong_frame_is_refused(body: str, message: str, param: str | None, code: str | None) -> None:
    """The body itself, the model and the messages each have their own refusal."""
    assert refusal(body.encode()) == (message, param, code)


@pytest.mark.parametrize(
    ("message", "path", "text", "code"),
    [
        ({}, "role", "Missing required parameter: '{}'.", "missing_required_parameter"),
        (
            {"role": "king"},
            "role",
            (
                "Invalid value: 'king'. Supported values are: "
                "'developer', 'system', 'user', 'assistant', 'tool' and 'function'."
            ),
            "invalid_value",
        ),
        (
            {"role": 1},
            "role",
            "Invalid type for '{}': expected a string, but got an integer instead.",
            "invalid_type",
        ),
        ({"role": "user"}, "content", "Missing required parameter: '{}'.", "missing_required_parameter"),
        (
            {"role": "user", "content": 1},
            "content",
            "Invalid type for '{}': expected one of a string or array of objects, but got an integer instead.",
            "invalid_type",
        ),
        (
            {"role": "user", "content": [{}]},
            "content[0].type",
            "Missing required parameter: '{}'.",
            "missing_required_parameter",
        ),
        (
            {"role": "user", "content": [{"type": "text", "text": ""}, {"type": "image_url", "image_url": {}}]},
            "content[1].image_url.url",
            "Missing required parameter: '{}'.",
            "missing_required_parameter",
        ),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u", "detail": "x"}}]},
            "content[0].image_url.detail",
            "Invalid value: 'x'. Supported values are: 'auto', 'low', 'high' and 'original'.",
            "invalid_value",
        ),
        (
            {"role": "system", "content": [{"type": "image_url"}]},
            "content[0].type",
            "Invalid value: 'image_url'. Supported values are: 'text'.",
            "invalid_value",
        ),
        (
            {"role": "assistant", "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f"}}]},
            "tool_calls[0].function.arguments",
            "Missing required parameter: '{}'.",
            "missing_required_parameter",
        ),
        (
            {"role": "tool", "content": "x"},
            "tool_call_id",
            "Missing required parameter: '{}'.",
            "missing_required_parameter",
        ),
    ],
)
def test_a_wrong_message_is_refused(message: dict[str, Any], path: str, text: str, code: str) -> None:
    """A message is refused by the full path to what is wrong in it."""
    param = f"messages[1].{path}"
    body = json.dumps({"model": "x", "messages": [HI, message]}).encode()
    assert refusal(body) == (text.format(param), param, code)


WRONG: list[tuple[str, str, str, str]] = [
    (
        '"temperature":2.1',
        "temperature",
        "Invalid '{}': decimal above maximum value. Expected a value <= 2, but got 2.1 instead.",
        "decimal_above_max_value",
    ),
    (
        '"presence_penalty":-3',
        "presence_penalty",
        "Invalid '{}': decimal below minimum value. Expected a value >= -2, but got -3 instead.",
        "decimal_below_min_value",
    ),
    (
        '"temperature":"1"',
        "temperature",
        "Invalid type for '{}': expected a decimal, but got a string instead.",
        "invalid_type",
    ),
    (
        '"top_p":-1e999',
        "top_p",
        "Invalid '{}': decimal below minimum value, got -1e999.",
        "decimal_below_min_value",
    ),
    (
        '"n":0',
        "n",
        "Invalid '{}': integer below minimum value. Expected a value >= 1, but got 0 instead.",
        "integer_below_min_value",
    ),
    (
        '"n":99999999999999999999999',
        "n",
        "Invalid '{}': integer above maximum value. Expected a value <= 128, but got 99999999999999999999999 instead.",
        "integer_above_max_value",
    ),
    (
        '"n":' + "9" * 5000,
        "n",
        "Invalid '{}': integer above maximum value, got " + "9" * 100 + "....",
        "integer_above_max_value",
    ),
    (
        '"n":1.5',
        "n",
        "Invalid type for '{}': expected an integer, but got a decimal instead.",
        "invalid_type",
    ),
    (
        '"n":"a","n":1',
        "n",
        "Invalid type for '{}': expected an integer, but got a string instead.",
        "invalid_type",
    ),
    (
        '"stream":1',
        "stream",
        "Invalid type for '{}': expected a boolean, but got an integer instead.",
        "invalid_type",
    ),
    (
        '"verbosity":"x"',
        "verbosity",
        "Invalid value: 'x'. Supported values are: 'low', 'medium' and 'high'.",
        "invalid_value",
    ),
    (
        '"verbosity":"it\'s - at `$.n`"',
        "verbosity",
        "Invalid value: 'it's - at `$.n`'. Supported values are: 'low', 'medium' and 'high'.",
        "invalid_value",
    ),
    (
        '"stop":1',
        "stop",
        "Invalid type for '{}': expected one of a string or array of strings, but got an integer instead.",
        "invalid_type",
    ),
    (
        '"stop":["a","b","c","d","e"]',
        "stop",
        (
            "Invalid '{}': array too long. Expected an array with maximum length 4, "
            "but got an array with length 5 instead."
        ),
        "array_above_max_length",
    ),
    (
        '"safety_identifier":"' + "x" * 129 + '"',
        "safety_identifier",
        (
            "Invalid '{}': string too long. Expected a string with maximum length 128, "
            "but got a string with length 129 instead."
        ),
        "string_above_max_length",
    ),
    (
        '"metadata":{"a":"b","c":1}',
        "metadata.c",
        "Invalid type for '{}': expected a string, but got an integer instead.",
        "invalid_type",
    ),
    (
        '"metadata":{"a":"' + "x" * 513 + '"}',
        "metadata.a",
        (
            "Invalid '{}': string too long. Expected a string with maximum length 512, "
            "but got a string with length 513 instead."
        ),
        "string_above_max_length",
    ),
    (
        '"metadata":{"' + "x" * 65 + '":"a"}',
        "metadata",
        "Invalid key in '{}': string too long. Expected keys with maximum length 64.",
        "string_above_max_length",
    ),
    (
        '"metadata":' + json.dumps({str(i): "a" for i in range(17)}),
        "metadata",
        (
            "Invalid '{}': too many properties. Expected an object with at most 16 properties, "
            "but got an object with 17 properties instead."
        ),
        "object_above_max_properties",
    ),
    (
        '"logit_bias":{"x":1}',
        "logit_bias",
        "Invalid key in '{}'. Expected keys that match the pattern '^[0-9]+$'.",
        "invalid_value",
    ),
    (
        '"tools":[{"type":"x"}]',
        "tools[0].type",
        "Invalid value: 'x'. Supported values are: 'function' and 'custom'.",
        "invalid_value",
    ),
    (
        '"tools":[{"type":"function","function":{}}]',
        "tools[0].function.name",
        "Missing required parameter: '{}'.",
        "missing_required_parameter",
    ),
    (
        '"tools":[{"type":"function","function":{"name":"a\\n"}}]',
        "tools[0].function.name",
        "Invalid '{}': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
        "invalid_value",
    ),
    (
        '"tools":[{"type":"function","function":{"name":"a","parameters":{"x":[1,1e999]}}}]',
        "tools[0].function.parameters.x[1]",
        "Invalid '{}': decimal above maximum value, got 1e999.",
        "decimal_above_max_value",
    ),
    (
        '"tool_choice":"x"',
        "tool_choice",
        "Invalid value: 'x'. Supported values are: 'none', 'auto' and 'required'.",
        "invalid_value",
    ),
    (
        '"tool_choice":1',
        "tool_choice",
        "Invalid type for '{}': expected one of a string or object, but got an integer instead.",
        "invalid_type",
    ),
    (
        '"response_format":{"type":"json_schema","json_schema":{"schema":{}}}',
        "response_format.json_schema.name",
        "Missing required parameter: '{}'.",
        "missing_required_parameter",
    ),
]


@pytest.mark.parametrize(("field", "param", "text", "code"), WRONG)
def test_a_wrong_parameter_is_refused(field: str, param: str, text: str, code: str) -> None:
    """A parameter is refused with OpenAI's message, its path and its code."""
    body = '{"model":"x","messages":[{"role":"user","content":"hi"}],' + field + "}"
    assert refusal(body.encode()) == (text.replace("{}", param), param, code)


def test_a_long_value_is_not_repeated_whole() -> None:
    """A refusal quotes at most a hundred characters of what the client sent."""
    body = json.dumps({"model": "x", "messages": [HI], "verbosity": "x" * 1_000_000}).encode()
    assert len(refusal(body)[0]) < 250


def test_unknown_parameters_are_let_through() -> None:
    """What we do not know is no reason to refuse: it goes upstream with the client's bytes."""
    body = json.dumps({"model": "x", "messages": [HI | {"mood": 1}], "min_p": 0.1}).encode()
    assert read(body, chat.DECODER).model == "x"


words = st.text("ab -`'$.[]{}\"\\\n\x00é海😀\ud800", max_size=8)  # few letters, many of them troublesome
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)
fields = st.sampled_from(sorted(chat.KNOWN | completions.KNOWN | embeddings.KNOWN))


@given(st.dictionaries(fields, json_values, max_size=6), st.sampled_from(DECODERS))
def test_any_json_is_read_or_refused(members: dict[str, Any], decoder: Any) -> None:
    """Whatever a member holds, reading gives the struct or `InvalidRequest` with a message that can be sent."""
    body = json.dumps({"model": "x", "messages": [HI], "input": "x"} | members).encode()
    try:
        assert isinstance(read(body, decoder), decoder.type)
    except InvalidRequest as error:
        msgspec.json.encode([error.message, error.param, error.error_code])


@given(st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """Bytes of any kind give the struct or `InvalidRequest`."""
    try:
        assert isinstance(read(body, chat.DECODER), chat.ChatRequest)
    except InvalidRequest as error:
        msgspec.json.encode(error.message)


parts = st.fixed_dictionaries(
    {}, optional={"type": st.sampled_from(["text", "image_url", "file", "x"]), "text": json_values}
)
calls = st.fixed_dictionaries({}, optional={"id": json_values, "type": json_values, "function": json_values})
messages = st.fixed_dictionaries(
    {},
    optional={
        "role": st.sampled_from(["system", "user", "assistant", "tool", "function", "x"]),
        "content": words | st.none() | st.lists(parts, max_size=3),
        "tool_calls": st.lists(calls, max_size=2),
        "tool_call_id": words | st.none(),
        "name": json_values,
    },
)


@given(st.lists(messages, max_size=4))
def test_any_messages_are_read_and_checked_or_refused(found: list[dict[str, Any]]) -> None:
    """Messages of any shape pass both the reading and the rules, or are refused with `InvalidRequest`."""
    try:
        chat.check(read(json.dumps({"model": "x", "messages": found}).encode(), chat.DECODER))
    except InvalidRequest as error:
        msgspec.json.encode([error.message, error.param])


FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
NAMES = st.sampled_from(["a", "b", "model", " ", "a b", "\n", "\u00e9", ""])
BLANK = st.text(alphabet=" \n\r\t", max_size=3)


@given(st.lists(st.tuples(NAMES, st.sampled_from(["1", '"x y"', "[1, 2]", "{ }", '""']), BLANK, BLANK), max_size=6))
def test_a_member_goes_on_only_once(members: list[tuple[str, str, str, str]]) -> None:
    """The last of its name, whatever blanks stand around; a body that names each once is left as it is."""
    inside = ",".join(f"{before}{json.dumps(name)}{after}:{value}" for name, value, before, after in members)
    body = f"{{{inside}}}".encode()
    told = once(body, FIELDS.decode(body))
    assert json.loads(told) == json.loads(body)
    assert json.loads(told, object_pairs_hook=len) == len(json.loads(body))
    plain = all(name.isascii() and name != "\n" for name, *_ in members)
    if plain and members and len({name for name, *_ in members}) == len(members):
        assert told == body


@pytest.mark.parametrize(
    "body",
    [b'{"model":"a","model":"b"}', b'{"model":"a","mod\\u0065l":"b"}', b'{"model":"a","         ":1,"model":"b"}'],
)
def test_no_other_model_is_smuggled_past_us(body: bytes) -> None:
    """Also with an escape in its name, or a name of blanks to make up for it."""
    assert once(body, FIELDS.decode(body)).count(b"mod") == 1
