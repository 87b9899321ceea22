"""Fixtures of the contract tests: a misbehaving server, our client, and the event loops it must work on."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
import uvloop

from parley.upstreams.client import Client, Origin
from tests.contract.misbehaving import Server, running

Loop = Callable[[], asyncio.AbstractEventLoop]


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Loop]:
    """Run the transport's tests on both event loops: they differ in how connections end."""
    if item.path.name.startswith("test_client"):
        return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """Run a misbehaving server on a free port."""
    async with running() as it:
        yield it


@pytest.fixture
def origin(server: Server) -> Origin:
    """Where it listens."""
    return Origin.parse(f"http://127.0.0.1:{server.port}")


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """Our client; after the test it must close to nothing."""
    it = Client()
    yield it
    await it.close()
    assert it.open_connections() == 0


@pytest.fixture
def certificate() -> Path:
    """Give a certificate and its key for localhost, made for these tests only."""
    return Path(__file__).with_name("localhost.pem")
