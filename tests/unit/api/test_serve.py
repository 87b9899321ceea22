"""The route table: method and path lead to an endpoint, or to an error that helps."""

import pytest

from parley.api.app import ROUTES
from parley.api.request import Request
from parley.api.serve import Table
from parley.errors import NotAllowed, NotFound

TABLE = Table(ROUTES)


def find(method: str, path: str) -> tuple[str, dict[str, str]]:
    """Return the operation of a request, and its params."""
    request = Request(method, path, "", {})
    return TABLE.find(request).operation, request.params


@pytest.mark.parametrize(
    ("method", "path", "operation", "params"),
    [
        ("POST", "/v1/chat/completions", "chat.completions", {}),
        ("GET", "/v1/chat/completions", "chat.completions.list", {}),
        ("GET", "/v1/chat/completions/c-1", "chat.completions.retrieve", {"completion_id": "c-1"}),
        ("GET", "/v1/chat/completions/c-1/messages", "chat.completions.messages", {"completion_id": "c-1"}),
        ("DELETE", "/v1/chat/completions/c%2F1", "chat.completions.delete", {"completion_id": "c/1"}),
        ("POST", "/v1/engines/gpt-4/chat/completions", "engines.chat.completions", {"model": "gpt-4"}),
        ("POST", "/v1/engines/acme%2Fada/embeddings", "engines.embeddings", {"model": "acme/ada"}),
        ("GET", "/v1/models/gpt-4", "models.retrieve", {"model": "gpt-4"}),
        ("GET", "/v1/models/acme/model-1", "models.retrieve", {"model": "acme/model-1"}),
        ("HEAD", "/healthz", "health", {}),
    ],
)
def test_a_request_finds_its_route(method: str, path: str, operation: str, params: dict[str, str]) -> None:
    """A model's name may have slashes; params are unquoted; HEAD goes where GET goes."""
    assert find(method, path) == (operation, params)


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/models/", "/v1/chat/completions/", "/v1/chat/completions/a/b", "x"])
def test_an_unknown_path_is_told(path: str) -> None:
    """As OpenAI tells it."""
    with pytest.raises(NotFound, match=r"Invalid URL \(GET "):
        find("GET", path)


def test_a_path_without_v1_is_told_the_right_one() -> None:
    """The most frequent mistake."""
    with pytest.raises(NotFound, match="Did you mean /v1/embeddings"):
        find("POST", "/embeddings")


@pytest.mark.parametrize(
    ("path", "meant"),
    [("/v1/v1/models", "/v1/models"), ("/v1/embeddings/", "/v1/embeddings"), ("/v1/healthz", "/healthz")],
)
def test_a_path_that_is_like_another_is_asked_about(path: str, meant: str) -> None:
    """A base URL that was joined wrongly."""
    with pytest.raises(NotFound, match=rf"Did you mean {meant}\?$"):
        find("POST", path)


def test_an_endpoint_of_administration_is_told_which_are() -> None:
    """Those of administration only."""
    with pytest.raises(NotFound, match=r"these are: /v1/organization/projects, ") as raised:
        Table(ROUTES).find(Request("GET", "/v1/organization/certificates", "", {}))
    assert "/v1/models" not in raised.value.message


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/images/generations", "/v1/engines"])
def test_an_endpoint_that_is_not_served_is_told_which_are(path: str) -> None:
    """Those of the API, without the paths of single objects."""
    served = "/v1/chat/completions, /v1/completions, /v1/embeddings, /v1/models"
    with pytest.raises(NotFound, match=rf"This endpoint is not served here; these are: {served}\.$"):
        find("POST", path)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("PUT", "/v1/chat/completions", "GET, POST"), ("POST", "/v1/models/x", "GET"), ("get", "/healthz", "GET")],
)
def test_a_wrong_method_is_told_the_right_ones(method: str, path: str, allowed: str) -> None:
    """In the words and for the Allow header; methods have no other case."""
    with pytest.raises(NotAllowed):
        find(method, path)
    assert TABLE.allowed(path) == allowed
