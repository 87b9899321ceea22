"""The composition root: builds every collaborator once, and closes them in reverse."""

import contextlib
import gc
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

from parley.api.server import run
from parley.core.catalog import Timeouts
from parley.core.clock import Clock, SystemClock
from parley.engine.engine import Engine
from parley.engine.shelf import Shelf
from parley.errors import SettingsError
from parley.flows.alarms import Watch
from parley.house import House
from parley.policies.access import Access
from parley.policies.audit import Audit
from parley.policies.counts import Counts
from parley.policies.keys import Keys
from parley.policies.limits import Limits
from parley.policies.prices import look_up
from parley.policies.replays import Replays
from parley.policies.unmetered import Unmetered
from parley.settings import LOCAL, Settings, UpstreamSettings
from parley.store.database import Store, address_of, open_store
from parley.store.keeper import Keeper
from parley.store.leases import RENEWALS
from parley.store.streams import Streams, Sweeper
from parley.upstreams.answer import Provider
from parley.upstreams.attempts import Attempts
from parley.upstreams.board import Board
from parley.upstreams.client import Client
from parley.upstreams.providers.local.provider import LocalProvider
from parley.upstreams.providers.openai import OpenAIProvider
from parley.upstreams.routing import Routes
from parley.upstreams.upstreams import Upstreams
from parley.upstreams.webhooks import Webhook

SQLITE = "sqlite:///"
GARBAGE = 20_000  # new objects between two looks of the garbage collector; 700 by default
ENGINE_KEEPS = 3.5  # seconds: llama.cpp closes a connection that rests for 5


def store_url(settings: Settings, data: Path) -> str:
    """Return the database's address; a relative SQLite file lies in the *data* folder. Raises SettingsError."""
    url = settings.store.url
    address_of(url)  # refuses what is none, before a path is made of it
    if url.startswith(SQLITE) and not url.startswith(SQLITE + "/"):
        return f"{SQLITE}{(data / url.removeprefix(SQLITE)).absolute()}"
    return url


def shown_url(url: str) -> str:
    """Return *url* without its password."""
    return address_of(url).render_as_string(hide_password=True)


def shelf(data: Path) -> Shelf:
    """Return the shelf of GGUF models in the *data* folder."""
    return Shelf(data / "models")


async def store_of(settings: Settings, data: Path) -> Store:
    """Return the open store, for commands that need no server. Raises SettingsError."""
    return await open_store(store_url(settings, data), settings.limits.lease_seconds)


def providers(settings: Settings, client: Client) -> dict[str, Provider]:
    """Return who speaks to each upstream, by its name. Raises SettingsError."""
    return {name: provider(name, upstream, client) for name, upstream in settings.upstreams.items()}


def provider(name: str, upstream: UpstreamSettings, client: Client) -> Provider:
    """Return who speaks to the upstream *name*. Raises SettingsError, which names the setting."""
    key = upstream.key.reveal(f"upstreams.{name}.key") if upstream.key else None
    try:
        return OpenAIProvider(name, upstream, key, client)
    except SettingsError as error:
        raise SettingsError(f"upstreams.{name}.base_url: {error.message}") from error


def webhook(settings: Settings, client: Client) -> Webhook | None:
    """Return who is told of spend alerts. Raises SettingsError."""
    url, secret = settings.alerts.webhook, settings.alerts.secret
    return Webhook(url, secret.reveal("alerts.secret"), client) if url and secret else None


def examine(settings: Settings, data: Path) -> None:
    """Refuse, before anything is made, what `serve` could not run with. Raises SettingsError."""
    store_url(settings, data)
    providers(settings, Client())
    webhook(settings, Client())


def local(settings: Settings, engine: Engine, client: Client) -> dict[str, Provider]:
    """Return who speaks to the embedded engine."""
    return {LOCAL: LocalProvider(engine, client)} if settings.engine.enabled else {}


def patience(settings: Settings) -> float:
    """Return the seconds that a call may wait for an earlier one of the same key: the longest that one may take."""
    return max((upstream.timeouts.total for upstream in settings.upstreams.values()), default=Timeouts().total)


def stream_log(settings: Settings, data: Path, clock: Clock, stack: AsyncExitStack) -> Streams:
    """Return the stream log, swept now and then until *stack* closes it."""
    streams = Streams(data / "streams", clock, settings.streams.keep_seconds)
    stack.callback(streams.close)
    sweeper = Sweeper(streams, settings.streams.keep_seconds)
    stack.push_async_callback(sweeper.close)
    return streams


@contextlib.asynccontextmanager
async def open_house(settings: Settings, data: Path) -> AsyncIterator[House]:
    """Build the house; leaving closes it in reverse. Raises SettingsError."""
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        store = await store_of(settings, data)
        stack.push_async_callback(store.close)
        unmetered = Unmetered(clock)
        keys = Keys(store.keys)

        async def after() -> None:
            await unmetered.tell(store.audits.note)
            await keys.tell(store.keys.used)

        keeper = Keeper(store.ledger, settings.limits.lease_seconds / RENEWALS, after)
        stack.push_async_callback(keeper.close)
        engine = Engine(shelf(data), settings.engine)
        stack.push_async_callback(engine.close)
        client, near = Client(), Client(idle_seconds=ENGINE_KEEPS)
        stack.push_async_callback(client.close)
        stack.push_async_callback(near.close)
        watch = Watch(store.alarms, webhook(settings, client), settings.alerts.every_seconds)
        stack.push_async_callback(watch.close)
        streams = stream_log(settings, data, clock, stack)
        counts = Counts()
        board = Board(data / "health")
        stack.callback(board.close)
        yield House(
            settings=settings,
            clock=clock,
            started=clock.now(),
            keys=keys,
            access=Access(),
            audit=Audit(store.ledger, clock, counts, unmetered),
            limits=Limits(store.ledger, clock, settings.limits.longest_answer, unmetered),
            replays=Replays(store.ledger, patience(settings)),
            counts=counts,
            routes=Routes(settings, engine, look_up),
            upstreams=Upstreams(
                {**providers(settings, client), **local(settings, engine, near)},
                settings.upstreams,
                Attempts(clock, counts.attempts),
                board,
            ),
            streams=streams,
            completions=store.completions,
            administration=store.administration,
            audits=store.audits,
            usage=store.usage,
            ready=store.ready,
        )


async def serve(
    settings: Settings, data: Path, listener: socket.socket, ready: Callable[[], None] = lambda: None
) -> None:
    """Serve on *listener* until SIGTERM or SIGINT. Raises SettingsError."""
    async with open_house(settings, data) as house:
        gc.collect()
        gc.freeze()  # what was built stays: the collector need not look at it again
        gc.set_threshold(GARBAGE)  # calls leave few cycles behind
        await run(house, listener, ready)


def listen(settings: Settings) -> socket.socket:
    """Return a bound socket for `server.listen`. Raises OSError when the port is taken."""
    host, port = settings.server.address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    return listener
