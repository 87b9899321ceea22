"""The house: the collaborators a flow may call. Types only; `parley.assembly` builds it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from parley.core.clock import Clock
from parley.policies.access import Access
from parley.policies.audit import Audit
from parley.policies.counts import Counts
from parley.policies.keys import Keys
from parley.policies.limits import Limits
from parley.policies.replays import Replays
from parley.settings import Settings
from parley.store.administration import Administration
from parley.store.audits import Audits
from parley.store.completions import Completions
from parley.store.streams import Streams
from parley.store.usage import Usage
from parley.upstreams.routing import Routes
from parley.upstreams.upstreams import Upstreams


@dataclass(frozen=True, slots=True)
class House:
    """Everything a call may need, built once."""

    settings: Settings
    clock: Clock
    started: int  # nanoseconds since 1970
    keys: Keys
    access: Access
    audit: Audit
    limits: Limits
    replays: Replays
    counts: Counts
    routes: Routes
    upstreams: Upstreams
    streams: Streams
    completions: Completions
    administration: Administration
    audits: Audits
    usage: Usage
    ready: Callable[[], Awaitable[None]]  # raises NotRecorded when the database can't be written
