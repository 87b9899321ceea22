"""The table of faults, asked of a real gateway: each row ends as `fault_rows` says, and nothing is left behind.

All rows are asked at once and judged one by one. `PARLEY_TEST_REAL_TIMEOUTS=1` lets the defaults run out.
"""

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from typing import Any

import pytest
import pytest_asyncio
from fault_rows import ROWS, Row
from faults import Upstream, upstream
from gateways import CHAT, Answer, Gateway, chat, line, request, serving, until

from parley.core.rules import ANY, Rule
from parley.store.database import open_store

REAL_TIMEOUTS = os.environ.get("PARLEY_TEST_REAL_TIMEOUTS") == "1"
TIMEOUTS = "" if REAL_TIMEOUTS else "timeouts = { connect = 1, first_token = 1, between_tokens = 1, total = 30 }"
HASTY = f"timeouts = {{ total = {30 if REAL_TIMEOUTS else 1.5} }}"
PATIENCE = 75.0 if REAL_TIMEOUTS else 20.0  # seconds; two time-outs and what a busy machine adds
AT_ONCE = 64 if REAL_TIMEOUTS else 12
BUDGET = 10**12  # nano-dollars: plenty
NAMED = ("named", "misnamed", "unnamed")  # the upstreams with TLS; `named` and `misnamed` are trusted
SERVED = ("faulty", "stubborn", "hasty", "resting")  # upstreams that are the same server
CONFIG = """
[engine]
enabled = false
[models."*"]
targets = ["faulty/*"]
"""
UPSTREAM = """
[upstreams.{name}]
base_url = "{url}"
retries = {retries}
price = {{ input = "1.00", output = "2.00" }}
{timeouts}
[models."{name}/*"]
targets = ["{name}/*"]
"""
pytestmark = [pytest.mark.timeout(600), pytest.mark.asyncio(loop_scope="module")]


@dataclass
class Seen:
    """What came of one row: the caller's answer, the ledger's rows of it, and what was asked of its upstream."""

    answer: Answer
    records: list[dict[str, Any]]
    asked: int


def certificate(folder: Path, name: str, host: str) -> Path:
    """Make a certificate for *host* that is signed by itself, and return the file with it and its key."""
    file = folder / f"{name}.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-days", "2", "-keyout", file.with_suffix(".key"), "-out", file, "-subj", f"/CN={name}"),
            *("-addext", f"subjectAltName={host}"),
        ],
        check=True,
        capture_output=True,
    )
    return file


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def secured(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Upstream]]:
    """Run an upstream with each certificate, and have the gateway trust two of them."""
    folder = tmp_path_factory.mktemp("certificates")
    hosts = {"named": "IP:127.0.0.1", "misnamed": "DNS:elsewhere.test", "unnamed": "IP:127.0.0.1"}
    files = {name: certificate(folder, name, hosts[name]) for name in NAMED}
    (folder / "trusted.pem").write_text("".join(files[name].read_text() for name in ("named", "misnamed")), "utf-8")
    found = {}
    async with AsyncExitStack() as stack:
        for name, file in files.items():
            context = SSLContext(PROTOCOL_TLS_SERVER)
            context.load_cert_chain(file, file.with_suffix(".key"))
            found[name] = await stack.enter_async_context(upstream(context))
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SSL_CERT_FILE", str(folder / "trusted.pem"))
            yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def elsewhere(faulty: Upstream) -> AsyncIterator[Upstream]:
    """Lend the host to which redirects lead."""
    async with upstream() as it:
        faulty.elsewhere = it.url
        yield it


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(
    tmp_path_factory: pytest.TempPathFactory, faulty: Upstream, secured: dict[str, Upstream], elsewhere: Upstream
) -> AsyncIterator[Gateway]:
    """Lend the gateway in front of them; its callers have a budget."""
    assert elsewhere.connections == 0
    urls = dict.fromkeys(SERVED, faulty.url) | {name: it.url for name, it in secured.items()}
    urls["plain"] = faulty.url.replace("http:", "https:")
    parts = [
        UPSTREAM.format(
            name=name, url=url, retries=int(name == "stubborn"), timeouts=HASTY if name == "hasty" else TIMEOUTS
        )
        for name, url in urls.items()
    ]
    async with serving(tmp_path_factory.mktemp("table"), CONFIG + "".join(parts)) as it:
        store = await open_store(f"sqlite:///{it.data / 'parley.db'}")
        await store.rules.set(Rule("project", await store.rules.project("default"), ANY, "money", "ever", BUDGET))
        await store.close()
        yield it


async def ask(gateway: Gateway, row: Row) -> Answer:
    """Ask for *row*, in a time that ends."""
    async with line(gateway) as it, asyncio.timeout(PATIENCE):
        await it.send(request(gateway, CHAT, chat(name(row), stream=row.streamed)))
        return await it.answer()


