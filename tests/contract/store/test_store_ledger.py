"""The ledger's contract, on SQLite and PostgreSQL."""

import asyncio
import signal

import msgspec
import pytest

from parley.errors import NotFound, NotRecorded
from parley.store.database import Store, open_store
from tests.contract.store.rows import a_completion, a_record, start


async def test_a_row_comes_back_as_it_was_written(store: Store) -> None:
    """Every field survives."""
    record = a_record(code="x", outcome="failed", exact=False, streamed=True, first_token_us=7, cost=2**60)
    await store.ledger.write(record)
    assert await store.calls() == [record]


async def test_a_call_that_knows_little_is_recorded(store: Store) -> None:
    """A refused call has no model, no upstream, no tokens."""
    record = a_record(model_asked=None, model_answered=None, upstream=None, outcome="refused", status=404)
    await store.ledger.write(record)
    assert await store.calls() == [record]


@pytest.mark.parametrize("rows", [1, 31, 32, 33, 200])
async def test_rows_written_at_once_are_all_there(store: Store, rows: int) -> None:
    """No row is lost or doubled however many end together."""
    records = [a_record() for _ in range(rows)]
    await asyncio.gather(*(store.ledger.write(record) for record in records))
    assert {call.id for call in await store.calls(limit=500)} == {record.id for record in records}


async def test_a_doubled_id_fails_alone(store: Store) -> None:
    """One bad row in a group leaves the others durable and is itself not recorded twice."""
    first = a_record()
    await store.ledger.write(first)
    records = [a_record(), first, a_record()]
    results = await asyncio.gather(*map(store.ledger.write, records), return_exceptions=True)
    assert [type(result) for result in results] == [type(None), NotRecorded, type(None)]
    assert len(await store.calls()) == 3


async def test_a_number_too_large_fails_alone(store: Store) -> None:
    """A value the database cannot hold is NotRecorded, and the next row is written."""
    with pytest.raises(NotRecorded):
        await store.ledger.write(a_record(cost=2**70))
    await store.ledger.write(a_record())
    assert len(await store.calls()) == 1


async def test_text_no_database_keeps_is_recorded_all_the_same(store: Store) -> None:
    """A model's name with NUL or half a surrogate pair does not cost the client its answer."""
    await store.ledger.write(a_record(model_asked="a\ud800"))
    await store.ledger.write(a_record(model_asked="a\0"))
    assert len(await store.calls()) == 2


async def test_calls_are_told_newest_first_and_by_project(store: Store) -> None:
    """`calls` filters by project, sorts by time and keeps to its limit."""
    for at, project in ((1, "a"), (3, "a"), (2, "b"), (4, "a")):
        await store.ledger.write(a_record(at=at, project=project))
    assert [call.at for call in await store.calls("a", limit=2)] == [4, 3]
    assert [call.at for call in await store.calls()] == [4, 3, 2, 1]


async def test_a_completion_is_durable_with_its_row(store: Store) -> None:
    """`write` keeps both."""
    item = a_completion(metadata={"topic": "tea"})
    await asyncio.gather(store.ledger.write(a_record(), item), store.ledger.write(a_record()))
    assert await store.completions.get("default", item.id) == item
    assert len(await store.calls()) == 2


async def test_a_row_without_its_completion_is_not_written(store: Store) -> None:
    """When the completion is refused, its row is not there either, but its neighbours are."""
    writes = (store.ledger.write(a_record(), a_completion(created=1 << 70)), store.ledger.write(a_record()))
    results = await asyncio.gather(*writes, return_exceptions=True)
    assert [type(result) for result in results] == [NotRecorded, type(None)]
    assert len(await store.calls()) == 1


async def test_an_upstream_may_repeat_its_ids(store: Store) -> None:
    """The second answer is kept under an id of the call's, and nothing of the first is lost."""
    first = a_completion(metadata={"topic": "tea"}, answer=b'{"id":"a","n":1}')
    second = msgspec.structs.replace(first, answer=b'{"id":"a","n":2}', metadata={"topic": "rum"})
    one, two = a_record(), a_record()
    await asyncio.gather(
        store.ledger.write(one, first), store.ledger.write(two, second), store.ledger.write(a_record())
    )
    assert await store.completions.get("default", first.id) == first
    kept = await store.completions.get("default", "chatcmpl-" + two.id.removeprefix("req_"))
    assert (msgspec.json.decode(kept.answer), kept.metadata) == ({"id": kept.id, "n": 2}, {"topic": "rum"})
    assert len(await store.calls()) == 3


async def test_a_completion_without_its_row_is_not_written(store: Store) -> None:
    """When the row is refused, its completion is not there either."""
    record, item = a_record(), a_completion()
    await store.ledger.write(record)
    with pytest.raises(NotRecorded):
        await store.ledger.write(record, item)
    with pytest.raises(NotFound):
        await store.completions.get("default", item.id)


async def test_a_row_is_written_though_its_call_was_cancelled(store: Store) -> None:
    """A cancelled writer leaves its row, and does no harm to the others."""
    task = asyncio.ensure_future(store.ledger.write(a_record()))
    await asyncio.sleep(0)
    task.cancel()
    await store.ledger.write(a_record())
    assert len(await store.calls()) == 2


async def test_closing_writes_what_is_pending(url: str) -> None:
    """Rows handed in before `close` are durable after it."""
    store = await open_store(url)
    writes = [asyncio.ensure_future(store.ledger.write(a_record())) for _ in range(100)]
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*writes)
    again = await open_store(url)
    assert len(await again.calls()) == 100
    await again.close()


async def test_a_closed_ledger_records_nothing(url: str) -> None:
    """After `close` a row is NotRecorded, not lost in silence."""
    store = await open_store(url)
    await store.close()
    with pytest.raises(NotRecorded):
        await store.ledger.write(a_record())


async def test_ready_leaves_no_row(store: Store) -> None:
    """`ready` proves a write without writing a call."""
    await store.ready()
    await asyncio.gather(store.ready(), store.ledger.write(a_record()))
    assert len(await store.calls()) == 1


async def test_rows_of_a_killed_process_are_there(store: Store, url: str) -> None:
    """Every row whose write returned before kill -9 is in the ledger."""
    with start("write", url, "100000") as process:
        assert process.stdout is not None
        told = [(await asyncio.to_thread(process.stdout.readline)).strip() for _ in range(500)]
        process.send_signal(signal.SIGKILL)
        told += [line.strip() for line in process.stdout if line.endswith("\n")]
    found = {call.id for call in await store.calls(limit=1_000_000)}
    assert set(told) <= found
    await store.ledger.write(a_record())


async def test_two_processes_write_at_once(store: Store, url: str) -> None:
    """Two processes and this one lose nothing and do not fail each other."""
    processes = [start("write", url, "300") for _ in range(2)]
    for _ in range(20):
        await asyncio.gather(*(store.ledger.write(a_record()) for _ in range(5)))
    for process in processes:
        out, _ = await asyncio.to_thread(process.communicate)
        assert len(out.split()) == 300
    assert len(await store.calls(limit=1_000)) == 700
