"""Who may administrate."""

import pytest

from parley.errors import Forbidden, InvalidRequest, TooLarge, Unauthenticated
from parley.flows.administration import Errand, deleted, enter, window
from parley.schema.admin import Deleted
from parley.schema.admin_limits import AlertListing, RateLimitListing
from parley.schema.admin_projects import CREATE, ProjectListing
from parley.settings import Settings
from parley.store.pages import Window
from parley.testing import SECRET, FakeLedger, RecordingReply, a_call, a_house


def errand(body: object, secret: str = SECRET + "-admin") -> Errand:
    """Return an errand with *body*, of who has this *secret*."""
    call = a_call(body, secret=secret, operation="admin.organization.projects.create")
    return Errand(a_house({}, Settings(), ledger=FakeLedger()), call, {"project_id": "proj_1"}, "limit=3")


async def test_an_admin_key_enters() -> None:
    """And is known to the reply."""
    reply = RecordingReply()
    await enter(errand({}), reply)
    assert reply.authenticated


@pytest.mark.parametrize(("secret", "error"), [(SECRET, Forbidden), ("sk-wrong", Unauthenticated)])
async def test_others_do_not(secret: str, error: type[Exception]) -> None:
    """A project's key is known, and sent away all the same."""
    reply = RecordingReply()
    with pytest.raises(error):
        await enter(errand({}, secret), reply)
    assert reply.authenticated == (error is Forbidden)


async def test_what_could_not_be_read_is_told_to_administrators_only() -> None:
    """Who calls is asked first."""
    for secret, error in ((SECRET, Forbidden), (SECRET + "-admin", TooLarge)):
        asked = errand({}, secret)
        asked.call.refusal = TooLarge()
        with pytest.raises(error):
            await enter(asked, RecordingReply())


def test_an_errand_is_read() -> None:
    """Its body, its query, its path."""
    asked = errand({"name": "shop"})
    assert asked.body(CREATE).name == "shop"
    assert asked.listing(ProjectListing).limit == 3
    assert asked.project == "proj_1"
    with pytest.raises(InvalidRequest):
        errand({}).body(CREATE)


def test_a_window_has_what_its_list_knows() -> None:
    """Filters are no part of it."""
    assert window(ProjectListing("a", 5, include_archived=True)) == Window("a", "", 5)
    assert window(AlertListing("", 5, "desc", "b")) == Window("", "b", 5, "desc")
    assert window(RateLimitListing()) == Window(limit=100)


def test_what_is_deleted_says_so() -> None:
    """By the name of its kind."""
    assert deleted("key_1", "organization.admin_api_key") == Deleted("key_1", "organization.admin_api_key.deleted")
