"""Schemathesis on `/openapi.json`: whatever is sent, the server answers as its own document says.

Good and bad requests are made from the document. What is sent is as made, but for three things that keep the run short:
many calls name a model that exists, answers are short, and some paths name a completion that is stored.
Administration has a test of its own (`test_document_admin.py`).
"""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
import requests
import schemathesis
from asking import HELLO, MODEL
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from servers import Server

from parley.api.app import ROUTES
from parley.api.openapi import document

CHECKS: Any = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SHORT = 2  # tokens of an answer

api = schemathesis.openapi.from_dict(json.loads(document(ROUTES))).exclude(path_regex="^/v1/organization")


def test_document_is_served(parley: Server) -> None:
    """`/openapi.json` is the document that the requests below are made from."""
    assert httpx.get(f"{parley.url}/openapi.json").content == document(ROUTES)


@pytest.fixture
def session() -> Iterator[requests.Session]:
    """Open connections that are used again."""
    with requests.Session() as it:
        yield it


@pytest.fixture
def kept(client: openai.OpenAI) -> list[str]:
    """Store some completions and return their ids."""
    return [
        client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=SHORT, store=True).id for _ in range(4)
    ]


def tame(case: Any, kept: list[str]) -> None:
    """Make *case* short to answer, and have many cases get past the model's name or the completion's id."""
    body, path = case.body, case.path_parameters
    if isinstance(body, dict) and isinstance(body.get("model"), str):
        if len(body["model"]) % 3:
            body["model"] = MODEL
        for name in ("max_tokens", "max_completion_tokens"):
            if isinstance(body.get(name), int):
                body[name] = min(body[name], SHORT)
        if body.get("max_tokens") is None and body.get("max_completion_tokens") is None:
            body["max_tokens"] = SHORT
    if path and kept and len(str(path.get("completion_id", ""))) % 2:
        path["completion_id"] = kept.pop() if case.method == "DELETE" else kept[0]


@api.parametrize()
@settings(
    max_examples=20,
    phases=[Phase.explicit, Phase.generate],  # a failure is told as it is found: making it smaller takes minutes
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_answers_are_as_described(
    case: Any, session: requests.Session, parley: Server, key: str, kept: list[str]
) -> None:
    """No request makes the server fail, or answer with what its document does not describe."""
    tame(case, kept)
    case.call_and_validate(
        base_url=parley.url, session=session, headers={"Authorization": f"Bearer {key}"}, checks=CHECKS, timeout=60
    )
