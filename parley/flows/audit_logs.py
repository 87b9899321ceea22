"""The audit log, for admin keys only: what a person did in administration."""

from collections.abc import Sequence

from parley.core.call import Call
from parley.core.reply import Reply
from parley.house import House
from parley.schema.audit_logs import AuditListing, EffectiveAt, place
from parley.store.audits import Deeds, Wanted

SECOND = 1_000_000_000


async def listing(call: Call, reply: Reply, house: House, asked: AuditListing) -> tuple[Deeds, bool]:
    """Return the rows that are *asked* for, the newest first, and whether there are more.

    Raises Unauthenticated, Forbidden, InvalidRequest, NotRecorded.
    """
    caller = await house.keys.identify(call)
    reply.authenticated = True
    house.access.administrate(caller)
    if call.refusal is not None:
        raise call.refusal
    wanted = wants(asked)
    if asked.tenant_only or asked.actor_emails:
        return [], False  # there are no tenants here, and who acts has no e-mail address
    return await house.audits.list(wanted)


def wants(asked: AuditListing) -> Wanted:
    """Return what is *asked* for in the words of the store. Raises InvalidRequest."""
    since, until = _times(asked.effective_at or EffectiveAt())
    return Wanted(
        limit=asked.limit,
        since=since,
        until=until,
        kinds=tuple(asked.event_types or ()),
        actors=tuple(asked.actor_ids or ()),
        subjects=tuple(asked.resource_ids or ()),
        projects=tuple(asked.project_ids or ()),
        after=place("after", asked.after),
        before=place("before", asked.before),
    )


def _times(asked: EffectiveAt) -> tuple[int | None, int | None]:
    """Return from when until before when, in nanoseconds: what counts is the whole second that a row shows."""
    since = _all_of([asked.gte, None if asked.gt is None else asked.gt + 1])
    until = _all_of([asked.lt, None if asked.lte is None else asked.lte + 1])
    return (max(since) if since else None), (min(until) if until else None)


def _all_of(seconds: Sequence[int | None]) -> list[int]:
    return [second * SECOND for second in seconds if second is not None]
