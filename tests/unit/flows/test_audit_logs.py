"""What the API asks in seconds and ids, the store hears in nanoseconds and numbers."""

import pytest

from parley.errors import Forbidden
from parley.flows.audit_logs import SECOND, listing, wants
from parley.schema.audit_logs import AuditListing, EffectiveAt
from parley.settings import Settings
from parley.testing import FakeLedger, RecordingReply, a_call, a_house


@pytest.mark.parametrize(
    ("asked", "since", "until"),
    [
        (EffectiveAt(), None, None),
        (EffectiveAt(gte=5, lt=9), 5, 9),
        (EffectiveAt(gt=5, lte=9), 6, 10),
        (EffectiveAt(gt=5, gte=7, lt=9, lte=7), 7, 8),
        (EffectiveAt(gte=0, lt=0), 0, 0),
    ],
)
def test_seconds_are_whole(asked: EffectiveAt, since: int | None, until: int | None) -> None:
    """A row counts as of the second that it shows."""
    wanted = wants(AuditListing(effective_at=asked))
    assert (wanted.since, wanted.until) == tuple(None if at is None else at * SECOND for at in (since, until))


def test_places_and_filters_are_passed_on() -> None:
    """Under the store's names."""
    wanted = wants(AuditListing(after="audit_log-4", event_types=["a"], actor_ids=["b"], resource_ids=["c"]))
    assert (wanted.after, wanted.kinds, wanted.actors, wanted.subjects) == (4, ("a",), ("b",), ("c",))


async def test_a_project_key_sees_nothing() -> None:
    """It is Forbidden: admin keys only."""
    house = a_house({}, Settings(), ledger=FakeLedger())
    with pytest.raises(Forbidden):
        await listing(a_call({}), RecordingReply(), house, AuditListing())
