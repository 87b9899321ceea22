"""The article's code samples, word for word, on the client it was written for: `openai==0.28.1`.

That client lives in an environment of its own, `.venv-legacy`, which `make test` makes; PARLEY_LEGACY_PYTHON names
another. Each program runs as its reader would run it: the key and the address are all it is told.
"""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from servers import Server, environment

HERE = Path(__file__).parent
PYTHON = os.environ.get("PARLEY_LEGACY_PYTHON") or str(HERE.parents[1] / ".venv-legacy" / "bin" / "python")
SAMPLE = re.compile(r"^## (\w+)\n```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
SAMPLES: dict[str, str] = dict(SAMPLE.findall((HERE / "article.md").read_text("utf-8")))
ASKED = '[{"role": "user", "content": "你好,你是谁?"}]'
IMPORT = "import openai\n"  # the fragments leave it out


def run(program: str, server: Server, key: str) -> str:
    """Run *program* on the old client, with *server* and *key* in its environment, and return what it printed."""
    told = {"OPENAI_API_BASE": server.base_url, "OPENAI_API_KEY": key, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [PYTHON, "-c", program], env=environment(told), capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def sample(name: str) -> str:
    """Return the sample *name* with real messages where the article has `[...]`."""
    return SAMPLES[name].replace("[...]", ASKED)


def test_chat(parley: Server, key: str) -> None:
    """The first sample, a complete program, prints an answer once its reader has put the key in."""
    assert run(SAMPLES["chat"].replace("YOUR_API_KEY", key), parley, key).strip()


def test_placeholder_for_a_key(parley: Server, key: str) -> None:
    """The first sample as it stands, with the placeholder for a key, ends with AuthenticationError."""
    with pytest.raises(AssertionError, match=r"openai\.error\.AuthenticationError"):
        run(SAMPLES["chat"], parley, key)


def test_stream(parley: Server, key: str) -> None:
    """The streaming sample, which reads `content` of every delta, prints all of an answer."""
    assert run(IMPORT + sample("stream"), parley, key).strip()


def test_functions(parley: Server, key: str) -> None:
    """The function sample gives a call of `get_weather` whose arguments have a location."""
    answer = json.loads(run(IMPORT + sample("functions") + "\nprint(response)", parley, key))
    called = answer["choices"][0]["message"]["function_call"]
    assert called["name"] == "get_weather"
    assert isinstance(json.loads(called["arguments"])["location"], str)
    assert answer["choices"][0]["finish_reason"] == "function_call"


def test_conversation(parley: Server, key: str) -> None:
    """The conversation sample, whose list of messages has grown, is answered."""
    answer = json.loads(run(IMPORT + SAMPLES["conversation"] + "\nprint(response)", parley, key))
    assert answer["choices"][0]["message"]["content"]
    assert answer["object"] == "chat.completion"


def test_retry(parley: Server, key: str) -> None:
    """The retrying sample returns an answer."""
    tail = f"\nprint(call_api_with_retry({ASKED})['choices'][0]['message']['content'])"
    assert run(IMPORT + SAMPLES["retry"] + tail, parley, key).strip()


def test_retry_raises_what_retrying_does_not_mend(parley: Server, key: str) -> None:
    """The retrying sample raises a wrong request at once, as an OpenAIError."""
    with pytest.raises(AssertionError, match=r"openai\.error\.InvalidRequestError"):
        run(IMPORT + SAMPLES["retry"] + "\ncall_api_with_retry('Hello')", parley, key)


ACREATE = """
import asyncio, openai

async def main():
    asked = dict(model="gpt-3.5-turbo", messages=[{"role": "user", "content": "Hello"}], max_tokens=8)
    whole, *_ = await asyncio.gather(*(openai.ChatCompletion.acreate(**asked) for _ in range(3)))
    print(whole["choices"][0]["message"]["role"])
    async for chunk in await openai.ChatCompletion.acreate(**asked, stream=True):
        last = chunk["choices"][0]["finish_reason"]
    print(last)

asyncio.run(main())
"""


def test_acreate(parley: Server, key: str) -> None:
    """`acreate` gives answers at the same time, and a stream to its end."""
    role, reason = run(ACREATE, parley, key).split()
    assert role == "assistant"
    assert reason in ("stop", "length")


REST = """
import openai
print(openai.Model.list()["object"], openai.Model.retrieve("gpt-4")["id"])
print(openai.Completion.create(model="gpt-4", prompt="Once", max_tokens=2)["object"])
print(len(openai.Embedding.create(model="gpt-4", input=["one", "two"], encoding_format="float")["data"]))
for chunk in openai.Completion.create(model="gpt-4", prompt="Once", max_tokens=2, stream=True):
    last = chunk["choices"][0]["finish_reason"]
print(last)
"""


def test_other_endpoints(parley: Server, key: str) -> None:
    """The old client reads models, completions, their stream, and embeddings."""
    *told, reason = run(REST, parley, key).split()
    assert told == ["list", "gpt-4", "text_completion", "2"]
    assert reason in ("stop", "length")


ERRORS = """
import json, openai

def fail(**changes):
    asked = {"model": "gpt-4", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 2, **changes}
    try:
        openai.ChatCompletion.create(**asked)
    except openai.OpenAIError as error:
        return [type(error).__name__, error.http_status, error.code, getattr(error, "param", None)]

print(json.dumps([
    fail(api_key="sk-wrong"),
    fail(temperature=3),
    fail(model="gpt-none"),
    fail(messages=[{"role": "user", "content": "all the world " * 9000}]),
    fail(stream=True, temperature=3),
    fail(model="dead"),
]))
"""


def test_errors(parley: Server, key: str) -> None:
    """The old client raises its class for each cause, with code and parameter where it has them."""
    assert json.loads(run(ERRORS, parley, key)) == [
        ["AuthenticationError", 401, None, None],
        ["InvalidRequestError", 400, "decimal_above_max_value", "temperature"],
        ["InvalidRequestError", 404, "model_not_found", None],
        ["InvalidRequestError", 400, "context_length_exceeded", "messages"],
        ["InvalidRequestError", 400, "decimal_above_max_value", "temperature"],
        ["APIError", 502, None, None],
    ]


@pytest.mark.parametrize(
    "call",
    [
        'openai.ChatCompletion.create(engine="parley-mini", max_tokens=3, messages=' + ASKED + ")",
        'openai.Completion.create(engine="parley-mini", max_tokens=3, prompt="Hello")',
        'openai.Embedding.create(engine="parley-mini", input="Hello", encoding_format="float")',
    ],
)
def test_an_engine_is_a_model(call: str, parley: Server, key: str) -> None:
    """The older guides' `engine=`, which the client puts into the path, names the model."""
    assert json.loads(run(f"{IMPORT}print({call})", parley, key))["model"] == "parley-mini"
