"""The newest official client for Python: streamed chat answers."""

from typing import Any

import httpx
import openai
from asking import HELLO, MODEL, Shopping
from servers import Server

LONG: Any = {
    "name": "long",
    "schema": {
        "type": "array",
        "items": {"enum": ["one", "two", "three", "four"]},
        "minItems": 300,
        "maxItems": 400,
    },
}


def test_stream_is_well_formed(client: openai.OpenAI) -> None:
    """A stream opens with the role, ends with the reason, and is one answer from end to end."""
    chunks = list(client.chat.completions.create(model="gpt-4", messages=HELLO, max_tokens=8, stream=True))
    assert {(chunk.object, chunk.model) for chunk in chunks} == {("chat.completion.chunk", MODEL)}
    assert len({(chunk.id, chunk.created) for chunk in chunks}) == 1
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1].choices[0].finish_reason in ("stop", "length")
    assert all(chunk.usage is None for chunk in chunks)


def test_stream_says_what_the_whole_says(client: openai.OpenAI) -> None:
    """The pieces of a stream are the answer that comes whole without it."""
    whole = client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=16, temperature=0)
    chunks = client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=16, temperature=0, stream=True)
    told = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert told == whole.choices[0].message.content


def test_include_usage_adds_a_last_chunk(client: openai.OpenAI) -> None:
    """`include_usage` brings a last chunk without choices that has the usage; the others have none."""
    *others, last = client.chat.completions.create(
        model=MODEL, messages=HELLO, max_tokens=8, stream=True, stream_options={"include_usage": True}
    )
    assert last.choices == []
    assert last.usage is not None
    assert last.usage.total_tokens == last.usage.prompt_tokens + last.usage.completion_tokens
    assert all(chunk.usage is None and chunk.choices for chunk in others)


def test_stream_of_two_answers(client: openai.OpenAI) -> None:
    """With `n`, each of the streamed answers begins with a role and ends once."""
    chunks = list(client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=8, stream=True, n=2))
    choices = [chunk.choices[0] for chunk in chunks]
    assert sorted(choice.index for choice in choices if choice.delta.role) == [0, 1]
    assert sorted(choice.index for choice in choices if choice.finish_reason) == [0, 1]


def test_streaming_helper(client: openai.OpenAI) -> None:
    """The client's streaming helper sees the content grow and ends with the whole answer."""
    with client.chat.completions.stream(model=MODEL, messages=HELLO, temperature=0) as stream:
        events = list(stream)
        final = stream.get_final_completion()
    told = "".join(event.delta for event in events if event.type == "content.delta")
    assert told == final.choices[0].message.content
    assert "content.done" in [event.type for event in events]


def test_streaming_helper_parses(client: openai.OpenAI) -> None:
    """The client's streaming helper gives an instance of the pydantic model that was asked for."""
    with client.chat.completions.stream(
        model=MODEL, messages=[{"role": "user", "content": "Send it back!"}], response_format=Shopping
    ) as stream:
        final = stream.get_final_completion()
    assert isinstance(final.choices[0].message.parsed, Shopping)


def test_streamed_logprobs(client: openai.OpenAI) -> None:
    """The log probabilities stand on the chunk whose text they are for, and nowhere else."""
    chunks = client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=8, stream=True, logprobs=True)
    choices = [chunk.choices[0] for chunk in chunks]
    assert any(choice.logprobs for choice in choices)
    for choice in choices:
        told = choice.logprobs.content or [] if choice.logprobs else []
        assert "".join(token.token for token in told) == (choice.delta.content or "")


async def test_async_stream(async_client: openai.AsyncOpenAI) -> None:
    """The client for asyncio reads a stream."""
    stream = await async_client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=8, stream=True)
    assert "".join([chunk.choices[0].delta.content or "" async for chunk in stream])


def test_stream_ends_with_done(parley: Server, key: str) -> None:
    """On the wire a stream is events of one `data:` line, and the last says `[DONE]`."""
    body = {"model": MODEL, "messages": HELLO, "max_tokens": 4, "stream": True}
    answer = httpx.post(
        f"{parley.base_url}/chat/completions", json=body, headers={"authorization": f"Bearer {key}"}, timeout=60
    )
    *events, last, rest = answer.text.split("\n\n")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert (last, rest) == ("data: [DONE]", "")
    assert all(event.startswith("data: {") and "\n" not in event for event in events)


def test_first_token_comes_before_the_last_is_made(client: openai.OpenAI, parley: Server) -> None:
    """A client that leaves at the first token of a long answer has stopped it before it was made."""
    create = client.chat.completions.with_raw_response.create
    raw = create(model=MODEL, messages=HELLO, stream=True, response_format={"type": "json_schema", "json_schema": LONG})
    stream = raw.parse()
    assert any(chunk.choices[0].delta.content for chunk in stream)
    stream.close()
    row = parley.row(raw.headers["x-request-id"])
    assert row["outcome"] == "left"
    assert 0 < row["output_tokens"] < 300
