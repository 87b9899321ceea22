"""Project keys, service accounts and admin keys, as the Administration API shows them."""

from typing import Literal

import msgspec

from parley.schema.admin import Lifetime, Listing, OrderedListing, Strict, Title
from parley.schema.wire import Wire


class AccountOwner(Wire):
    """The service account a key is for."""

    id: str
    created_at: int
    name: str
    role: str


class KeyOwner(Wire):
    """Whom a key is for; nobody, where it was made on the command line."""

    type: Literal["service_account"] | None = None
    service_account: AccountOwner | None = None
    user: None = None


class ProjectKey(Wire, tag_field="object", tag="organization.project.api_key"):
    """A project's API key; its value is told only when it is made."""

    id: str
    created_at: int
    name: str
    owner: KeyOwner
    redacted_value: str
    last_used_at: int | None = None
    expires_at: int | None = None
    owner_project_access: Literal["active", "inactive"] = "active"


class ProjectKeyListing(Listing):
    """Which keys are wanted; a key of ours always has an owner with access, so `inactive` are none."""

    owner_project_access: Literal["active", "inactive", "any"] = "any"


class ProjectKeyUpdate(Strict):
    """The body that changes a key: how long it lives from now on; scopes there are none."""

    expires_in_seconds: Lifetime | None = None


class AccountKey(Wire, tag_field="object", tag="organization.project.service_account.api_key"):
    """A key just made for a service account: `value` is what clients send, and it is told only here."""

    id: str
    created_at: int
    name: str
    value: str
    expires_at: int | None = None


class Account(Wire, tag_field="object", tag="organization.project.service_account"):
    """A service account."""

    id: str
    created_at: int
    name: str
    role: Literal["owner", "member", "none"]


class NewAccount(Wire, tag_field="object", tag="organization.project.service_account"):
    """A service account just made, with its first key."""

    id: str
    created_at: int
    name: str
    role: Literal["owner", "member", "none"]
    api_key: AccountKey | None = None


class AccountCreate(Strict):
    """The body that makes a service account."""

    name: Title
    create_service_account_only: bool | None = None
    expires_in_seconds: Lifetime | None = None


class AccountUpdate(Strict):
    """The body that changes a service account."""

    name: Title | None = None
    role: Literal["member", "owner"] | None = None


class AccountKeyCreate(Strict):
    """The body that makes another key; there are no scopes here yet, so only none may be named."""

    name: Title = "Secret Key"
    expires_in_seconds: Lifetime | None = None


class AdminOwner(Wire):
    """Whom an admin key is for: the organization's owner."""

    id: str = "organization"
    object: str = "organization.user"
    type: str = "user"
    name: str = "owner"
    role: str = "owner"


class AdminKey(Wire, tag_field="object", tag="organization.admin_api_key"):
    """An admin key."""

    id: str
    created_at: int
    name: str
    redacted_value: str
    owner: AdminOwner
    expires_at: int | None = None
    last_used_at: int | None = None


class NewAdminKey(Wire, tag_field="object", tag="organization.admin_api_key"):
    """An admin key just made: `value` is told only here."""

    id: str
    created_at: int
    name: str
    redacted_value: str
    owner: AdminOwner
    value: str
    expires_at: int | None = None
    last_used_at: int | None = None


class AdminKeyListing(OrderedListing):
    """Which admin keys are wanted."""


class AdminKeyCreate(Strict):
    """The body that makes an admin key."""

    name: Title
    expires_in_seconds: Lifetime | None = None


KEY_UPDATE = msgspec.json.Decoder(ProjectKeyUpdate)
ACCOUNT_CREATE = msgspec.json.Decoder(AccountCreate)
ACCOUNT_UPDATE = msgspec.json.Decoder(AccountUpdate)
ACCOUNT_KEY_CREATE = msgspec.json.Decoder(AccountKeyCreate)
ADMIN_KEY_CREATE = msgspec.json.Decoder(AdminKeyCreate)
