"""Browsers: which pages of other origins may call, and how they are told."""

import asyncio
from typing import Any, cast

import pytest
from uvicorn.server import ServerState

from parley.api.app import ROUTES
from parley.api.cors import OpenDoor, Origins, doors
from parley.api.door import Door
from parley.api.serve import Table
from parley.settings import ModelSettings, ServerSettings, Settings, UpstreamSettings
from parley.testing import SECRET, FakeLedger, ScriptedProvider, a_house, chunk

APP = "https://app.example.com"
ASKED = "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization, x-stainless-os\r\n"
STREAM = '{"model":"m","stream":true,"messages":[{"role":"user","content":"Hi"}]}'
EXPOSED = "access-control-expose-headers"


class FakeTransport:
    """A transport that keeps what was written."""

    def __init__(self) -> None:
        self.written = b""
        self.closed = False

    def write(self, data: bytes) -> None:
        """Keep *data*."""
        self.written += data

    def get_extra_info(self, name: str) -> object:
        """Return the address at the other end."""
        return ("127.0.0.1", 1) if name == "peername" else None

    def is_closing(self) -> bool:
        """Tell whether it was closed."""
        return self.closed

    def close(self) -> None:
        """Close."""
        self.closed = True

    write_eof = close


def house(*origins: str) -> Any:
    """Return a house where pages of *origins* may call."""
    settings = Settings(
        server=ServerSettings(cors_origins=list(origins)),
        upstreams={"main": UpstreamSettings(base_url="http://127.0.0.1:1/v1")},
        models={"m": ModelSettings(targets=["main/m"])},
    )
    return a_house({"main": ScriptedProvider([chunk("Hi")])}, settings, ledger=FakeLedger())


async def answered(head: str, *origins: str, body: str = "") -> tuple[int, dict[str, list[str]], str]:
    """Return status, headers and the rest of what a request is answered, where pages of *origins* may call."""
    door = doors(house(*origins), Table(ROUTES))(server_state=ServerState())
    transport = FakeTransport()
    door.connection_made(cast("asyncio.BaseTransport", transport))
    door.data_received(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
    if door._task is not None:
        await door._task
    first, *lines = transport.written.decode().partition("\r\n\r\n")[0].split("\r\n")
    headers: dict[str, list[str]] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        headers.setdefault(name, []).append(value)
    return int(first.split()[1]), headers, transport.written.decode().partition("\r\n\r\n")[2]


def request(method: str, origin: str, more: str = "") -> str:
    """Return the head of a request to the chat endpoint that a page of *origin* makes."""
    return f"{method} /v1/chat/completions HTTP/1.1\r\nOrigin: {origin}\r\n{more}"


async def test_the_usual_door_is_taken_where_no_origin_is_named() -> None:
    """So that nobody pays for what he does not use."""
    door = doors(house(), Table(ROUTES))(server_state=ServerState())
    assert type(door) is Door


@pytest.mark.parametrize(("named", "allowed"), [(APP, APP), ("*", "*")])
async def test_a_preflight_is_answered(named: str, allowed: str) -> None:
    """With the headers that were asked for, whatever they are; 204 has no length."""
    status, headers, rest = await answered(request("OPTIONS", APP, ASKED), named)
    assert (status, rest) == (204, "")
    assert headers["access-control-allow-origin"] == [allowed]
    assert headers["access-control-allow-headers"] == ["authorization, x-stainless-os"]
    assert "POST" in headers["access-control-allow-methods"][0]
    assert "content-length" not in headers


@pytest.mark.parametrize("origins", [(), ("https://other.example.com",)])
async def test_a_preflight_of_another_origin_is_not(origins: tuple[str, ...]) -> None:
    """It is the method that it always was; no page is told that it may."""
    status, headers, _ = await answered(request("OPTIONS", APP, ASKED), *origins)
    assert status == 405
    assert "access-control-allow-origin" not in headers


async def test_an_options_that_is_no_preflight_is_refused() -> None:
    """Nobody answers OPTIONS but to browsers."""
    assert (await answered(request("OPTIONS", APP), APP))[0] == 405


async def test_a_stream_may_be_read_by_its_page() -> None:
    """And its headers; an exact origin is told to caches."""
    head = request("POST", APP, f"Authorization: Bearer {SECRET}\r\n")
    status, headers, rest = await answered(head, APP, body=STREAM)
    assert (status, headers["access-control-allow-origin"], headers["vary"]) == (200, [APP], ["origin"])
    assert {"X-Request-ID", "retry-after"} <= set(", ".join(headers[EXPOSED]).split(", "))
    assert "[DONE]" in rest


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (request("POST", APP), 401),
        (request("POST", APP, f"X-Large: {'x' * 70_000}\r\n"), 431),
        (request("PUT", APP), 405),
        (f"GET /nowhere HTTP/1.1\r\nOrigin: {APP}\r\n", 404),
    ],
)
async def test_an_error_may_be_read_too(head: str, status: int) -> None:
    """Whoever tells it: a page that can't read it can't say what is wrong."""
    told, headers, _ = await answered(head, APP)
    assert (told, headers["access-control-allow-origin"]) == (status, [APP])


async def test_each_request_of_a_connection_has_its_own_origin() -> None:
    """What one page may read is not granted to the next."""
    origins = Origins([APP])
    assert b"allow-origin" in origins.grant({b"origin": APP.encode()})
    assert origins.grant({b"origin": b"https://other.example.com"}) == b"vary: origin\r\n"
    assert origins.grant({}) == b"vary: origin\r\n"
    assert Origins(["*"]).grant({}) == b""


def test_a_door_for_pages_is_a_door() -> None:
    """Of which a server can tell the idle time, as of any other."""
    assert issubclass(OpenDoor, Door)
