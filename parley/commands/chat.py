"""`parley chat`: a talk with a model in the terminal, through the official client like any other app.

A server that is given, or that answers at the configured address, is used; otherwise one of our own runs for as long as
the talk lasts. Without a key we borrow one for the session and revoke it at the end. An error of a call is one line,
and the talk goes on; where nobody can read it, for the talk comes from a pipe, it is a ParleyError, as is a server that
cannot be reached at all.
"""

import http.client
import os
import readline  # noqa: F401 - gives `input` its history and editing
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

import openai
from rich.console import Console

from parley.commands import keys
from parley.commands.child import serving
from parley.commands.options import Options, shown
from parley.commands.welcome import FAVOURITE, SESSION
from parley.errors import ParleyError, SettingsError

PROMPT = "\001\033[1;36m\002you ›\001\033[0m\002 "
SHOWN = 20  # models
HARMLESS = dict.fromkeys((*range(9), *range(11, 32), *range(127, 160)))
"""A model's words are text: what steers a terminal is left out."""
HELP = "/clear forgets the talk, /system TEXT sets the system message, /model NAME changes the model, /quit leaves."


@contextmanager
def connected(options: Options, url: str | None, key: str | None) -> Iterator[openai.OpenAI]:
    """Yield a client of the server at *url*, or of the configured one, or of one of our own. Raises ParleyError."""
    with ExitStack() as stack:
        ours = url is None
        if url is None:
            host, port = options.settings.server.address
            runs = answers(host, port)
            if not key or not runs:
                key = stack.enter_context(session_key(options))
            url = shown(host, port) if runs else stack.enter_context(embedded(options))
        else:
            base_of(url)  # before the key: one mistake at a time
            key = key or os.environ.get("OPENAI_API_KEY")
        if not key:
            raise ParleyError("this server needs a key: give --key, or set PARLEY_API_KEY or OPENAI_API_KEY")
        base = base_of(url)
        direct = openai.DefaultHttpxClient(trust_env=not ours)  # no proxy stands between us and our own server
        yield stack.enter_context(
            openai.OpenAI(base_url=base, api_key=key, max_retries=1, timeout=120, http_client=direct)
        )


def base_of(url: str) -> str:
    """Return the API's address on the server at *url*, with or without `/v1`. Raises SettingsError."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise SettingsError(f"--url: `{url}` is not the address of a server, such as http://127.0.0.1:8080")
    return url.rstrip("/").removesuffix("/v1") + "/v1"


@contextmanager
def embedded(options: Options) -> Iterator[str]:
    """Run a server of our own with the same settings and data, and yield its address. Raises ParleyError."""
    with tempfile.TemporaryDirectory(prefix="parley-chat-") as folder:
        arguments = [*options.arguments, "--workers", "1"]
        with serving(arguments, Path(folder) / "server.log") as address:
            yield address


def answers(host: str, port: int) -> bool:
    """Return whether a server lives at *host* and *port*."""
    try:
        with closing(http.client.HTTPConnection(host, port, timeout=2)) as connection:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False


@contextmanager
def session_key(options: Options) -> Iterator[str]:
    """Borrow a key for this session; leaving revokes it."""
    key = keys.borrow(options, SESSION)
    try:
        yield key
    finally:
        keys.revoke(options, key)


def run(client: openai.OpenAI, model: str | None, system: str | None) -> None:
    """Talk until Ctrl+D or /quit. Raises ParleyError: the server cannot be reached, or a call of a piped talk fails."""
    person = sys.stdin.isatty()
    there = listed(client, needed=model is None)
    talk = Talk(client, model or favourite(there), system, Console(highlight=False, soft_wrap=True), lasting=person)
    talk.note(f"{talk.model} at {client.base_url}\n{HELP} Ctrl+C stops an answer, Ctrl+D leaves.")
    if there and talk.model not in there:
        talk.note(f"The server does not list {talk.model}, and may not have it. It lists: {some(there)}.")
    while True:
        try:
            said = input(PROMPT if person else "").strip()
        except EOFError:
            return
        except KeyboardInterrupt:
            talk.note("\nCtrl+D leaves.")
            continue
        if said == "/quit":
            return
        talk.take(said)


def listed(client: openai.OpenAI, *, needed: bool) -> list[str]:
    """Return the models the server lists; none where it has no list and none is *needed*. Raises ParleyError."""
    try:
        return [one.id for one in client.models.list()]
    except openai.OpenAIError as error:
        if needed or not isinstance(error, openai.APIStatusError) or isinstance(error, openai.AuthenticationError):
            raise ParleyError(sentence(error)) from error
        return []


def some(models: list[str]) -> str:
    """Return the names of *models*, of many the first."""
    more = len(models) - SHOWN
    return ", ".join(models[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def favourite(models: list[str]) -> str:
    """Return the model to talk with when none was named. Raises ParleyError when there is none."""
    if not models:
        raise ParleyError("the server lists no model: name one, as in `parley chat gpt-4o`")
    return FAVOURITE if FAVOURITE in models else models[0]


def sentence(error: openai.OpenAIError) -> str:
    """Return *error* in one line: the server's own message where there is one."""
    body = getattr(error, "body", None)
    if isinstance(body, dict) and body.get("message"):
        return str(body["message"])
    if isinstance(error, openai.APIConnectionError) and error.request:
        return f"no answer from {error.request.url.host}:{error.request.url.port} ({error.__cause__ or error})"
    return " ".join(str(error).split())


