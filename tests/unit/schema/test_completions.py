"""The older completions: all forms of a prompt, and what does not go together."""

import json
from typing import Any

import pytest
from openai.types import completion_create_params as documented

from parley.errors import InvalidRequest
from parley.schema import completions
from parley.schema.reading import read


def ask(**parameters: Any) -> completions.CompletionRequest:
    """Return the request with *parameters*, read and checked."""
    found = read(json.dumps({"model": "m", "prompt": "Once"} | parameters).encode(), completions.DECODER)
    completions.check(found)
    return found


def test_every_documented_parameter_is_known() -> None:
    """The parameters are exactly those that the official client documents."""
    names = set(documented.CompletionCreateParamsBase.__annotations__) | {"stream"}
    assert names == completions.KNOWN


@pytest.mark.parametrize("prompt", ["", "x", ["x", ""], [1, 2], [[1], [2, 3]], None])
def test_every_form_of_prompt_is_read(prompt: Any) -> None:
    """A prompt is a string, strings, tokens, lists of tokens, or nothing."""
    assert ask(prompt=prompt).prompt == prompt


@pytest.mark.parametrize(
    ("parameters", "param"),
    [
        ({"prompt": ["x", 1]}, "prompt[1]"),
        ({"prompt": [[1], "x"]}, "prompt[1]"),
        ({"prompt": []}, "prompt"),
        ({"prompt": [[]]}, "prompt[0]"),
        ({"prompt": [-1]}, "prompt[0]"),
        ({"logprobs": 6}, "logprobs"),
        ({"best_of": 1, "n": 2}, "best_of"),
        ({"best_of": 2, "stream": True}, "best_of"),
        ({"stream_options": {}}, "stream_options"),
    ],
)
def test_what_is_wrong_is_refused(parameters: dict[str, Any], param: str) -> None:
    """Mixed prompts, values out of range and what does not go together are refused by name."""
    with pytest.raises(InvalidRequest) as caught:
        ask(**parameters)
    assert caught.value.param == param


def test_the_rest_is_read() -> None:
    """The other parameters are taken as documented."""
    found = ask(suffix="end", echo=True, best_of=3, n=2, max_tokens=0, logprobs=5, stop="\n", seed=7, user="u")
    assert (found.suffix, found.best_of, found.logprobs) == ("end", 3, 5)