def name(row: Row) -> str:
    """Return the model that is asked for: no two rows have the same."""
    way = "" if row.by == "faulty" else f"{row.by}/"
    return f"{way}{row.fault}#{'streamed' if row.streamed else 'whole'}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def seen(gateway: Gateway, faulty: Upstream, secured: dict[str, Upstream]) -> dict[Row, Seen | BaseException]:
    """Ask for every row, many at once; those that need a connection at rest afterwards, one by one."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(row: Row) -> Answer:
        async with places:
            return await ask(gateway, row)

    crowd, alone = [row for row in ROWS if row.by != "resting"], [row for row in ROWS if row.by == "resting"]
    answers: dict[Row, Answer | BaseException] = dict(
        zip(crowd, await asyncio.gather(*map(one, crowd), return_exceptions=True), strict=True)
    )
    for row in alone:
        await until(lambda: not faulty.busy, "the end of the calls before")
        for writer in list(faulty.writers):
            writer.close()
        await until(lambda: not gateway.connections(faulty.port), "no connection")
        await ask(gateway, row)
        await until(lambda: not faulty.busy, "a connection at rest")
        answers[row] = await ask(gateway, row)
    records = gateway.rows()
    found: dict[Row, Seen | BaseException] = {}
    for row, answer in answers.items():
        if isinstance(answer, BaseException):
            found[row] = answer
            continue
        mine = [record for record in records if record["id"] == answer.headers["x-request-id"]]
        found[row] = Seen(answer, mine, secured.get(row.by, faulty).turns(name(row)))
    return found


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.by}-{row.fault}-{'streamed' if row.streamed else 'whole'}")
async def test_a_fault_ends_as_the_table_says(seen: dict[Row, Seen | BaseException], row: Row) -> None:
    """The caller is told the truth, one record tells it too, and nobody is asked more often than that."""
    found = seen[row]
    if isinstance(found, BaseException):
        raise found
    answer = found.answer
    assert (answer.status, code(answer), answer.headers.get("retry-after")) == (row.status, row.code, row.later)
    if row.status == 200 and row.text is not None:
        assert said(answer) == row.text
    [record] = found.records
    told = (record["status"], record["outcome"], record["code"], record["attempts"])
    assert told == (row.recorded, row.outcome, row.code, row.attempts)
    assert bool(record["streamed"]) is row.streamed
    if row.tokens is not None:
        assert (record["input_tokens"], record["output_tokens"]) == row.tokens
        assert record["cost"] == 1000 * row.tokens[0] + 2000 * row.tokens[1]
    if row.status == 200:
        assert bool(record["exact"]) is row.exact
    assert found.asked == (row.attempts if row.asked is None else row.asked)


def code(answer: Answer) -> str | None:
    """Return the error that *answer* tells, None after a good end."""
    if answer.status == 200 and (not answer.events or answer.events[-1] == "[DONE]"):
        return None
    assert set(answer.error) == {"message", "type", "param", "code"}
    assert "127.0.0.1" not in answer.error["message"]
    return None if answer.error["code"] is None else str(answer.error["code"])


def said(answer: Answer) -> str:
    """Return what *answer* says: its text, or a function's arguments."""
    deltas = [choice["delta"] for event in answer.events[:-1] for choice in event["choices"]]
    called = [call["function"] for delta in deltas for call in delta.get("tool_calls", ())]
    return "".join(call["arguments"] for call in called) or answer.text


async def test_every_call_has_one_row_and_the_budget_their_sum(
    gateway: Gateway, seen: dict[Row, Seen | BaseException]
) -> None:
    """Nothing is held any more, and what is spent is what the rows say: each was settled once."""
    resting = sum(row.by == "resting" for row in ROWS)
    rows = gateway.rows()
    store = await open_store(f"sqlite:///{gateway.data / 'parley.db'}")
    [state] = await store.rules.states(0)
    await store.close()
    assert len(rows) == len(seen) + resting
    assert (state.spent, state.held) == (sum(row["cost"] for row in rows), 0)


async def test_no_connection_is_left(
    gateway: Gateway, seen: dict[Row, Seen | BaseException], faulty: Upstream, secured: dict[str, Upstream]
) -> None:
    """Neither to callers nor to upstreams: the last ones rest, and go when the upstream closes them."""
    assert len(seen) == len(ROWS)
    every = [faulty, *secured.values()]

    async def idle() -> bool:
        counted = await gateway.counted()
        return not counted["parley_open_calls"] and not gateway.connections() and not any(it.busy for it in every)

    await until(idle, "the end of every call and connection")
    for it in every:
        await until(lambda it=it: gateway.connections(it.port) == len(it.writers), "nothing but connections at rest")
        for writer in list(it.writers):
            writer.close()
        await until(lambda it=it: not gateway.connections(it.port) and not it.writers, "the last connections to go")


async def test_redirects_are_never_followed(seen: dict[Row, Seen | BaseException], elsewhere: Upstream) -> None:
    """The other host hears nothing, not even a connection."""
    assert len(seen) == len(ROWS)
    assert elsewhere.connections == 0


async def test_nothing_is_sent_where_the_certificate_is_wrong(
    seen: dict[Row, Seen | BaseException], secured: dict[str, Upstream]
) -> None:
    """Neither the call nor our key."""
    assert len(seen) == len(ROWS)
    assert [len(secured[name].asked) for name in NAMED] == [2, 0, 0]


async def test_the_log_tells_of_upstreams_and_of_no_fault_of_ours(
    gateway: Gateway, seen: dict[Row, Seen | BaseException]
) -> None:
    """Every row that failed has its line, and so has each stream that had events left out."""
    text = (gateway.data / "log").read_text("utf-8")
    assert "a fault of ours" not in text
    assert "Traceback" not in text
    lines = [json.loads(told) for told in text.splitlines() if told[:1] == "{"]
    alarms = [told["code"] for told in lines if told["level"] in {"error", "critical"}]
    assert set(alarms) <= {"upstream_denied", "upstream_insufficient_quota", "upstream_not_found"}
    failed = {told["request"] for told in lines if told["event"].startswith("an upstream ")}
    for row, found in seen.items():
        assert isinstance(found, Seen)
        assert row.good or found.answer.headers["x-request-id"] in failed
    left_out = {told["request"]: told["events"] for told in lines if "can't be read" in told["event"]}
    by_fault = {row.fault: found.answer.headers["x-request-id"] for row, found in seen.items()}  # type: ignore[union-attr]
    assert [left_out[by_fault[name]] for name in ("bad-event", "list-event", "bad-first", "bad-many")] == [1, 1, 1, 17]
