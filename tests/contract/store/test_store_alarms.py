"""Alarms on both databases: each alert rings once in its month, and one process tells of it."""

import asyncio
import time

import pytest

from parley.core.money import CENT
from parley.store.audits import Wanted
from parley.store.database import Store
from tests.contract.store.rows import a_record

CHANNEL = b'{"type":"webhook"}'
HOUR = 3600.0


@pytest.fixture
async def project(store: Store) -> str:
    """Make a project that has spent seven cents this month, and two before."""
    await store.keys.create(project="shop")
    for cost, at in ((3, time.time_ns()), (4, time.time_ns()), (2, 1)):
        await store.ledger.write(a_record(project="shop", cost=cost * CENT, at=at))
    return await store.rules.project("shop")


async def test_an_alert_rings_once(store: Store, project: str) -> None:
    """What is not reached does not; of many processes one rings; the audit log has it."""
    alerts = store.administration.alerts
    made = await alerts.create(project, "month", 7, CHANNEL)
    await alerts.create(project, "month", 8, CHANNEL)
    everybody = await asyncio.gather(*(store.alarms.ring() for _ in range(4)))
    assert [alert.id for found in everybody for alert in found] == [made.id]
    assert await store.alarms.ring() == []
    deeds, _ = await store.audits.list(Wanted(kinds=("spend_alert.reached",)))
    assert [(deed.link.subject, deed.project) for deed in deeds] == [(made.id, "shop")]


async def test_the_organizations_alert_counts_all_projects(store: Store, project: str) -> None:
    """One that was changed rings anew."""
    await store.ledger.write(a_record(project="other", cost=5 * CENT, at=time.time_ns()))
    made = await store.administration.alerts.create("", "month", 12, CHANNEL)
    assert [alert.id for alert in await store.alarms.ring()] == [made.id]
    await store.administration.alerts.change(made.id, {"threshold_amount": 11})
    assert [alert.threshold_amount for alert in await store.alarms.ring()] == [11]
    assert project


async def test_an_alarm_waits_until_it_is_told(store: Store, project: str) -> None:
    """Whoever takes it has it for a while; what was told is done with, what is deleted too."""
    made = await store.administration.alerts.create(project, "month", 1, CHANNEL)
    await store.alarms.ring()
    taken = await asyncio.gather(*(store.alarms.waiting(HOUR) for _ in range(4)))
    [alarm] = [alarm for found in taken for alarm in found]
    assert (alarm.alert, alarm.project, alarm.spent) == (made, "shop", 7 * CENT)
    assert await store.alarms.waiting(HOUR) == []
    assert [again.id for again in await store.alarms.waiting(0)] == [alarm.id]
    await store.alarms.told(alarm)
    assert await store.alarms.waiting(0) == []
    await store.administration.alerts.delete(made.id)
    assert await store.alarms.ring() == []
