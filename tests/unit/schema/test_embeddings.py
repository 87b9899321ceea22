"""Embedding requests: all forms of input, and their limits."""

import json
from typing import Any

import pytest
from openai.types import EmbeddingCreateParams

from parley.errors import InvalidRequest
from parley.schema import embeddings
from parley.schema.reading import read


def ask(**parameters: Any) -> embeddings.EmbeddingRequest:
    """Return the request with *parameters*, read and checked."""
    found = read(json.dumps({"model": "m", "input": "x"} | parameters).encode(), embeddings.DECODER)
    embeddings.check(found)
    return found


def test_every_documented_parameter_is_known() -> None:
    """The parameters are exactly those that the official client documents."""
    assert set(EmbeddingCreateParams.__annotations__) == embeddings.KNOWN


@pytest.mark.parametrize("texts", ["x", ["x"] * 2048, [1, 2], [[1], [2, 3]]])
def test_every_form_of_input_is_read(texts: Any) -> None:
    """The input is a string, strings, tokens or lists of tokens."""
    assert ask(input=texts, encoding_format="base64", dimensions=1).input == texts


@pytest.mark.parametrize(
    ("parameters", "param", "code"),
    [
        ({"input": None}, "input", "invalid_type"),
        ({"input": ""}, "input", "empty_string"),
        ({"input": []}, "input", "empty_array"),
        ({"input": ["x", ""]}, "input[1]", "empty_string"),
        ({"input": ["x", [1]]}, "input[1]", "invalid_type"),
        ({"input": [[]]}, "input[0]", "empty_array"),
        ({"input": ["x"] * 2049}, "input", "array_above_max_length"),
        ({"dimensions": 0}, "dimensions", "integer_below_min_value"),
        ({"encoding_format": "hex"}, "encoding_format", "invalid_value"),
    ],
)
def test_what_is_wrong_is_refused(parameters: dict[str, Any], param: str, code: str) -> None:
    """Empty, mixed, too many and wrong inputs are refused by their path."""
    with pytest.raises(InvalidRequest) as caught:
        ask(**parameters)
    assert (caught.value.param, caught.value.error_code) == (param, code)
