"""A stream whose client hung up: ended or drained as its project chose, and resumed, from any worker, after a kill."""

import asyncio
import json
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import openai
import psutil  # type: ignore[import-untyped]
import pytest
import pytest_asyncio
from faults import Asked, Upstream, behaviour
from gateways import CHAT, HELLO, PATIENCE, Gateway, Line, ask, chat, line, request, serving, started, until

from parley.store.database import open_store

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONFIG = """
[engine]
enabled = false
[server]
workers = {workers}
shutdown_seconds = {grace}
[streams]
keep_seconds = {keep}
[upstreams.faulty]
base_url = "{url}"
retries = 0
price = {{ input = "1", output = "2" }}
[models."*"]
targets = ["faulty/*"]
"""
RESUMABLE = "x-parley-resumable: true"
DONE = b"data: [DONE]"
COUNT, PAUSE = 12, 0.08


@behaviour("counting")
async def _counting(asked: Asked) -> bool:
    """Say some words, slowly enough to be left meanwhile, the same each time."""
    await asked.begin()
    await asked.words(*(f"{number} " for number in range(COUNT)), pause=PAUSE)
    return await asked.finish()


def config(faulty: Upstream, *, workers: int = 1, keep: float = 600, grace: int = 5) -> str:
    """Return a parley.toml."""
    return CONFIG.format(url=faulty.url, workers=workers, keep=keep, grace=grace)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory, faulty: Upstream) -> AsyncIterator[Gateway]:
    """Lend a server whose project drains, in front of the upstream."""
    async with draining(tmp_path_factory.mktemp("resume"), config(faulty)) as it:
        yield it


@asynccontextmanager
async def draining(data: Path, text: str, *, drain: bool = True) -> AsyncIterator[Gateway]:
    """Run a server whose project's streams outlive their clients, if it shall *drain*."""
    async with serving(data, text) as it:
        store = await open_store(f"sqlite:///{data / 'parley.db'}")
        await store.rules.choose(await store.rules.project("default"), {"drain": drain})
        await store.close()
        yield it


async def stranger(gateway: Gateway) -> str:
    """Return the key of another project."""
    store = await open_store(f"sqlite:///{gateway.data / 'parley.db'}")
    try:
        return (await store.keys.create(project="other")).secret
    finally:
        await store.close()


async def frames(it: Line) -> list[bytes]:
    """Return the frames of a stream, to its end."""
    found = []
    while frame := await asyncio.wait_for(it.chunk(), PATIENCE):
        found += [part + b"\n\n" for part in frame.split(b"\n\n")[:-1]]
    return found


async def whole(gateway: Gateway, model: str, *lines: str) -> tuple[str, list[bytes]]:
    """Return the id and the frames of a stream that nobody disturbed."""
    async with line(gateway) as it:
        await it.send(request(gateway, CHAT, chat(model, stream=True), *lines))
        return (await it.head()).headers["x-request-id"], await frames(it)


async def lost(gateway: Gateway, model: str, count: int, *lines: str) -> tuple[str, list[bytes]]:
    """Return the id and the first *count* frames of a stream whose connection is then lost."""
    async with line(gateway) as it:
        await it.send(request(gateway, CHAT, chat(model, stream=True), *lines))
        name = (await it.head()).headers["x-request-id"]
        found = [await it.chunk() for _ in range(count)]
        it.leave(rudely=True)
    return name, found


