"""Spend alerts of the organization and of projects: create, retrieve, update, list, delete."""

import msgspec

from parley.errors import InvalidRequest
from parley.flows.administration import Errand, deleted, window
from parley.schema import admin_limits as wire
from parley.schema.admin import Deleted, Page, page_of
from parley.store.alerts import Alert


def kind(owner: str) -> str:
    """Return what an alert of *owner* (a project's id, or nothing) is called."""
    return "project.spend_alert" if owner else "organization.spend_alert"


def shown(alert: Alert) -> wire.Alert:
    """Return *alert* as the wire shows it."""
    channel = wire.CHANNEL.decode(alert.notification_channel)
    return wire.Alert(alert.id, kind(alert.project), "USD", alert.interval, alert.threshold_amount, channel)


async def _owner(errand: Errand, *, changes: bool = False) -> str:
    """Return the id of the project whose alerts are meant, or nothing. Raises NotFound, InvalidRequest."""
    if "project_id" not in errand.params:
        return ""
    projects = errand.books.projects
    return (await (projects.open if changes else projects.get)(errand.project)).id


def _channel(ask: wire.AlertSet) -> bytes:
    """Return the JSON of whom *ask* wants to be told. Raises InvalidRequest."""
    channel = ask.notification_channel
    if channel.type == "email" and not channel.recipients:
        name = "notification_channel.recipients"
        raise InvalidRequest(f"Invalid '{name}': an email needs somebody to go to.", param=name, code="invalid_value")
    return msgspec.json.encode(channel)


async def create(errand: Errand) -> wire.Alert:
    """Make an alert. Raises InvalidRequest, NotFound."""
    ask = errand.body(wire.ALERT)
    channel = _channel(ask)
    owner = await _owner(errand, changes=True)
    return shown(await errand.books.alerts.create(owner, ask.interval, ask.threshold_amount, channel))


async def retrieve(errand: Errand) -> wire.Alert:
    """Return an alert. Raises NotFound."""
    return shown(await errand.books.alerts.get(errand.params["alert_id"], project=await _owner(errand)))


async def update(errand: Errand) -> wire.Alert:
    """Replace an alert. Raises InvalidRequest, NotFound."""
    ask = errand.body(wire.ALERT)
    change = {
        "interval": ask.interval,
        "threshold_amount": ask.threshold_amount,
        "notification_channel": _channel(ask),
    }
    owner = await _owner(errand, changes=True)
    return shown(await errand.books.alerts.change(errand.params["alert_id"], change, project=owner))


async def listing(errand: Errand) -> Page[wire.Alert]:
    """Return a page of the alerts. Raises InvalidRequest, NotFound."""
    wanted = errand.listing(wire.AlertListing)
    found, more = await errand.books.alerts.page(window(wanted), project=await _owner(errand))
    return page_of([shown(alert) for alert in found], more=more)


async def delete(errand: Errand) -> Deleted:
    """Forget an alert. Raises NotFound."""
    owner = await _owner(errand)
    await errand.books.alerts.delete(errand.params["alert_id"], project=owner)
    return deleted(errand.params["alert_id"], kind(owner))
