"""Keys and service accounts, as they are shown."""

from parley.flows.administration_keys import shown, shown_account, shown_admin, shown_new
from parley.store.accounts import Account
from parley.store.keyring import Key

SECOND = 1_000_000_000
KEY = Key("key_1", "till", "sk-parley-a…b", 5 * SECOND, 9 * SECOND, "svcacct_1", "desk", "member", 3 * SECOND)


def test_a_key_is_shown_with_its_owner() -> None:
    """Times are in seconds, the value is not there."""
    told = shown(KEY)
    assert (told.created_at, told.expires_at, told.redacted_value) == (5, 9, "sk-parley-a…b")
    assert told.owner.type == "service_account"
    assert told.owner.service_account is not None
    assert (told.owner.service_account.name, told.owner.service_account.created_at) == ("desk", 3)


def test_a_key_by_hand_is_nobodys() -> None:
    """It has neither a type of owner nor an end."""
    told = shown(Key("key_1", "", "sk", 0))
    assert (told.owner.type, told.owner.service_account, told.expires_at) == (None, None, None)


def test_a_new_key_has_its_value() -> None:
    """It is told this once."""
    assert (shown_new(KEY, "secret").value, shown_new(KEY, "secret").id) == ("secret", "key_1")


def test_an_admin_key_is_the_owners() -> None:
    """As OpenAI has it."""
    told = shown_admin(KEY)
    assert (told.owner.role, told.redacted_value, told.last_used_at) == ("owner", "sk-parley-a…b", None)


def test_an_account_is_shown() -> None:
    """With its role."""
    told = shown_account(Account("svcacct_1", SECOND, "proj_1", "desk", "none"))
    assert (told.id, told.created_at, told.name, told.role) == ("svcacct_1", 1, "desk", "none")
