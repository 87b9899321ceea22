"""People: users of the organization, users of projects, invites."""

import msgspec

from parley.errors import InvalidRequest
from parley.flows.administration import Errand, deleted, window
from parley.schema import admin_people as wire
from parley.schema.admin import Deleted, Listing, Page, page_of, seconds, seconds_or_none
from parley.store.people import Invite, Member, Person


def shown_user(person: Person) -> wire.User:
    """Return *person* as the wire shows one of the organization."""
    return wire.User(
        id=person.id,
        added_at=seconds(person.created_at),
        email=person.email,
        role=person.role,
        developer_persona=person.developer_persona,
        technical_level=person.technical_level,
    )


def shown_invite(invite: Invite, now: int) -> wire.Invite:
    """Return *invite* as the wire shows it at *now*."""
    waiting = "pending" if invite.expires_at > now else "expired"
    return wire.Invite(
        id=invite.id,
        created_at=seconds(invite.created_at),
        email=invite.email,
        role=invite.role,  # type: ignore[arg-type]
        status="accepted" if invite.accepted_at is not None else waiting,  # type: ignore[arg-type]
        projects=wire.GRANTS.decode(invite.projects),
        expires_at=seconds(invite.expires_at),
        accepted_at=seconds_or_none(invite.accepted_at),
    )


async def _shown_members(errand: Errand, found: list[Member]) -> list[wire.ProjectUser]:
    """Return the members *found* as the wire shows them, with their addresses."""
    people = await errand.books.people.named([member.id for member in found])
    return [
        wire.ProjectUser(one.id, seconds(one.created_at), people[one.id].email if one.id in people else None, one.role)
        for one in found
    ]


async def list_users(errand: Errand) -> Page[wire.User]:
    """Return a page of the organization's users. Raises InvalidRequest."""
    wanted = errand.listing(wire.UserListing)
    found, more = await errand.books.people.with_emails(window(wanted), wanted.emails)
    return page_of([shown_user(person) for person in found], more=more)


async def retrieve_user(errand: Errand) -> wire.User:
    """Return a user. Raises NotFound."""
    return shown_user(await errand.books.people.get(errand.params["user_id"]))


async def update_user(errand: Errand) -> wire.User:
    """Change a user's role, or what is noted of it. Raises InvalidRequest, NotFound."""
    asked = msgspec.structs.asdict(errand.body(wire.USER_UPDATE))
    change = {name: value for name, value in asked.items() if value is not None}
    return shown_user(await errand.books.people.change(errand.params["user_id"], change))


async def delete_user(errand: Errand) -> Deleted:
    """Forget a user, in every project too. Raises NotFound."""
    await errand.books.people.leave(errand.params["user_id"])
    return deleted(errand.params["user_id"], "organization.user")


async def create_member(errand: Errand) -> wire.ProjectUser:
    """Add a user to a project, by id or address. Raises InvalidRequest, NotFound, Conflict."""
    ask = errand.body(wire.PROJECT_USER_CREATE)
    if bool(ask.user_id) == bool(ask.email):
        raise InvalidRequest("Name the user either by 'user_id' or by 'email'.", param="user_id", code="invalid_value")
    project = await errand.books.projects.open(errand.project)
    made = await errand.books.members.join(project.id, ask.role, person=ask.user_id or "", email=ask.email or "")
    return (await _shown_members(errand, [made]))[0]


async def list_members(errand: Errand) -> Page[wire.ProjectUser]:
    """Return a page of a project's users. Raises InvalidRequest, NotFound."""
    wanted = errand.listing(Listing)
    project = await errand.books.projects.get(errand.project)
    found, more = await errand.books.members.page(window(wanted), project=project.id)
    return page_of(await _shown_members(errand, found), more=more)


async def retrieve_member(errand: Errand) -> wire.ProjectUser:
    """Return a user of a project. Raises NotFound."""
    found = await errand.books.members.get(errand.params["user_id"], project=errand.project)
    return (await _shown_members(errand, [found]))[0]


async def update_member(errand: Errand) -> wire.ProjectUser:
    """Change a user's role in a project. Raises InvalidRequest, NotFound."""
    ask = errand.body(wire.PROJECT_USER_UPDATE)
    project = await errand.books.projects.open(errand.project)
    change = {} if ask.role is None else {"role": ask.role}
    found = await errand.books.members.change(errand.params["user_id"], change, project=project.id)
    return (await _shown_members(errand, [found]))[0]


async def delete_member(errand: Errand) -> Deleted:
    """Take a user out of a project. Raises NotFound."""
    await errand.books.members.delete(errand.params["user_id"], project=errand.project)
    return deleted(errand.params["user_id"], "organization.project.user")


async def create_invite(errand: Errand) -> wire.Invite:
    """Invite somebody. Raises InvalidRequest, NotFound for a project that is not there, Conflict."""
    ask = errand.body(wire.INVITE_CREATE)
    granted = ask.projects or []
    for grant in granted:
        await errand.books.projects.open(grant.id)
    made = await errand.books.invites.create(ask.email, ask.role, msgspec.json.encode(granted))
    return shown_invite(made, errand.call.at)


async def list_invites(errand: Errand) -> Page[wire.Invite]:
    """Return a page of the invites. Raises InvalidRequest."""
    found, more = await errand.books.invites.page(window(errand.listing(Listing)))
    return page_of([shown_invite(invite, errand.call.at) for invite in found], more=more)


async def retrieve_invite(errand: Errand) -> wire.Invite:
    """Return an invite. Raises NotFound."""
    return shown_invite(await errand.books.invites.get(errand.params["invite_id"]), errand.call.at)


async def delete_invite(errand: Errand) -> Deleted:
    """Take an invite back. Raises NotFound."""
    await errand.books.invites.delete(errand.params["invite_id"])
    return deleted(errand.params["invite_id"], "organization.invite")
