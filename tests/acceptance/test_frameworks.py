"""Frameworks that stand on the official client: LangChain and Pydantic AI, unchanged, told only address and key."""

from typing import Any, cast

import openai
import pytest
from asking import FORMS, MODEL, Shopping, Weather
from langchain_openai import ChatOpenAI
from pydantic import SecretStr
from pydantic_ai import Agent, NativeOutput
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

QUESTION = "What is the weather like in Paris, in celsius?"


@pytest.fixture
def chain(client: openai.OpenAI) -> ChatOpenAI:
    """Return LangChain's chat model, on a client that the test closes."""
    completions = client.chat.completions
    return ChatOpenAI(
        model=MODEL, client=completions, root_client=client, api_key=SecretStr(client.api_key), temperature=0
    )


@pytest.fixture
def agent_model(async_client: openai.AsyncOpenAI) -> OpenAIChatModel:
    """Return Pydantic AI's chat model, on a client that the test closes."""
    return OpenAIChatModel("gpt-4", provider=OpenAIProvider(openai_client=async_client))


def test_langchain_invoke(chain: ChatOpenAI) -> None:
    """LangChain gets an answer, and learns the tokens and the model."""
    answer = chain.invoke("Hello, who are you?")
    assert answer.content
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["output_tokens"] > 0
    assert answer.response_metadata["model_name"] == MODEL


def test_langchain_stream(chain: ChatOpenAI) -> None:
    """LangChain gets an answer in pieces."""
    pieces = [str(piece.content) for piece in chain.stream("Hello, who are you?")]
    assert len([piece for piece in pieces if piece]) > 1
    assert "".join(pieces) == chain.invoke("Hello, who are you?").content


def test_langchain_tools(chain: ChatOpenAI) -> None:
    """LangChain gets a call of a bound tool, with arguments that match."""
    answer = chain.bind_tools(list(FORMS.values()), tool_choice="Weather").invoke(QUESTION)
    calls = cast("Any", answer).tool_calls
    assert [call["name"] for call in calls] == ["Weather"]
    Weather.model_validate(calls[0]["args"])


def test_langchain_structured_output(chain: ChatOpenAI) -> None:
    """LangChain gets an instance of the pydantic model it asked for."""
    assert isinstance(chain.with_structured_output(Shopping).invoke("Send it back!"), Shopping)


async def test_pydantic_ai(agent_model: OpenAIChatModel) -> None:
    """Pydantic AI gets an answer of the form its agent is made for."""
    agent = Agent(agent_model, output_type=NativeOutput(Shopping))
    assert isinstance((await agent.run("Send it back!")).output, Shopping)


async def test_pydantic_ai_by_a_tool(agent_model: OpenAIChatModel) -> None:
    """Pydantic AI gets its answer by a tool that must be called."""
    assert isinstance((await Agent(agent_model, output_type=Shopping).run("Send it back!")).output, Shopping)
