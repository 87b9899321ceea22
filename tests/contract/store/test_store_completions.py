"""The contract of stored completions, on SQLite and PostgreSQL."""

from typing import Literal

import pytest

from parley.errors import NotFound
from parley.store.database import Store
from tests.contract.store.rows import a_completion


async def test_a_completion_comes_back_as_it_was(store: Store) -> None:
    """Every field and every pair of metadata survives."""
    item = a_completion(metadata={"a": "1", 'quote"': "two", "汉": "字"})
    await store.completions.add(item)
    assert await store.completions.get("default", item.id) == item


async def test_another_project_does_not_see_it(store: Store) -> None:
    """It can neither read, change, delete nor list it."""
    item = a_completion()
    await store.completions.add(item)
    with pytest.raises(NotFound):
        await store.completions.get("other", item.id)
    with pytest.raises(NotFound):
        await store.completions.update("other", item.id, {})
    with pytest.raises(NotFound):
        await store.completions.delete("other", item.id)
    assert await store.completions.list("other") == ([], False)


async def test_metadata_is_replaced(store: Store) -> None:
    """`update` returns and keeps the new pairs only."""
    item = a_completion(metadata={"a": "1", "b": "2"})
    await store.completions.add(item)
    changed = await store.completions.update("default", item.id, {"b": "3", "c": "4"})
    assert changed.metadata == {"b": "3", "c": "4"}
    assert await store.completions.get("default", item.id) == changed


async def test_a_deleted_completion_is_gone(store: Store) -> None:
    """Its metadata goes with it, so the id is free again."""
    item = a_completion(metadata={"a": "1"})
    await store.completions.add(item)
    await store.completions.delete("default", item.id)
    with pytest.raises(NotFound):
        await store.completions.get("default", item.id)
    await store.completions.add(item)


@pytest.mark.parametrize("key", ["none", "a\0b", "'; --"])
async def test_an_id_that_is_none_is_not_found(store: Store, key: str) -> None:
    """Whatever a client puts into the path."""
    with pytest.raises(NotFound, match="No chat completion found with id"):
        await store.completions.get("default", key)


async def test_the_list_goes_by_age_in_pages(store: Store) -> None:
    """Pages follow each other without gap or repeat, equal ages too."""
    for name, created in (("a", 1), ("b", 2), ("c", 2), ("d", 3)):
        await store.completions.add(a_completion(id=name, created=created))
    orders: dict[Literal["asc", "desc"], str] = {"asc": "abcd", "desc": "dcba"}
    for order, names in orders.items():
        seen, after, more = "", None, True
        while more:
            page, more = await store.completions.list("default", after=after, limit=1, order=order)
            seen += page[0].id
            after = page[0].id
        assert seen == names


async def test_the_list_is_filtered_by_model_and_metadata(store: Store) -> None:
    """Each pair asked for must be there."""
    await store.completions.add(a_completion(id="a", model="m", metadata={"x": "1", "y": "2"}))
    await store.completions.add(a_completion(id="b", model="m", metadata={"x": "1"}))
    await store.completions.add(a_completion(id="c", model="n", metadata={"x": "2"}))
    by_model, _ = await store.completions.list("default", model="m")
    by_pair, _ = await store.completions.list("default", metadata={"x": "1"})
    by_pairs, _ = await store.completions.list("default", metadata={"x": "1", "y": "2"})
    assert ["".join(i.id for i in found) for found in (by_model, by_pair, by_pairs)] == ["ab", "ab", "a"]


async def test_after_an_unknown_one_nothing_is_listed(store: Store) -> None:
    """It is NotFound, not an empty page."""
    with pytest.raises(NotFound):
        await store.completions.list("default", after="none")
