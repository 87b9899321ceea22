"""The reference is whole, and the embedded engine keeps what its table says."""

import ast
import inspect
import re
from typing import Any

import httpx2
import openai
import pytest
from examples import ROOT
from servers import Server
from tree import modules

from parley import errors
from parley.api.app import ROUTES
from parley.api.metrics import exposition
from parley.policies.counts import Counts
from parley.schema.chat import KNOWN
from parley.schema.completions import CompletionRequest
from parley.schema.event_types import EVENT_TYPES
from parley.store.ledger import Record

API = (ROOT / "docs/reference/api.md").read_text("utf-8")
TUTORIAL = (ROOT / "docs/tutorial/6-errors.md").read_text("utf-8")
METRICS = (ROOT / "docs/reference/metrics.md").read_text("utf-8")
ENDS_NO_CALL = (errors.SettingsError, errors.Conflict)  # for commands, or for later
FUNCTION = {
    "name": "look",
    "parameters": {"type": "object", "properties": {"at": {"type": "string", "maxLength": 4}}, "required": ["at"]},
}
TOOLS = {"tools": [{"type": "function", "function": FUNCTION}]}
LEGACY = {"functions": [FUNCTION]}
ASKED: dict[str, dict[str, Any]] = {
    "messages": {},
    "model": {},
    "audio": {"audio": {"format": "wav", "voice": "alloy"}},
    "frequency_penalty": {"frequency_penalty": 0.1},
    "function_call": {"function_call": {"name": "look"}, **LEGACY},
    "functions": LEGACY,
    "logit_bias": {"logit_bias": {"5": 1}},
    "logprobs": {"logprobs": True},
    "max_completion_tokens": {"max_completion_tokens": 2, "max_tokens": None},
    "max_tokens": {"max_tokens": 2},
    "metadata": {"metadata": {"a": "b"}},
    "modalities": {"modalities": ["text"]},
    "moderation": {"moderation": {"model": "any"}},
    "n": {"n": 2},
    "parallel_tool_calls": {"parallel_tool_calls": False, **TOOLS},
    "prediction": {"prediction": {"type": "content", "content": "x"}},
    "presence_penalty": {"presence_penalty": 0.1},
    "prompt_cache_key": {"prompt_cache_key": "x"},
    "prompt_cache_options": {"prompt_cache_options": {"mode": "implicit"}},
    "prompt_cache_retention": {"prompt_cache_retention": "24h"},
    "reasoning_effort": {"reasoning_effort": "low"},
    "response_format": {"response_format": {"type": "json_object"}},
    "safety_identifier": {"safety_identifier": "x"},
    "seed": {"seed": 1},
    "service_tier": {"service_tier": "auto"},
    "stop": {"stop": ["x"]},
    "store": {"store": True},
    "stream": {"stream": True},
    "stream_options": {"stream_options": {"include_usage": True}, "stream": True},
    "temperature": {"temperature": 0.5},
    "tool_choice": {"tool_choice": "required", **TOOLS},
    "tools": TOOLS,
    "top_logprobs": {"top_logprobs": 2, "logprobs": True},
    "top_p": {"top_p": 0.5},
    "user": {"user": "u"},
    "verbosity": {"verbosity": "low"},
    "web_search_options": {"web_search_options": {}},
}


def rows(page: str, section: str) -> dict[str, list[str]]:
    """Return the table rows of *section* by their first cell, without its backticks."""
    text = re.split(r"^## ", page.partition(f"## {section}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line[:3] == "| `"]
    return {first.strip("` "): rest for first, *rest in cells}


ENGINE = {name: cells[-1].strip("| ") for name, cells in rows(API, "Chat parameters").items()}


def test_every_route_is_listed() -> None:
    """The table of endpoints has each route of the server, and no other."""
    assert set(rows(API, "Endpoints")) == {f"{route.method} {route.path}" for route in ROUTES}


def test_every_chat_parameter_is_listed() -> None:
    """The table of chat parameters has each that we know, and this file an example of each."""
    assert set(ENGINE) == set(KNOWN) == set(ASKED)


def test_every_error_is_listed() -> None:
    """Each error that a call can end with stands in the table, with its status and code."""
    table = API.partition("## Errors\n")[2].partition("## Headers\n")[0]
    classes = [error for error in vars(errors).values() if inspect.isclass(error) and not error.__subclasses__()]
    for error in classes:
        told = f"`{error.code}`" if error.code else "null"
        assert error in ENDS_NO_CALL or re.search(rf"\| {error.status} \| [^|]*{told}", table), error


def test_the_tutorial_has_every_class_of_the_client() -> None:
    """Each status of ours for which the official client has a class of its own stands in the table, with that class."""
    ours = {error.status for error in vars(errors).values() if inspect.isclass(error)}
    named = {getattr(kind, "status_code", None): kind.__name__ for kind in openai.APIStatusError.__subclasses__()}
    wanted = {(str(status), name) for status, name in named.items() if status in ours}
    assert wanted <= set(re.findall(r"^\| (\d+) \| `(\w+)` \|", TUTORIAL, re.MULTILINE))
    assert ("409", "ConflictError") in wanted


def test_every_column_is_listed() -> None:
    """The table of a call's record has each column, in its order."""
    assert tuple(rows(API, "The record of a call")) == Record.__struct_fields__


def test_every_event_may_be_asked_for() -> None:
    """The audit log can be asked for each type that some line of ours notes in so many words."""
    calls = [
        node
        for path in modules("parley")
        for node in ast.walk(ast.parse((ROOT / path).read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in {"note", "_note"}
    ]
    texts = [str(arg.value) for call in calls for arg in call.args if isinstance(arg, ast.Constant)]
    told = {text for text in texts if re.fullmatch(r"[a-z_]+\.[a-z_.]+", text)}
    assert {"model.added", "project.unmetered"} <= told <= EVENT_TYPES


def test_every_metric_is_listed() -> None:
    """The page of metrics has each that the server tells, and no other."""
    told = re.findall(r"^# TYPE (\w+)", exposition(Counts()).decode(), re.MULTILINE)
    assert set(re.findall(r"`(parley_\w+)`", METRICS)) == set(told)


def test_completion_parameters_on_the_engine() -> None:
    """The parameters of completions that the page names are parameters."""
    assert {"suffix", "best_of", "echo", "logprobs"} <= set(CompletionRequest.__struct_fields__)


@pytest.mark.parametrize("name", ASKED)
def test_engine_keeps_the_table(name: str, embedded: Server, key: str) -> None:
    """What the table calls refused is refused by this name; everything else is taken."""
    asked = {"model": "gpt-4", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 4, **ASKED[name]}
    answer = httpx2.post(
        f"{embedded.base_url}/chat/completions", json=asked, headers={"Authorization": f"Bearer {key}"}, timeout=60
    )
    if ENGINE[name].startswith("refused"):
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, name)
    else:
        assert answer.status_code == 200, answer.text
