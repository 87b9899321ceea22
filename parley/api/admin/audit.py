"""`/v1/organization/audit_logs`."""

import msgspec

from parley.api.calls import call_of
from parley.api.reply import HttpReply
from parley.api.request import Request
from parley.api.routes import Route
from parley.flows import audit_logs as flow
from parley.flows.audit_logs import SECOND
from parley.house import House
from parley.schema import audit_logs as wire
from parley.schema.stored import Limit
from parley.store.audits import Deed

OPERATION = "admin.organization.audit_logs.list"

_encode = msgspec.json.Encoder().encode


def shown(deed: Deed) -> dict[str, object]:
    """Return *deed* as the wire shows it."""
    link = deed.link
    project = wire.AuditProject(link.project, deed.project or "") if link.project else msgspec.UNSET
    row = wire.AuditLog(f"{wire.HEAD}{link.seq}", link.at // SECOND, link.kind, wire.actor(link.actor), project)
    return wire.audit_log(row, link.payload)


async def listing(request: Request, reply: HttpReply, house: House) -> None:
    """Answer with a page of the audit log."""
    call = call_of(request, OPERATION)
    deeds, more = await flow.listing(call, reply, house, wire.read_audit_listing(request.query_string))
    data = [shown(deed) for deed in deeds]
    ids = [item["id"] for item in data] or [None]
    reply.body(_encode({"object": "list", "data": data, "first_id": ids[0], "last_id": ids[-1], "has_more": more}))
    await reply.end()


ROUTES = (
    Route(
        "GET",
        "/v1/organization/audit_logs",
        OPERATION,
        "List what was done in administration, the newest first.",
        listing,
        answer=wire.AuditLogList,
        query=(
            ("limit", Limit, "How many items; default 20."),
            ("after", str, "The id of the last item of the page before."),
            ("before", str, "The id of the first item of the page behind."),
            ("effective_at", wire.EffectiveAt, "Only those of this time: effective_at[gte]=seconds."),
            *((f"{name}[]", wire.Names, "Only those of one of these.") for name in sorted(wire.LISTS)),
            ("tenant_only", bool, "Only those of a tenant: there are none."),
        ),
        statuses=(400, 401, 403, 404, 408, 413, 431, 500, 503),
    ),
)
