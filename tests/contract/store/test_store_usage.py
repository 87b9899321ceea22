"""Sums of the ledger's rows, the same on SQLite and PostgreSQL."""

import asyncio
from typing import Any

from sqlalchemy import text

from parley.store.database import Store, open_store
from parley.store.usage import Question, Sum
from tests.contract.store.postgres_server import PostgresServer
from tests.contract.store.rows import a_record

DAY = 86_400 * 10**9
START = 20_000 * DAY


async def write(store: Store, *changes: dict[str, Any]) -> None:
    """Write a row for each of *changes*, at the first day's begin if they do not say when."""
    await asyncio.gather(*(store.ledger.write(a_record(**{"at": START} | one)) for one in changes))


async def ask(store: Store, **changes: Any) -> list[Sum]:
    """Return the sums of ten days, asked with *changes*."""
    return await store.usage.sums(Question(**{"start": START, "end": START + 10 * DAY} | changes))


async def test_all_is_one_sum(store: Store) -> None:
    """Without a width and groups; tokens that no provider told are counted as estimated."""
    await write(store, {"cost": 7}, {"cost": 2**40, "exact": False})
    [found] = await ask(store)
    assert (found.calls, found.input_tokens, found.cached_tokens, found.output_tokens) == (2, 24, 6, 10)
    assert (found.estimated, found.cost, found.model) == (1, 2**40 + 7, None)


async def test_nothing_is_no_sum(store: Store) -> None:
    """Not a sum of nothing."""
    assert await ask(store) == []


async def test_the_end_is_left_out(store: Store) -> None:
    """And the start is not; buckets are counted from 1970."""
    await write(store, *({"at": START + when} for when in (-1, 0, DAY - 1, DAY, 2 * DAY)))
    found = await ask(store, end=START + 2 * DAY, width=DAY)
    assert [(one.bucket, one.calls) for one in found] == [(20_000, 2), (20_001, 1)]


async def test_a_renamed_project_is_told_by_its_name_of_today(store: Store) -> None:
    """And found by either name, though rows hold the first."""
    await store.keys.create(project="shop")
    owner = await store.rules.project("shop")
    await store.administration.projects.rename(owner, "store")
    await write(store, {"project": "shop"}, {"project": "other"})
    for name in ("shop", "store", owner):
        found = await ask(store, by=("project",), projects=(name,))
        assert [(one.project, one.project_id, one.calls) for one in found] == [("store", owner, 1)]


async def test_groups(store: Store) -> None:
    """By project with its id where there is one, and by the model that answered, or else was asked for."""
    key = await store.keys.create(project="shop")
    await write(
        store,
        {"project": "shop", "key_id": key.id},
        {"project": "shop", "key_id": key.id, "model_answered": None},
        {"project": "gone", "price": "p", "upstream": "u"},
    )
    found = await ask(store, by=("project", "model"))
    assert [(one.project, one.model, one.calls) for one in found] == [
        ("gone", "parley-mini", 1),
        ("shop", "gpt-4", 1),
        ("shop", "parley-mini", 1),
    ]
    assert [one.project_id and one.project_id[:5] for one in found] == [None, "proj_", "proj_"]
    assert {(one.key, one.price) for one in await ask(store, by=("key", "price", "upstream"))} == {
        (key.id, "free"),
        ("key_1", "p"),
    }


async def test_filters(store: Store) -> None:
    """By operation, project (its name or its id), key and model; what no database keeps finds nothing."""
    key = await store.keys.create(project="shop")
    await write(store, {"project": "shop", "key_id": key.id}, {"operation": "embeddings", "model_answered": "e"})
    identity = await store.rules.project("shop")
    for wanted in (
        {"projects": ("shop",)},
        {"projects": (identity,)},
        {"keys": (key.id,)},
        {"models": ("parley-mini",)},
        {"operations": ("chat.completions", "completions")},
    ):
        assert [one.key for one in await ask(store, by=("key",), **wanted)] == [key.id], wanted
    assert await ask(store, projects=("\0", "\ud800"), keys=("\0",), models=("\0",)) == []


async def test_refused_calls_have_used_nothing(store: Store) -> None:
    """But one that failed or was left counts once it has cost something."""
    nothing = {"outcome": "refused", "input_tokens": 0, "cached_tokens": 0, "output_tokens": 0, "cost": 0}
    await write(store, nothing, nothing | {"outcome": "left", "cost": 5}, nothing | {"outcome": "answered"})
    assert [one.calls for one in await ask(store)] == [2]


async def test_rows_of_a_stretch_are_found_by_an_index(store: Store) -> None:
    """Both databases have it."""
    lists = {"sqlite": "SELECT name FROM sqlite_master", "postgresql": "SELECT indexname FROM pg_indexes"}
    async with store._connections.reading() as connection:
        found = await connection.execute(text(lists[connection.dialect.name]))
        assert "calls_by_time" in {row[0] for row in found}


async def test_a_long_sum_is_not_cut_off(postgres: PostgresServer) -> None:
    """PostgreSQL lets a sum take a minute, and everything else two seconds, on the same connections."""
    store = await open_store(postgres.new_database())
    asked = text("SELECT current_setting('statement_timeout')")
    async with store.connections.summing() as connection:
        assert (await connection.execute(asked)).scalar() == "1min"
    async with store.connections.reading() as connection:
        assert (await connection.execute(asked)).scalar() == "2s"
    await store.close()
