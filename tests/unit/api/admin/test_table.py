"""The table of the Administration API."""

import json
from functools import reduce

import openai
import pytest
from openapi_spec_validator import validate

from parley.api.admin.table import ROUTES
from parley.api.openapi import document

BARE = {"list_rate_limits": "list", "update_rate_limit": "update"}
SERVED = (
    "projects",
    "projects.api_keys",
    "projects.service_accounts",
    "projects.service_accounts.api_keys",
    "projects.users",
    "projects.rate_limits",
    "projects.spend_limit",
    "projects.spend_alerts",
    "users",
    "invites",
    "admin_api_keys",
    "spend_limit",
    "spend_alerts",
)


@pytest.mark.parametrize("resource", SERVED)
def test_every_method_of_the_official_client_is_served(resource: str) -> None:
    """Each of what the client can do has a route of its name."""
    client = openai.OpenAI(api_key="none", admin_api_key="none")
    kind = type(reduce(getattr, resource.split("."), client.admin.organization))
    asked = {name for name, it in vars(kind).items() if name[0] != "_" and callable(it)}
    known = {route.operation.removeprefix("admin.organization.") for route in ROUTES}
    assert {f"{resource}.{BARE.get(name, name)}" for name in asked} <= known


def test_the_document_is_valid() -> None:
    """What it says of these routes is OpenAPI 3.1 to the letter."""
    validate(json.loads(document(ROUTES)))


def test_operations_have_one_name_each() -> None:
    """No two share a name, or a method and a path."""
    assert len({route.operation for route in ROUTES}) == len(ROUTES)
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)


def test_every_route_may_refuse_a_key() -> None:
    """All of them take a key, and say what a project's key gets."""
    assert all(route.secured and {401, 403} <= set(route.statuses) for route in ROUTES)
