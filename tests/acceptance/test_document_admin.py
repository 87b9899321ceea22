"""Schemathesis on the Administration API: whatever an administrator sends, the answer is as the document says.

Many requests name objects that exist; ours are the projects, so that the administrator's own key outlives the test.
"""

import json
import secrets
from collections.abc import Iterator
from typing import Any

import openai
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from servers import Server, serving

from parley.api.admin.table import ROUTES
from parley.api.openapi import document

CHECKS: Any = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
api = schemathesis.openapi.from_dict(json.loads(document(ROUTES)))


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start a server without an engine."""
    with serving(tmp_path_factory.mktemp("office"), "[engine]\nenabled = false\n") as server:
        yield server


@pytest.fixture(scope="module")
def admin_key(office: Server) -> str:
    """Make an admin key."""
    return office.key("--admin")


@pytest.fixture
def named(office: Server, admin_key: str) -> Iterator[dict[str, str]]:
    """Make one of each object, and return their ids by the names that paths have for them."""
    with openai.OpenAI(base_url=office.base_url, api_key="none", admin_api_key=admin_key) as client:
        admin = client.admin.organization
        project = admin.projects.create(name=secrets.token_hex(16)).id
        account = admin.projects.service_accounts.create(project, name="till").id
        key = admin.projects.api_keys.list(project).data[0].id
        user = admin.projects.users.create(project, role="member", email=f"{project}@example.org").id
        yield {
            "project_id": project,
            "service_account_id": account,
            "api_key_id": key,
            "user_id": user,
            "rate_limit_id": "rl-*",
        }


@api.parametrize()
@settings(
    max_examples=15,
    phases=[Phase.explicit, Phase.generate],
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_answers_are_as_described(case: Any, office: Server, admin_key: str, named: dict[str, str]) -> None:
    """No request makes the server fail, or answer with what its document does not describe."""
    for name in case.path_parameters or {}:
        if name in named and len(str(case.path_parameters[name])) % 3:
            case.path_parameters[name] = named[name]
    with requests.Session() as session:
        case.call_and_validate(
            base_url=office.url, session=session, headers={"Authorization": f"Bearer {admin_key}"}, checks=CHECKS
        )
