"""People, as they are shown."""

import pytest

from parley.flows.administration_people import shown_invite, shown_user
from parley.store.people import Invite, Person

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("accepted", "now", "status"), [(None, 4, "pending"), (None, 5, "expired"), (3, 4, "accepted"), (3, 9, "accepted")]
)
def test_an_invite_knows_its_status(accepted: int | None, now: int, status: str) -> None:
    """Open until it ends; what was accepted stays so."""
    granted = b'[{"id":"proj_1","role":"member"}]'
    invite = Invite("invite-1", 0, "a@b", "reader", granted, 5 * SECOND, accepted and accepted * SECOND)
    told = shown_invite(invite, now * SECOND)
    assert (told.status, told.accepted_at, told.expires_at) == (status, accepted, 5)
    assert [(grant.id, grant.role) for grant in told.projects] == [("proj_1", "member")]


def test_a_user_is_shown() -> None:
    """With what is noted of it."""
    told = shown_user(Person("user-1", 7 * SECOND, "a@b", "owner", technical_level="high"))
    assert (told.added_at, told.email, told.technical_level, told.developer_persona) == (7, "a@b", "high", None)
