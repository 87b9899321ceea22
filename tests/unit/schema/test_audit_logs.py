"""What may be asked of the audit log, and how it is shown."""

import msgspec
import pytest

from parley.errors import InvalidRequest
from parley.schema.audit_logs import Actor, AuditListing, AuditLog, EffectiveAt, actor, audit_log, place
from parley.schema.audit_logs import read_audit_listing as read


def test_lists_and_ranges_are_read() -> None:
    """As the official client writes them, and with bare names."""
    query = "limit=5&event_types[]=user.added&event_types[]=login.failed&project_ids=p"
    assert read(query + "&effective_at[gte]=7&effective_at%5Blt%5D=9") == AuditListing(
        limit=5, event_types=["user.added", "login.failed"], project_ids=["p"], effective_at=EffectiveAt(gte=7, lt=9)
    )
    assert read("") == AuditListing()


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("color=red", "color"),
        ("effective_at[near]=7", "effective_at[near]"),
        ("effective_at[gt]=-1", "effective_at.gt"),
        ("effective_at[gt]=99999999999999", "effective_at.gt"),
        ("tenant_only=perhaps", "tenant_only"),
        ("&".join(["actor_ids[]=a"] * 101), "actor_ids"),
        ("event_types[]=user.added&event_types[]=nonsense", "event_types[]"),
        ("event_types=calls", "event_types"),
    ],
)
def test_what_is_wrong_is_named(query: str, param: str) -> None:
    """400, with the parameter."""
    with pytest.raises(InvalidRequest) as caught:
        read(query)
    assert caught.value.param == param


@pytest.mark.parametrize("cursor", ["", "5", "chatcmpl-5", "audit_log-", "audit_log-x", "audit_log-" + "9" * 19])
def test_the_cursor_of_another_list_is_refused(cursor: str) -> None:
    """And the parameter named."""
    with pytest.raises(InvalidRequest) as caught:
        place("after", cursor)
    assert caught.value.param == "after"


def test_a_cursor_is_a_place() -> None:
    """The number of a row; none is none."""
    assert (place("after", "audit_log-12"), place("before", None)) == (12, None)


def test_the_details_stand_under_the_type() -> None:
    """As OpenAI has them; without a project there is no member for it."""
    shown = AuditLog("audit_log-1", 7, "project.created", actor("key_1"))
    assert msgspec.json.decode(msgspec.json.encode(audit_log(shown, b'{"id":"proj_1"}'))) == {
        "id": "audit_log-1",
        "effective_at": 7,
        "type": "project.created",
        "actor": {"type": "api_key", "api_key": {"id": "key_1", "type": "user"}},
        "project.created": {"id": "proj_1"},
    }


def test_a_person_at_the_command_line_is_a_session() -> None:
    """Of the user with that name."""
    found: Actor = actor("cli:ann")
    assert msgspec.to_builtins(found) == {"type": "session", "session": {"user": {"id": "cli:ann"}}}
