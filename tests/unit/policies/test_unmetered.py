"""Calls that went on while the database was away: told once, with how many there were."""

from typing import Any

import pytest

from parley.core.call import Caller
from parley.errors import NotRecorded
from parley.policies.unmetered import Unmetered
from parley.testing import START, FakeClock

CALLER = Caller("key_1", "shop", "sk", open=True, project_id="proj_1")


async def test_they_are_told_once() -> None:
    """And again where nobody could be told."""
    notes: list[Any] = []
    unmetered = Unmetered(FakeClock())

    async def fail(*_: Any, **__: Any) -> None:
        raise NotRecorded

    async def note(*told: Any, **details: Any) -> None:
        notes.append((*told, details))

    for _ in range(2):
        unmetered.count(CALLER, NotRecorded())
    with pytest.raises(NotRecorded):
        await unmetered.tell(fail)
    await unmetered.tell(note)
    await unmetered.tell(note)
    assert notes == [("project.unmetered", "proj_1", "proj_1", {"data": {"calls": 2, "since": START // 10**9}})]
