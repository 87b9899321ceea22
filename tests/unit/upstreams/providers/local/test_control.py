"""Control tokens in what people say."""

import json

from hypothesis import given
from hypothesis import strategies as st

from parley.upstreams.providers.local.control import APART, Control

WORDS = ("<|a|>", "<|im_end|>", "|>", "<s>", "<s><|a|>", "x")
CONTROL = Control(WORDS)


@given(st.lists(st.sampled_from(["<|a|>", "<|", "a", "|>", "<s>", "im_end", "<", "x", "\n"])).map("".join))
def test_no_control_token_is_left(text: str) -> None:
    """However they overlap; nothing else is changed."""
    told = CONTROL.harmless(text)
    assert not any(word in told for word in WORDS if len(word) > 1)
    assert told.replace(APART, "") == text


def test_other_texts_are_the_same() -> None:
    """Also what only looks like one."""
    assert CONTROL.harmless("a < b, <|b|, x") == "a < b, <|b|, x"


def test_every_text_of_a_message_is_looked_at() -> None:
    """Parts, names and calls too; images are left alone."""
    image = {"type": "image_url", "image_url": {"url": "data:<s>"}}
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"<s>": ["\\u003cs>", 1]}'}}
    told = CONTROL.messages(
        [
            {"role": "user", "name": "<s>", "content": [{"type": "text", "text": "<s>"}, image]},
            {"role": "assistant", "content": "<s>", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c", "content": "<s>"},
        ]
    )
    safe = f"<{APART}s>"
    assert told[0] == {"role": "user", "name": safe, "content": [{"type": "text", "text": safe}, image]}
    assert told[1]["content"] == told[2]["content"] == safe
    assert json.loads(told[1]["tool_calls"][0]["function"]["arguments"]) == {safe: [safe, 1]}


def test_two_parts_make_no_control_token() -> None:
    """Texts side by side are one, as llama.cpp makes them, with a line's end between."""
    parts = [{"type": "text", "text": "<"}, {"type": "text", "text": "s>"}]
    assert CONTROL.messages([{"role": "user", "content": parts}])[0]["content"] == [{"type": "text", "text": "<\ns>"}]


def test_a_call_without_one_is_sent_as_it_is() -> None:
    """To the last blank."""
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{ "a":1.0}'}}
    assert CONTROL.messages([{"role": "assistant", "content": None, "tool_calls": [call]}])[0]["tool_calls"] == [call]
