"""Fixtures of the acceptance tests: one server with the built-in model, one in front of it, and the official client."""

from collections.abc import AsyncIterator, Iterator

import misdeeds  # noqa: F401 - what the upstream does
import openai
import pytest
import pytest_asyncio
import streams  # noqa: F401 - how it fails below the chat
from faults import Upstream, upstream
from servers import Server, serving

from tests.contract.store.postgres_server import postgres

__all__ = ["postgres"]

SETTINGS = """
[models."gpt-4"]
targets = ["local/parley-mini"]
[models."gpt-3.5-turbo"]
targets = ["local/parley-mini"]
[upstreams.closed]
base_url = "http://127.0.0.1:1/v1"
retries = 0
[models."dead"]
targets = ["closed/dead"]
price = "free"
"""

FRONT = """
[engine]
enabled = false
[upstreams.behind]
base_url = "{base_url}"
key = {{ env = "BEHIND_KEY" }}
[models."relayed"]
targets = ["behind/parley-mini"]
price = {{ input = "2.50", output = "10.00" }}
[models."*"]
targets = ["behind/*"]
price = "free"
"""


@pytest.fixture(scope="session")
def parley(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start a server with the built-in model, which also answers to the names of the article."""
    with serving(tmp_path_factory.mktemp("parley"), SETTINGS) as server:
        yield server


@pytest.fixture(scope="session")
def key(parley: Server) -> str:
    """Make a project key of the server."""
    return parley.key()


@pytest.fixture(scope="session")
def front(parley: Server, key: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start a second server without an engine: the first one is its upstream."""
    settings = FRONT.format(base_url=parley.base_url)
    with serving(tmp_path_factory.mktemp("front"), settings, {"BEHIND_KEY": key}) as server:
        yield server


@pytest.fixture
def client(parley: Server, key: str) -> Iterator[openai.OpenAI]:
    """Open the official client; it retries nothing, so that every fault is seen."""
    with openai.OpenAI(base_url=parley.base_url, api_key=key, max_retries=0) as it:
        yield it


@pytest.fixture
async def async_client(parley: Server, key: str) -> AsyncIterator[openai.AsyncOpenAI]:
    """Open the official client for asyncio."""
    async with openai.AsyncOpenAI(base_url=parley.base_url, api_key=key, max_retries=0) as it:
        yield it


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def faulty() -> AsyncIterator[Upstream]:
    """Lend the upstream that does what the model's name says."""
    async with upstream() as it:
        yield it