async def rest(gateway: Gateway, name: str, after: int, **how: Any) -> list[bytes]:
    """Return what the stream *name* sent after so many events, as `GET /v1/streams` tells it."""
    async with line(gateway) as it:
        await it.send(request(gateway, f"/v1/streams/{name}?starting_after={after}", method="GET", **how))
        head = await it.head()
        assert (head.status, head.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        return await frames(it)


def row_of(gateway: Gateway, name: str) -> dict[str, Any]:
    """Return the one record of the call *name*."""
    [row] = [row for row in gateway.rows() if row["id"] == name]
    return row


def told(frame: bytes) -> Any:
    """Return the error that the last frame tells."""
    return json.loads(frame.removeprefix(b"data: ").partition(b"\n")[0])["error"]["code"]


async def test_a_lost_stream_is_resumed_while_it_goes_on(gateway: Gateway) -> None:
    """Exactly what is missing comes, live: together it is the undisturbed stream. One call, one row, exact usage."""
    _, undisturbed = await whole(gateway, "counting#1")
    before = len(gateway.rows())
    name, first = await lost(gateway, "counting#1", 3)
    second = await rest(gateway, name, 3)
    assert first + second == undisturbed
    assert undisturbed[-1] == DONE + b"\n\n"
    row = row_of(gateway, name)
    assert (row["status"], row["outcome"], row["code"]) == (200, "left", None)
    assert (row["input_tokens"], row["output_tokens"], row["cost"]) == (10, 5, 20_000)
    assert row["exact"]
    assert len(gateway.rows()) == before + 1
    assert await rest(gateway, name, 0) == undisturbed  # again, now that it has ended
    assert await rest(gateway, name, len(undisturbed)) == []


async def test_the_same_request_with_its_last_event_id_resumes(gateway: Gateway, faulty: Upstream) -> None:
    """As clients of server-sent events do it: no second call is made, and the ids go on."""
    model = "counting#2"
    name, first = await lost(gateway, model, 4, RESUMABLE)
    assert [frame.split(b"\n")[1] for frame in first] == [b"id: %b/%d" % (name.encode(), n) for n in range(1, 5)]
    async with line(gateway) as it:
        again = request(gateway, CHAT, chat(model, stream=True), RESUMABLE, f"last-event-id: {name}/4")
        await it.send(again)
        await it.head()
        second = await frames(it)
    assert second[-1] == b"data: [DONE]\nid: %b/%d\n\n" % (name.encode(), len(first + second))
    plain = [frame.split(b"\n")[0] + b"\n\n" for frame in first + second]
    assert faulty.turns(model) == 1
    assert plain == (await whole(gateway, model))[1]
    assert len([row for row in gateway.rows() if row["model_asked"] == model]) == 2  # the lost one and the last


async def test_a_drained_answer_is_remembered(gateway: Gateway, faulty: Upstream) -> None:
    """The same call under its Idempotency-Key gets it, once it has ended; the upstream is asked once."""
    model = "counting#once"
    name, first = await lost(gateway, model, 3, "idempotency-key: once")
    again, frames_ = await whole(gateway, model, "idempotency-key: once")
    assert frames_[:3] == first
    assert frames_[-1] == DONE + b"\n\n"
    assert faulty.turns(model) == 1
    assert [row_of(gateway, one)["cost"] for one in (name, again)] == [20_000, 0]


async def test_another_worker_resumes(tmp_path: Path, faulty: Upstream) -> None:
    """Whichever process is asked, the stream that one of them produces is gone on with."""
    async with draining(tmp_path, config(faulty, workers=2)) as gateway:
        _, undisturbed = await whole(gateway, "counting#workers")
        name, first = await lost(gateway, "counting#workers", 2)
        found = await asyncio.gather(*(rest(gateway, name, 2) for _ in range(12)))
        workers = {path.stem.partition("-")[0] for path in (gateway.data / "streams").glob("*.log")}
        assert all(first + second == undisturbed for second in found)
        assert workers
        assert row_of(gateway, name)["cost"] == 20_000


async def test_another_process_resumes(tmp_path: Path, faulty: Upstream) -> None:
    """One that shares nothing with the stream's but the data folder."""
    async with (
        draining(tmp_path, config(faulty)) as gateway,
        started("--config", str(tmp_path / "parley.toml"), "--data", str(tmp_path), log=tmp_path / "log2") as second,
    ):
        process, address = second
        other = replace(gateway, process=process, port=int(address.rpartition(":")[2]))
        _, undisturbed = await whole(other, "counting#process")
        name, first = await lost(gateway, "counting#process", 2)
        assert first + await rest(other, name, 2) == undisturbed


async def test_a_kill_is_told(tmp_path: Path, faulty: Upstream) -> None:
    """After the restart what was produced comes, then an error, and no [DONE]."""
    async with draining(tmp_path, config(faulty)) as gateway:
        name, first = await lost(gateway, "counting#kill", 3)
        await asyncio.sleep(2 * PAUSE)
        gateway.process.kill()
        await gateway.process.wait()
    async with serving(tmp_path, config(faulty)) as gateway:
        *second, last = await rest(gateway, name, 2)
        assert second[0] == first[2]
        assert 1 <= len(second) < COUNT
        assert told(last) == "stream_interrupted"
        *nothing, last = await rest(gateway, name, 2 + len(second))
        assert (nothing, told(last)) == ([], "stream_interrupted")


async def test_who_resumes_a_cancelled_stream_is_told(tmp_path: Path, faulty: Upstream) -> None:
    """Without --drain the upstream is let go, what was sent is paid for, and the rest is an error."""
    async with draining(tmp_path, config(faulty), drain=False) as gateway:
        name, first = await lost(gateway, "counting#cancel", 3)
        await until(lambda: "counting#cancel" in faulty.left, "the upstream to be let go")
        await until(lambda: any(row["id"] == name for row in gateway.rows()), "the record")
        *second, last = await rest(gateway, name, 2)
        assert second[0] == first[2]
        assert told(last) == "stream_interrupted"
        row = row_of(gateway, name)
        assert (row["status"], row["outcome"]) == (499, "left")


async def test_a_failure_is_told_again(gateway: Gateway) -> None:
    """Who resumes gets the error event that the client got."""
    name, frames_ = await whole(gateway, "reset-midstream#resume")
    assert told(frames_[-1]) == "upstream_broken"
    assert await rest(gateway, name, 1) == frames_[1:]


@pytest.mark.parametrize(
    ("path", "last", "status", "param"),
    [
        ("/v1/streams/req_none", None, 404, "stream_id"),
        ("/v1/streams/{name}?starting_after=x", None, 400, "starting_after"),
        ("/v1/streams/{name}?starting_after=-1", None, 400, "starting_after"),
        ("/v1/streams/{name}?starting_after=999", None, 400, "starting_after"),
        ("/v1/streams/{name}", "7", 400, "Last-Event-ID"),
        ("/v1/streams/{name}", "req_other/1", 400, "Last-Event-ID"),
        ("/v1/streams/{name}", "{name}/999", 400, "Last-Event-ID"),
    ],
)
async def test_a_place_that_is_none_is_named(
    gateway: Gateway, path: str, last: str | None, status: int, param: str
) -> None:
    """404 for a stream that nobody knows, 400 for a number that is none; nothing is recorded."""
    name, _ = await whole(gateway, "ok#bad")
    before = len(gateway.rows())
    lines = [] if last is None else [f"last-event-id: {last.format(name=name)}"]
    answer = await ask(gateway, path.format(name=name), b"", *lines, method="GET")
    assert (answer.status, answer.error["param"]) == (status, param)
    if last is not None:
        posted = await ask(gateway, CHAT, chat("ok#bad", stream=True), *lines)
        assert posted.error["param"] == "Last-Event-ID"
    assert len(gateway.rows()) == before


async def test_a_stream_is_its_own_projects(gateway: Gateway) -> None:
    """The key of another project gets 404, an admin key 403, no key 401."""
    name, _ = await whole(gateway, "ok#mine")
    other = await stranger(gateway)
    path = f"/v1/streams/{name}"
    keys = (other, gateway.admin, "sk-wrong")
    found = [(await ask(gateway, path, method="GET", key=key)).status for key in keys]
    assert found == [404, 403, 401]
    posted = await ask(gateway, CHAT, chat("ok", stream=True), f"last-event-id: {name}/1", key=other)
    assert (posted.status, posted.error["param"]) == (404, "Last-Event-ID")


async def test_a_stream_is_forgotten(tmp_path: Path, faulty: Upstream) -> None:
    """When its time is over it is 404, and its file is gone."""
    async with serving(tmp_path, config(faulty, keep=0.4)) as gateway:
        name, _ = await whole(gateway, "ok#forgotten")
        folder = gateway.data / "streams"
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
        assert await rest(gateway, name, 0)
        [file] = folder.glob("*.log")
        await until(lambda: not file.exists(), "the file to be removed")
        answer = await ask(gateway, f"/v1/streams/{name}", method="GET")
        assert (answer.status, answer.error["param"]) == (404, "stream_id")


async def test_drained_calls_have_the_grace_of_others(tmp_path: Path, faulty: Upstream) -> None:
    """A server that stops lets them end."""
    async with draining(tmp_path, config(faulty)) as gateway:
        name, _ = await lost(gateway, "counting#grace", 2)
        gateway.process.terminate()
        assert await asyncio.wait_for(gateway.process.wait(), PATIENCE) == 0
        row = row_of(gateway, name)
        assert (row["outcome"], row["cost"]) == ("left", 20_000)


async def test_a_grace_that_is_over_ends_drained_calls_too(tmp_path: Path, faulty: Upstream) -> None:
    """Their row says so, and whoever resumes after the restart is told."""
    async with draining(tmp_path, config(faulty, grace=1)) as gateway:
        name, _ = await lost(gateway, "endless#grace", 2)
        gateway.process.terminate()
        assert await asyncio.wait_for(gateway.process.wait(), PATIENCE) == 0
        row = row_of(gateway, name)
        assert (row["status"], row["outcome"]) == (503, "failed")
    async with serving(tmp_path, config(faulty)) as gateway:
        assert told((await rest(gateway, name, 2))[-1]) == "stream_interrupted"


async def test_a_stuck_client_is_drained(gateway: Gateway) -> None:
    """Its connection is lost under back-pressure; all of a large answer is there to be resumed."""
    name, first = await lost(gateway, "huge#drain", 1)
    frames_ = first + await rest(gateway, name, 1)
    assert frames_[-1] == DONE + b"\n\n"
    assert len(frames_) > 2000
    assert row_of(gateway, name)["outcome"] == "left"


@pytest.mark.parametrize("resumable", [False, True])
async def test_the_official_client_reads_both_kinds(gateway: Gateway, resumable: bool) -> None:
    """With the ids and without; a resumed stream too, under its extra header."""
    url = f"http://127.0.0.1:{gateway.port}/v1"
    headers = {"x-parley-resumable": "true"} if resumable else {}
    how: Any = {"model": "ok#official", "messages": HELLO, "stream": True}
    async with openai.AsyncOpenAI(base_url=url, api_key=gateway.key, max_retries=0) as it:
        raw = await it.chat.completions.with_raw_response.create(**how, extra_headers=headers)
        name = raw.headers["x-request-id"]
        said = [chunk.choices[0].delta.content async for chunk in raw.parse()]
        last = {**headers, "Last-Event-ID": f"{name}/2"}
        resumed = await it.chat.completions.create(**how, extra_headers=last)
        assert [chunk.choices[0].delta.content async for chunk in resumed] == said[2:]


async def test_calls_go_on_where_nothing_can_be_written(tmp_path: Path, faulty: Upstream) -> None:
    """The log says it once, no ids are promised, and to resume is 404."""
    (tmp_path / "streams").write_text("no folder", "utf-8")
    async with serving(tmp_path, config(faulty)) as gateway:
        found = [await whole(gateway, "ok#disk", RESUMABLE) for _ in range(3)]
        assert all(frames_[-1] == DONE + b"\n\n" for _, frames_ in found)
        assert (await ask(gateway, f"/v1/streams/{found[0][0]}", method="GET")).status == 404
    assert (tmp_path / "log").read_text("utf-8").count("can't be resumed") == 1


async def test_a_worker_that_dies_is_told_by_the_other(tmp_path: Path, faulty: Upstream) -> None:
    """Who follows the stream meanwhile learns it at once."""
    async with draining(tmp_path, config(faulty, workers=2)) as gateway:
        name, _ = await lost(gateway, "counting#dies", 2)
        following = [asyncio.ensure_future(rest(gateway, name, 2)) for _ in range(8)]
        await asyncio.sleep(2 * PAUSE)
        [lock] = (gateway.data / "streams").glob("*.lock")
        workers = psutil.Process(gateway.process.pid).children()
        held = (str(lock), "r+")  # who follows the stream has it open too, to read
        [writer] = [one for one in workers if held in {(file.path, file.mode) for file in one.open_files()}]
        writer.kill()
        found = await asyncio.gather(*following, return_exceptions=True)
        ended = [frames_ for frames_ in found if isinstance(frames_, list)]
        assert all(told(frames_[-1]) == "stream_interrupted" for frames_ in ended)
        assert told((await rest(gateway, name, 2))[-1]) == "stream_interrupted"
