"""Counting tokens: known facts about OpenAI's encodings, and texts of any size."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parley.policies import tokens
from parley.schema import chat, completions, embeddings
from parley.schema.reading import read


@pytest.mark.parametrize(
    ("model", "text", "number"),
    [  # from OpenAI's cookbook, "How to count tokens", and tiktoken's own tests
        ("gpt-4", "tiktoken is great!", 6),
        ("gpt-4o", "tiktoken is great!", 6),
        ("gpt-4", "antidisestablishmentarianism", 6),
        ("gpt-4o", "antidisestablishmentarianism", 6),
        ("gpt-4", "2 + 2 = 4", 7),
        ("gpt-4o", "2 + 2 = 4", 7),
        ("gpt-4", "お誕生日おめでとう", 9),
        ("gpt-4o", "お誕生日おめでとう", 8),
        ("gpt-3.5-turbo", "hello world", 2),
        ("gpt-4o", "", 0),
    ],
)
def test_known_counts(model: str, text: str, number: int) -> None:
    """Each encoding gives the number that tiktoken gives."""
    assert tokens.count(model, text) == number


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("gpt-4", "cl100k_base"),
        ("gpt-4-turbo-2024-04-09", "cl100k_base"),
        ("gpt-3.5-turbo-1106", "cl100k_base"),
        ("ft:gpt-3.5-turbo:acme::1", "cl100k_base"),
        ("text-embedding-3-small", "cl100k_base"),
        ("gpt-4o-mini-2024-07-18", "o200k_base"),
        ("gpt-4.1-mini", "o200k_base"),
        ("o3-mini", "o200k_base"),
        ("gpt-5", "o200k_base"),
        ("llama-3", "o200k_base"),
    ],
)
def test_a_model_has_its_encoding(model: str, name: str) -> None:
    """Dated and tuned models have that of their family; unknown ones the newest."""
    assert tokens.encoding_name(model) == name


@pytest.mark.parametrize("text", ["x" * 3_000_000, "hello there, " * 200_000, " " * 2_000_000, "你好" * 500_000])
def test_a_huge_text_is_counted(text: str) -> None:
    """The library refuses a million signs at once; a call must be recorded all the same."""
    assert 0 < tokens.count("gpt-4o", text) <= len(text)


def test_a_cut_between_words_changes_nothing() -> None:
    """A text longer than a piece has as many tokens as the library says."""
    text = "The quick brown fox, " * (tokens.LONGEST // 10)
    whole = tokens.encoding("o200k_base").encode_ordinary(text)
    assert tokens.count("gpt-4o", text) == len(whole)


@settings(max_examples=30)
@given(st.text(max_size=200), st.integers(1, 40))
def test_pieces_lose_nothing(text: str, longest: int) -> None:
    """They are the text, whatever is in it."""
    assert "".join(tokens.pieces(text)) == text
    assert tokens.count("gpt-4o", "\ud800" * longest) > 0


def test_a_chat_counts_its_overhead() -> None:
    """Three tokens a message and one for its role, three for the answer's start."""
    body = b'{"model": "m", "messages": [{"role": "user", "content": "hello world"}]}'
    assert tokens.count_input("gpt-4", read(body, chat.DECODER)) == 2 + 4 + 3


def test_text_parts_are_counted() -> None:
    """A message in parts counts its texts; an image is not counted by us."""
    parts = b'[{"type": "text", "text": "hello"}, {"type": "image_url", "image_url": {"url": "https://x.example/i"}}]'
    body = b'{"model": "m", "messages": [{"role": "user", "content": %b}]}' % parts
    assert 8 <= tokens.count_input("gpt-4", read(body, chat.DECODER)) <= 10


@pytest.mark.parametrize(
    ("prompt", "number"),
    [(b'"hello world"', 2), (b'["hello", "world"]', 2), (b"[1, 2, 3]", 3), (b"[[1, 2], [3]]", 3), (b"null", 0)],
)
def test_prompts_are_counted(prompt: bytes, number: int) -> None:
    """As texts, or as the tokens they are."""
    ask = read(b'{"model": "m", "prompt": %b}' % prompt, completions.DECODER)
    assert tokens.count_input("gpt-4", ask) == number


def test_inputs_of_embeddings_are_counted() -> None:
    """As prompts are."""
    ask = read(b'{"model": "m", "input": ["hello", "world"]}', embeddings.DECODER)
    assert tokens.count_input("gpt-4", ask) == 2
