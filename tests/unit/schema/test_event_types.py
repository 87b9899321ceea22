"""The types of events that may be asked for."""

from typing import get_args, get_type_hints

from openai.types.admin.organization import audit_log_list_params, audit_log_list_response

from parley.schema.event_types import EVENT_TYPES, OPENAI, OURS
from parley.store.chain import CALLS, PRUNED


def test_openais_are_those_of_its_client() -> None:
    """What it may ask for, it may ask for here."""
    (asked,) = get_args(get_type_hints(audit_log_list_params.AuditLogListParams)["event_types"])
    assert set(get_args(asked)) == OPENAI


def test_what_openai_may_tell_may_be_asked_for() -> None:
    """Its answers have no type that its questions lack."""
    told = get_args(audit_log_list_response.AuditLogListResponse.model_fields["type"].annotation)
    assert told
    assert set(told) <= EVENT_TYPES


def test_ours_are_others() -> None:
    """Each stands once; calls are no event of administration."""
    assert OPENAI.isdisjoint(OURS)
    assert PRUNED in OURS
    assert CALLS not in EVENT_TYPES