class Talk:
    """A conversation: what was said so far, and with whom; a *lasting* one survives a call that fails."""

    def __init__(
        self, client: openai.OpenAI, model: str, system: str | None, console: Console, *, lasting: bool = True
    ) -> None:
        self._client = client
        self._console = console
        self._lasting = lasting
        self.model = model
        self.messages: list[Any] = []
        self._set_system(system or "")
        self._commands: dict[str, Callable[[str], None]] = {
            "/clear": self._clear,
            "/system": self._change_system,
            "/model": self._change_model,
            "/help": lambda _: self.note(HELP),
        }

    def note(self, text: str) -> None:
        """Print *text* in the background."""
        self._console.print(text, style="dim", markup=False)

    def take(self, said: str) -> None:
        """Do what was *said*: a command, or something for the model."""
        word, _, rest = said.partition(" ")
        if word in self._commands:
            self._commands[word](rest.strip())
        elif word.startswith("/"):
            self.note(f"There is no {word}. {HELP}")
        elif said:
            self._ask(said)

    def _ask(self, said: str) -> None:
        """Ask the model and print its answer as it comes; keep both, unless it failed. Raises ParleyError."""
        self.messages.append({"role": "user", "content": said})
        parts: list[str] = []
        begun = perf_counter()
        try:
            self._listen(parts, begun)
        except KeyboardInterrupt:
            self.note("\n(stopped)")
        except openai.OpenAIError as error:
            self._fail(sentence(error), "\n" if parts else "", error)
        if parts:
            self.messages.append({"role": "assistant", "content": "".join(parts)})
        else:
            self.messages.pop()

    def _fail(self, words: str, before: str, error: Exception) -> None:
        """Tell that a call failed. Raises ParleyError where the talk does not go on."""
        if self._lasting:
            self._console.print(before + words, style="red", markup=False)
            return
        self._console.print(before, end="")
        raise ParleyError(words) from error

    def _listen(self, parts: list[str], begun: float) -> None:
        """Print the answer and gather it in *parts*."""
        answered, tokens = self.model, ""
        stream = self._client.chat.completions.create(
            model=self.model, messages=self.messages, stream=True, stream_options={"include_usage": True}
        )
        with stream:
            for chunk in stream:
                answered = chunk.model
                for choice in chunk.choices:
                    if choice.delta.content:
                        parts.append(choice.delta.content)
                        self._console.print(choice.delta.content.translate(HARMLESS), end="", markup=False)
                if chunk.usage:
                    tokens = f"{chunk.usage.prompt_tokens} tokens in, {chunk.usage.completion_tokens} out, "
        self.note(f"\n{tokens}{perf_counter() - begun:.1f} s, {answered}")

    def _set_system(self, text: str) -> None:
        rest = [message for message in self.messages if message["role"] != "system"]
        self.messages = ([{"role": "system", "content": text}] if text else []) + rest

    def _clear(self, _: str) -> None:
        self.messages = [message for message in self.messages if message["role"] == "system"]
        self.note("Forgotten.")

    def _change_system(self, text: str) -> None:
        self._set_system(text)
        self.note("The system message is set." if text else "There is no system message now.")

    def _change_model(self, name: str) -> None:
        self.model = name or self.model
        self.note(f"You talk with {self.model}.")
