"""The commands of `parley chat`, and how it tells an error."""

import io
from collections.abc import Iterator

import openai
import pytest
from rich.console import Console

from parley.commands.chat import HARMLESS, Talk, favourite, sentence
from parley.errors import ParleyError


@pytest.fixture
def talk() -> Iterator[Talk]:
    """Lend a talk that has asked nobody yet."""
    with openai.OpenAI(base_url="http://127.0.0.1:1/v1", api_key="none") as client:
        yield Talk(client, "parley-mini", "Be kind.", Console(file=io.StringIO()))


def test_the_system_message_stands_first(talk: Talk) -> None:
    """`--system` and `/system` set it; there is never a second one."""
    talk.messages.append({"role": "user", "content": "Hi"})
    talk.take("/system Be brief.")
    assert [message["content"] for message in talk.messages] == ["Be brief.", "Hi"]


def test_clear_forgets_all_but_the_system_message(talk: Talk) -> None:
    """`/clear` begins the talk anew."""
    talk.messages.append({"role": "user", "content": "Hi"})
    talk.take("/clear")
    assert talk.messages == [{"role": "system", "content": "Be kind."}]


def test_the_model_can_be_changed(talk: Talk) -> None:
    """`/model` takes another one; alone it changes nothing."""
    talk.take("/model gpt-4o")
    talk.take("/model")
    assert talk.model == "gpt-4o"


def test_an_unknown_command_is_not_sent(talk: Talk) -> None:
    """A slip of the finger costs no call."""
    talk.take("/qiut")
    assert len(talk.messages) == 1


def test_the_built_in_model_is_preferred() -> None:
    """Without a name we talk with parley-mini, or the first there is."""
    assert favourite(["a", "parley-mini"]) == "parley-mini"
    assert favourite(["a", "b"]) == "a"


def test_no_model_is_an_error() -> None:
    """A server that lists none is told in a sentence."""
    with pytest.raises(ParleyError, match="lists no model"):
        favourite([])


def test_an_error_is_one_line() -> None:
    """Whatever the client says, it is told without line breaks."""
    assert sentence(openai.OpenAIError("one\n two")) == "one two"


def test_a_model_cannot_steer_the_terminal() -> None:
    """Escape sequences lose what makes them one; line breaks stay."""
    assert "a\x1b[2J\tb\n\x9b1m".translate(HARMLESS) == "a[2J\tb\n1m"
