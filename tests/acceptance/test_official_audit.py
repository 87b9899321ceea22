"""The newest official client for Python, with an admin key: the audit log; and the commands that prove and prune it."""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import openai
import pytest
from servers import Server, serving

SETTINGS = """
[engine]
enabled = false
"""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start a server without a model, in which something was administrated."""
    with serving(tmp_path_factory.mktemp("office"), SETTINGS) as server:
        server.run("limit", "set", "--requests-per-minute", "600")
        server.run("budget", "set", "--project", project_of(server), "--day", "5", "--fit")
        server.run("key", "revoke", server.key("--project", "shop"))
        yield server


@pytest.fixture(scope="module")
def boss(office: Server) -> openai.OpenAI:
    """Return a client with an admin key."""
    key = office.key("--admin", "--name", "boss")
    return openai.OpenAI(api_key="unused", admin_api_key=key, base_url=office.base_url, max_retries=0)


def project_of(server: Server) -> str:
    """Make a project and return its name."""
    server.key("--project", "shop", "--name", "till")
    return "shop"


def test_what_was_done_is_listed(boss: openai.OpenAI) -> None:
    """The newest first, with the details where OpenAI has them."""
    logs = boss.admin.organization.audit_logs.list().data
    assert [log.type for log in logs] == [
        "api_key.created",
        "project.created",
        "api_key.deleted",
        "api_key.created",
        "project.updated",
        "spend_limit.updated",
        "api_key.created",
        "project.created",
        "rate_limit.updated",
    ]
    assert logs[2].api_key_deleted is not None
    assert logs[3].api_key_created is not None
    assert logs[2].api_key_deleted.id == logs[3].api_key_created.id
    assert logs[-1].rate_limit_updated is not None
    assert logs[-1].rate_limit_updated.changes_requested is not None
    assert logs[-1].rate_limit_updated.changes_requested.max_requests_per_1_minute == 600
    assert (logs[2].project and logs[2].project.name, logs[-1].project) == ("shop", None)


def test_pages_and_filters(boss: openai.OpenAI) -> None:
    """A page leads to the next one, and the filters hold together."""
    asked = boss.admin.organization.audit_logs
    every = list(asked.list(limit=2))
    assert [log.id for log in every] == [log.id for log in asked.list(limit=100).data]
    keys = asked.list(event_types=["api_key.created", "api_key.deleted"]).data
    assert len(keys) == 4
    shop = keys[1].project
    assert shop is not None
    assert shop.id is not None
    assert len(asked.list(project_ids=[shop.id], event_types=["api_key.created"]).data) == 2
    assert asked.list(effective_at={"gt": every[0].effective_at}).data == []
    assert len(asked.list(effective_at={"lte": every[0].effective_at, "gte": 0}).data) == len(every)
    assert [log.id for log in asked.list(before=every[3].id, limit=2).data] == [log.id for log in every[1:3]]
    assert asked.list(actor_ids=["key_nobody"]).data == []
    assert asked.list(event_types=["login.failed", "tunnel.created"]).data == []
    assert len(asked.list(event_types=[log.type for log in every]).data) == len(every)
    assert every[0].actor is not None
    assert every[0].actor.session is not None


def test_bad_questions_are_refused(boss: openai.OpenAI, office: Server) -> None:
    """The parameter is named; a project key is not let in."""
    asked = boss.admin.organization.audit_logs
    with pytest.raises(openai.BadRequestError) as caught:
        asked.list(after="chatcmpl-1")
    assert caught.value.param == "after"
    with pytest.raises(openai.BadRequestError) as caught:
        asked.list(extra_query={"color": "red"})
    assert caught.value.param == "color"
    with pytest.raises(openai.BadRequestError, match="Unknown event type: 'nonsense'") as caught:
        asked.list(event_types=["user.added", "nonsense"])  # type: ignore[list-item]
    assert caught.value.param == "event_types[]"
    assert asked.list(resource_ids=["\0", "a' OR 1=1"]).data == []
    stranger = boss.with_options(admin_api_key=office.key("--project", "last"))
    with pytest.raises(openai.PermissionDeniedError):
        stranger.admin.organization.audit_logs.list()


def test_it_is_proven_exported_and_pruned(tmp_path: Path, office: Server) -> None:
    """The commands beside a running server; what was tampered with ends with status 1."""
    head = office.run("audit", "verify").splitlines()[-1]
    office.run("audit", "export", str(tmp_path / "log"), "--from", "2020-01-01")
    rows = [json.loads(line) for line in (tmp_path / "log").read_text("utf-8").splitlines()]
    with pytest.raises(AssertionError, match="--force"):
        office.run("audit", "export", str(tmp_path / "log"))
    office.run("audit", "export", str(tmp_path / "log"), "--force")
    assert len((tmp_path / "log").read_text("utf-8").splitlines()) == len(rows)
    assert head == f"head {rows[-1]['seq']}:{rows[-1]['hash']}"
    assert office.run("audit", "prune", "--before", "2020-01-01") == "deleted 0 rows"
    assert "0 faults found" in office.run("audit", "verify", "--expect", head.removeprefix("head "))
    with closing(sqlite3.connect(office.data / "parley.db")) as book:
        book.execute("UPDATE audit SET actor = 'nobody' WHERE seq = 1")
        book.commit()
    with pytest.raises(AssertionError):
        office.run("audit", "verify")
    time.sleep(1.1)
    now = datetime.now(UTC).isoformat()
    for refused in (["--before", now], ["--before", "2999-01-01", "--faulty"]):
        with pytest.raises(AssertionError):
            office.run("audit", "prune", *refused)
    assert office.run("audit", "prune", "--before", now, "--calls", "--faulty") == f"deleted {len(rows)} rows"
    assert "0 faults found" in office.run("audit", "verify")


def test_what_the_api_changes_is_noted(boss: openai.OpenAI) -> None:
    """Each change of administration is told, under the id of the key that made it; what failed is not."""
    admin = boss.admin.organization
    shop = admin.projects.create(name="noted")
    account = admin.projects.service_accounts.create(shop.id, name="robot")
    user = admin.projects.users.create(shop.id, email="ann@example.org", role="member")
    admin.users.delete(user.id)
    invite = admin.invites.create(email="bob@example.org", role="reader")
    admin.invites.delete(invite.id)
    admin.projects.service_accounts.delete(account.id, project_id=shop.id)
    admin.projects.archive(shop.id)
    with pytest.raises(openai.NotFoundError):
        admin.users.delete(user.id)
    logs = admin.audit_logs.list(limit=10).data
    assert [log.type for log in reversed(logs)] == [
        "project.created",
        "service_account.created",
        "api_key.created",
        "user.added",
        "user.deleted",
        "invite.sent",
        "invite.deleted",
        "api_key.deleted",
        "service_account.deleted",
        "project.archived",
    ]
    actors = {log.actor and log.actor.api_key and log.actor.api_key.id for log in logs}
    assert len(actors) == 1
    assert next(iter(actors))
    assert logs[-1].project
    assert logs[-1].project.id == shop.id
