"""Users of the organization and of projects, and invites, as the Administration API shows them."""

from typing import Literal

import msgspec

from parley.schema.admin import Email, Listing, Strict, Text
from parley.schema.wire import Wire

OrganizationRole = Literal["owner", "reader"]
ProjectRole = Literal["owner", "member"]


class User(Wire, tag_field="object", tag="organization.user"):
    """Somebody of the organization."""

    id: str
    added_at: int
    email: str
    role: str
    name: str | None = None
    developer_persona: str | None = None
    technical_level: str | None = None


class UserListing(Listing):
    """Which users are wanted."""

    emails: list[str] = msgspec.field(default_factory=list)


class UserUpdate(Strict):
    """The body that changes a user; there are no roles but these two, so a `role_id` is refused."""

    role: OrganizationRole | None = None
    role_id: None = None
    developer_persona: Text | None = None
    technical_level: Text | None = None


class ProjectUser(Wire, tag_field="object", tag="organization.project.user"):
    """Somebody of a project."""

    id: str
    added_at: int
    email: str | None
    role: str
    name: str | None = None


class ProjectUserCreate(Strict):
    """The body that adds somebody to a project, by id or by address."""

    role: ProjectRole
    user_id: Text | None = None
    email: Email | None = None


class ProjectUserUpdate(Strict):
    """The body that changes somebody's role in a project."""

    role: ProjectRole | None = None


class Grant(Strict):
    """A project that an invite opens, and the role there."""

    id: Text
    role: Literal["member", "owner"]


class Invite(Wire, tag_field="object", tag="organization.invite"):
    """An invite to the organization."""

    id: str
    created_at: int
    email: str
    role: OrganizationRole
    status: Literal["accepted", "expired", "pending"]
    projects: list[Grant]
    expires_at: int
    accepted_at: int | None = None


class InviteCreate(Strict):
    """The body that invites somebody."""

    email: Email
    role: OrganizationRole
    projects: list[Grant] | None = None


USER_UPDATE = msgspec.json.Decoder(UserUpdate)
PROJECT_USER_CREATE = msgspec.json.Decoder(ProjectUserCreate)
PROJECT_USER_UPDATE = msgspec.json.Decoder(ProjectUserUpdate)
INVITE_CREATE = msgspec.json.Decoder(InviteCreate)
GRANTS = msgspec.json.Decoder(list[Grant])
