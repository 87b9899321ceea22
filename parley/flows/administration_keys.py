"""Keys: those of a project, its service accounts with theirs, and the admin keys."""

from parley.errors import InvalidRequest
from parley.flows.administration import Errand, deleted, window
from parley.schema import admin_keys as wire
from parley.schema.admin import Deleted, Listing, Page, page_of, seconds, seconds_or_none, until
from parley.store.accounts import Account
from parley.store.keyring import Key


def shown(key: Key) -> wire.ProjectKey:
    """Return a project's *key* as the wire shows it."""
    owner = wire.KeyOwner()
    if key.owner is not None:
        made, name, role = key.owner_created_at or 0, key.owner_name or "", key.owner_role or "none"
        owner = wire.KeyOwner("service_account", wire.AccountOwner(key.owner, seconds(made), name, role))
    return wire.ProjectKey(
        id=key.id,
        created_at=seconds(key.created_at),
        name=key.name,
        owner=owner,
        redacted_value=key.prefix,
        expires_at=seconds_or_none(key.expires_at),
        last_used_at=seconds_or_none(key.last_used_at),
    )


def shown_new(key: Key, secret: str) -> wire.AccountKey:
    """Return a *key* just made, with its *secret*."""
    return wire.AccountKey(key.id, seconds(key.created_at), key.name, secret, seconds_or_none(key.expires_at))


def shown_account(account: Account) -> wire.Account:
    """Return *account* as the wire shows it."""
    return wire.Account(account.id, seconds(account.created_at), account.name, account.role)  # type: ignore[arg-type]


def shown_admin(key: Key) -> wire.AdminKey:
    """Return an admin *key* as the wire shows it."""
    ends, used = seconds_or_none(key.expires_at), seconds_or_none(key.last_used_at)
    return wire.AdminKey(key.id, seconds(key.created_at), key.name, key.prefix, wire.AdminOwner(), ends, used)


async def list_keys(errand: Errand) -> Page[wire.ProjectKey]:
    """Return a page of a project's keys. Raises NotFound, InvalidRequest."""
    wanted = errand.listing(wire.ProjectKeyListing)
    project = await errand.books.projects.get(errand.project)
    found, more = await errand.books.keyring.page(project.id, window(wanted))
    if wanted.owner_project_access == "inactive":
        found, more = [], False
    return page_of([shown(key) for key in found], more=more)


async def retrieve_key(errand: Errand) -> wire.ProjectKey:
    """Return one of a project's keys. Raises NotFound."""
    return shown(await errand.books.keyring.get(errand.project, errand.params["api_key_id"]))


async def update_key(errand: Errand) -> wire.ProjectKey:
    """Change how long one of a project's keys lives. Raises InvalidRequest, NotFound."""
    ends = until(errand.call.at, errand.body(wire.KEY_UPDATE).expires_in_seconds)
    project, name = await errand.books.projects.open(errand.project), errand.params["api_key_id"]
    found = await errand.books.keyring.get(project.id, name)
    if found.expires_at is not None and found.expires_at <= errand.call.at:
        raise InvalidRequest("This API key has expired: it can't be changed.", code="expired_api_key")
    return shown(found if ends is None else await errand.books.keyring.extend(project.id, name, ends))


async def delete_key(errand: Errand) -> Deleted:
    """Revoke one of a project's keys. Raises NotFound."""
    name = errand.params["api_key_id"]
    await errand.books.keyring.delete(errand.project, name)
    return deleted(name, "organization.project.api_key")


async def create_account(errand: Errand) -> wire.NewAccount:
    """Make a service account, with a key if none is refused. Raises InvalidRequest, NotFound."""
    ask = errand.body(wire.ACCOUNT_CREATE)
    project, books = await errand.books.projects.open(errand.project), errand.books.accounts
    if ask.create_service_account_only:
        if ask.expires_in_seconds is not None:
            raise InvalidRequest(
                "'expires_in_seconds' is for the key, and 'create_service_account_only' makes none.",
                param="expires_in_seconds",
                code="invalid_value",
            )
        account, key = await books.create(project.id, ask.name), None
    else:
        ends = until(errand.call.at, ask.expires_in_seconds)
        account, made, secret = await books.open(project.id, ask.name, ends)
        key = shown_new(made, secret)
    told = shown_account(account)
    return wire.NewAccount(told.id, told.created_at, told.name, told.role, key)


async def list_accounts(errand: Errand) -> Page[wire.Account]:
    """Return a page of a project's service accounts. Raises NotFound, InvalidRequest."""
    wanted = errand.listing(Listing)
    project = await errand.books.projects.get(errand.project)
    found, more = await errand.books.accounts.page(window(wanted), project=project.id)
    return page_of([shown_account(account) for account in found], more=more)


async def retrieve_account(errand: Errand) -> wire.Account:
    """Return a service account. Raises NotFound."""
    return shown_account(await errand.books.accounts.get(errand.params["service_account_id"], project=errand.project))


async def update_account(errand: Errand) -> wire.Account:
    """Rename a service account, or change its role. Raises InvalidRequest, NotFound."""
    ask = errand.body(wire.ACCOUNT_UPDATE)
    project = await errand.books.projects.open(errand.project)
    change = {name: value for name, value in (("name", ask.name), ("role", ask.role)) if value is not None}
    name = errand.params["service_account_id"]
    return shown_account(await errand.books.accounts.change(name, change, project=project.id))


async def delete_account(errand: Errand) -> Deleted:
    """Delete a service account: its keys are dead at once. Raises NotFound."""
    name = errand.params["service_account_id"]
    await errand.books.accounts.close(errand.project, name)
    return deleted(name, "organization.project.service_account")


async def create_account_key(errand: Errand) -> wire.AccountKey:
    """Make another key of a service account. Raises InvalidRequest, NotFound."""
    ask = errand.body(wire.ACCOUNT_KEY_CREATE)
    project = await errand.books.projects.open(errand.project)
    account = await errand.books.accounts.get(errand.params["service_account_id"], project=project.id)
    ends = until(errand.call.at, ask.expires_in_seconds)
    return shown_new(*await errand.books.accounts.another_key(account, ask.name, ends))


async def create_admin_key(errand: Errand) -> wire.NewAdminKey:
    """Make an admin key. Raises InvalidRequest."""
    ask = errand.body(wire.ADMIN_KEY_CREATE)
    key, secret = await errand.books.keyring.create_admin(ask.name, until(errand.call.at, ask.expires_in_seconds))
    told = shown_admin(key)
    shown_value = told.redacted_value
    return wire.NewAdminKey(told.id, told.created_at, told.name, shown_value, told.owner, secret, told.expires_at)


async def list_admin_keys(errand: Errand) -> Page[wire.AdminKey]:
    """Return a page of the admin keys. Raises InvalidRequest."""
    found, more = await errand.books.keyring.page(None, window(errand.listing(wire.AdminKeyListing)))
    return page_of([shown_admin(key) for key in found], more=more)


async def retrieve_admin_key(errand: Errand) -> wire.AdminKey:
    """Return an admin key. Raises NotFound."""
    return shown_admin(await errand.books.keyring.get(None, errand.params["key_id"]))


async def delete_admin_key(errand: Errand) -> Deleted:
    """Revoke an admin key. Raises NotFound."""
    name = errand.params["key_id"]
    await errand.books.keyring.delete(None, name)
    return deleted(name, "organization.admin_api_key")
