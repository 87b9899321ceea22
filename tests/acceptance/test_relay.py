"""Parley in front of an OpenAI-compatible server: another Parley, which is a real one."""

from collections.abc import Iterator

import httpx
import openai
import pytest
from asking import HELLO, MODEL, TOOLS, Shopping, check_calls
from servers import Server


@pytest.fixture(scope="module")
def front_key(front: Server) -> str:
    """Make a key of the server in front; the one behind knows only the upstream's key."""
    return front.key()


@pytest.fixture
def relayed(front: Server, front_key: str) -> Iterator[openai.OpenAI]:
    """Open the official client before the server in front."""
    with openai.OpenAI(base_url=front.base_url, api_key=front_key, max_retries=0) as it:
        yield it


def test_chat_is_passed_on(relayed: openai.OpenAI, front: Server, parley: Server) -> None:
    """A chat is answered by the server behind, and both write the same tokens; the price is the front's."""
    before = len(parley.rows())
    raw = relayed.chat.completions.with_raw_response.create(model="relayed", messages=HELLO, max_tokens=8)
    row, behind = front.row(raw.headers["x-request-id"]), parley.rows()[before:]
    assert [one["output_tokens"] for one in behind] == [row["output_tokens"]]
    assert (row["upstream"], row["model_asked"], row["model_answered"]) == ("behind", "relayed", MODEL)
    assert row["cost"] == row["input_tokens"] * 2_500 + row["output_tokens"] * 10_000


def test_catch_all_passes_any_name(relayed: openai.OpenAI) -> None:
    """A name that only the server behind knows is passed on; one that nobody knows raises NotFoundError."""
    assert relayed.chat.completions.create(model="gpt-4", messages=HELLO, max_tokens=2).model == MODEL
    with pytest.raises(openai.NotFoundError) as raised:
        relayed.chat.completions.create(model="gpt-none", messages=HELLO)
    assert raised.value.code == "model_not_found"


def test_stream_is_passed_on(relayed: openai.OpenAI, front: Server) -> None:
    """A stream passes through in pieces; its usage is booked though the client did not ask for it."""
    raw = relayed.chat.completions.with_raw_response.create(model="relayed", messages=HELLO, max_tokens=8, stream=True)
    chunks = list(raw.parse())
    assert all(chunk.choices and chunk.usage is None for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason
    row = front.row(raw.headers["x-request-id"])
    assert row["exact"]
    assert row["output_tokens"] > 0


def test_usage_is_passed_on(relayed: openai.OpenAI) -> None:
    """A client that asks for the usage of its stream gets it."""
    chunks = list(
        relayed.chat.completions.create(
            model="relayed", messages=HELLO, max_tokens=4, stream=True, stream_options={"include_usage": True}
        )
    )
    assert chunks[-1].usage is not None


def test_tools_are_passed_on(relayed: openai.OpenAI) -> None:
    """Tools go there and calls come back."""
    answer = relayed.chat.completions.create(model="relayed", messages=HELLO, tools=TOOLS, tool_choice="required")
    assert check_calls(answer.choices[0].message.tool_calls or [])


def test_forms_are_passed_on(relayed: openai.OpenAI) -> None:
    """A schema goes there and an answer of that form comes back."""
    answer = relayed.chat.completions.parse(model="relayed", messages=HELLO, response_format=Shopping)
    assert isinstance(answer.choices[0].message.parsed, Shopping)


def test_completions_and_embeddings_are_passed_on(relayed: openai.OpenAI) -> None:
    """The older completions and embeddings are passed on as well."""
    assert relayed.completions.create(model="relayed", prompt="Once", max_tokens=2).choices
    assert len(relayed.embeddings.create(model="relayed", input=["one", "two"]).data) == 2


def test_refusal_is_passed_on(relayed: openai.OpenAI, front: Server) -> None:
    """What the server behind refuses is refused with its words, parameter and code, and not asked again."""
    with pytest.raises(openai.BadRequestError) as raised:
        relayed.chat.completions.create(
            model="relayed", messages=[{"role": "user", "content": "all the world " * 9000}]
        )
    assert (raised.value.param, raised.value.code) == ("messages", "context_length_exceeded")
    assert front.row(raised.value.request_id or "")["attempts"] == 1


def test_unknown_fields_pass_both_ways(front: Server, front_key: str) -> None:
    """A parameter that we don't know reaches the server behind, which refuses it by name."""
    body = {"model": "relayed", "messages": HELLO, "thinking_budget": 5}
    answer = httpx.post(
        f"{front.base_url}/chat/completions", json=body, headers={"authorization": f"Bearer {front_key}"}
    )
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "thinking_budget")


def test_kept_here_not_there(relayed: openai.OpenAI, client: openai.OpenAI) -> None:
    """What `store` keeps is kept by the server in front; the one behind is not asked to keep it."""
    answer = relayed.chat.completions.create(model="relayed", messages=HELLO, max_tokens=4, store=True)
    assert relayed.chat.completions.retrieve(answer.id).choices == answer.choices
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.retrieve(answer.id)
