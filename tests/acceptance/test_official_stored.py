"""The newest official client for Python: chat completions that were kept because their call said `store=True`."""

import openai
import pytest
from asking import HELLO, MODEL, TOOLS
from openai.types.chat import ChatCompletion
from servers import Server


@pytest.fixture
def kept(client: openai.OpenAI) -> ChatCompletion:
    """Store a completion."""
    return client.chat.completions.create(
        model=MODEL, messages=HELLO, max_tokens=8, store=True, metadata={"topic": "hello", "team": "a"}
    )


@pytest.fixture
def neighbour(parley: Server, client: openai.OpenAI) -> openai.OpenAI:
    """Return a client of another project."""
    return client.with_options(api_key=parley.key("--project", "neighbour"))


def test_retrieve(client: openai.OpenAI, kept: ChatCompletion) -> None:
    """A stored completion is given back as it was answered, with its metadata."""
    found = client.chat.completions.retrieve(kept.id)
    assert found.choices[0].message.content == kept.choices[0].message.content
    assert found.usage == kept.usage
    assert (found.model, found.metadata) == (MODEL, {"topic": "hello", "team": "a"})


def test_stream_is_kept_whole(client: openai.OpenAI) -> None:
    """A streamed answer is kept as the whole answer that its pieces are."""
    chunks = list(client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=8, store=True, stream=True))
    found = client.chat.completions.retrieve(chunks[0].id)
    assert found.choices[0].message.content == "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert found.usage is not None


def test_tool_calls_are_kept(client: openai.OpenAI) -> None:
    """A call of a tool is kept."""
    answer = client.chat.completions.create(
        model=MODEL, messages=HELLO, tools=TOOLS, tool_choice="required", store=True
    )
    found = client.chat.completions.retrieve(answer.id)
    assert found.choices[0].message.tool_calls == answer.choices[0].message.tool_calls


def test_list_by_metadata(client: openai.OpenAI, kept: ChatCompletion) -> None:
    """Stored completions are found by their metadata, page by page, in both orders."""
    wanted = {"batch": kept.id[-16:]}
    made = {
        client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=4, store=True, metadata=wanted).id
        for _ in range(3)
    }
    oldest = [found.id for found in client.chat.completions.list(metadata=wanted, limit=1)]
    newest = [found.id for found in client.chat.completions.list(metadata=wanted, limit=2, order="desc")]
    assert set(oldest) == made
    assert len(oldest) == 3
    assert newest == oldest[::-1]


def test_list_by_model(client: openai.OpenAI, kept: ChatCompletion) -> None:
    """Stored completions are found by the model that answered."""
    assert kept.id in {found.id for found in client.chat.completions.list(model=MODEL)}
    assert list(client.chat.completions.list(model="other")) == []


def test_update(client: openai.OpenAI, kept: ChatCompletion) -> None:
    """An update replaces the metadata."""
    assert client.chat.completions.update(kept.id, metadata={"topic": "bye"}).metadata == {"topic": "bye"}
    assert client.chat.completions.retrieve(kept.id).metadata == {"topic": "bye"}


def test_messages(client: openai.OpenAI) -> None:
    """The messages that a stored completion was asked with are listed in order."""
    asked = client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello!"}],
        max_tokens=4,
        store=True,
    )
    found = list(client.chat.completions.messages.list(asked.id))
    assert [(message.role, message.content) for message in found] == [("system", "Be brief."), ("user", "Hello!")]
    page = client.chat.completions.messages.list(asked.id, limit=1, order="desc")
    assert [message.content for message in page.data] == ["Hello!"]


def test_delete(client: openai.OpenAI, kept: ChatCompletion) -> None:
    """A deleted completion is gone."""
    assert client.chat.completions.delete(kept.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.retrieve(kept.id)


def test_others_see_nothing(neighbour: openai.OpenAI, kept: ChatCompletion) -> None:
    """Another project's key neither finds, lists, changes nor deletes it."""
    own = neighbour.chat.completions
    assert kept.id not in [found.id for found in own.list()]
    for attempt in (own.retrieve, own.delete, own.messages.list):
        with pytest.raises(openai.NotFoundError):
            attempt(kept.id)
    with pytest.raises(openai.NotFoundError):
        own.update(kept.id, metadata={})


def test_unasked_is_not_kept(client: openai.OpenAI) -> None:
    """Without `store` nothing is kept."""
    answer = client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=4)
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.retrieve(answer.id)
