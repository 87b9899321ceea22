"""The servers that the documents are held against: one with the built-in model, and one in front of it."""

from collections.abc import Iterator

import pytest
from examples import found
from servers import Server, serving

UPSTREAM = """
[engine]
enabled = false
[upstreams.openai]
base_url = "{base_url}"
key = {{ env = "OPENAI_UPSTREAM_KEY" }}
[models."*"]
targets = ["openai/*"]
price = "free"
"""


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server with the built-in model and the settings that the tutorial begins with."""
    settings = next(block.code for block in found("toml") if block.page == "docs/tutorial/1-chat.md")
    with serving(tmp_path_factory.mktemp("embedded"), settings) as server:
        yield server


@pytest.fixture(scope="session")
def key(embedded: Server) -> str:
    """Make a key of the server with the built-in model."""
    return embedded.key()


@pytest.fixture(scope="session")
def relaying(embedded: Server, key: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server without an engine, in front of the other one."""
    settings = UPSTREAM.format(base_url=embedded.base_url)
    with serving(tmp_path_factory.mktemp("relaying"), settings, {"OPENAI_UPSTREAM_KEY": key}) as server:
        yield server


@pytest.fixture(scope="session")
def relaying_key(relaying: Server) -> str:
    """Make a key of the server in front."""
    return relaying.key()
