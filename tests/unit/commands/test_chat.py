"""The commands of `parley chat`, and how it tells an error."""

import io
from collections.abc import Iterator

import httpx2
import openai
import pytest
from rich.console import Console

from parley.commands.chat import HARMLESS, Talk, base_of, favourite, listed, sentence, some
from parley.errors import ParleyError, SettingsError


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


@pytest.mark.parametrize("url", ["http://h:1", "http://h:1/", "http://h:1/v1", "http://h:1/v1/"])
def test_an_address_may_have_v1_or_not(url: str) -> None:
    """Both are what people paste."""
    assert base_of(url) == "http://h:1/v1"


@pytest.mark.parametrize("url", ["foo", "127.0.0.1:8080", "ftp://h", "http://", "http://h:x", "http://[::1"])
def test_what_is_no_address_is_refused(url: str) -> None:
    """The message names the option and what was given, and shows one that is right."""
    with pytest.raises(SettingsError, match=r"^--url: `.+` is not the address of a server, such as http://"):
        base_of(url)


def answering(status: int) -> openai.OpenAI:
    """Return a client whose every request ends with *status*; 0: nobody answers."""

    def handle(request: httpx2.Request) -> httpx2.Response:
        if not status:
            raise httpx2.ConnectError("refused", request=request)
        return httpx2.Response(status, json={"error": {"message": "No."}})

    http = openai.DefaultHttpxClient(transport=httpx2.MockTransport(handle))
    return openai.OpenAI(base_url="http://127.0.0.1:1/v1", api_key="none", max_retries=0, http_client=http)


def test_a_piped_talk_ends_with_a_call_that_fails() -> None:
    """Nobody is there to read a red line and ask again."""
    with answering(503) as client:
        piped = Talk(client, "m", None, Console(file=io.StringIO()), lasting=False)
        with pytest.raises(ParleyError, match=r"^No\.$"):
            piped.take("Hello")


@pytest.mark.parametrize(("status", "words"), [(0, "no answer from 127.0.0.1:1"), (401, "No.")])
def test_what_no_call_can_mend_is_told_at_the_start(status: int, words: str) -> None:
    """Nobody is there, or the key is wrong: whether a model was named or not."""
    with answering(status) as client, pytest.raises(ParleyError, match=words):
        listed(client, needed=False)


def test_a_server_without_a_list_can_be_talked_with() -> None:
    """Where a model was named; else there is none to choose from."""
    with answering(404) as client:
        assert listed(client, needed=False) == []
        with pytest.raises(ParleyError):
            listed(client, needed=True)


def test_of_many_models_the_first_are_named() -> None:
    """A list of a hundred is no help."""
    assert some(["a", "b"]) == "a, b"
    assert some([str(number) for number in range(23)]).endswith("18, 19 and 3 more")
