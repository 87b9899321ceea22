"""Alarms: spend alerts whose amount was reached, each noted once in its month, by whichever process looks first.

An alarm waits here until somebody was told of it (`told`); who tries takes it for a while (`waiting`), so that of many
processes one does. How it fails: with NotRecorded.
"""

import time
from datetime import UTC, datetime

import msgspec
from sqlalchemy import ColumnElement, and_, func, select, update

from parley.core.money import CENT
from parley.core.rules import ANY, Rule
from parley.store.alerts import Alert
from parley.store.audits import note
from parley.store.connections import Connections
from parley.store.rules import INSERTS, spent
from parley.store.tables import alarms, alerts, projects


class Alarm(msgspec.Struct, frozen=True):
    """An alert that was reached; spent: nano-dollars, when that was seen; tried_at: when it was last taken."""

    alert: Alert
    project: str | None  # its name; None: the organization
    period: str
    at: int
    spent: int
    tried_at: int = 0

    @property
    def id(self) -> str:
        """Return what tells it apart from every other alarm, the same at every attempt to tell of it."""
        return f"evt_{self.alert.id.removeprefix('alert_')}_{self.period}_{self.alert.threshold_amount}"


class Alarms:
    """The alarms."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def ring(self) -> list[Alert]:
        """Note the alerts whose amount is reached in this month and that were not noted yet; return those."""
        now = time.time_ns()
        known = and_(*_of_alert(), alarms.c.period == _month(now))
        query = select(alerts).outerjoin(alarms, known).where(alarms.c.alert.is_(None))
        costs: dict[str, int] = {}
        async with self._connections.reading() as connection:
            quiet = [Alert(*row) for row in await connection.execute(query)]
            for owner in {alert.project for alert in quiet}:
                rule = Rule("project" if owner else "organization", owner, ANY, "money", "month", 0)
                costs[owner] = int((await connection.execute(spent(rule, now))).scalar_one())
        reached = [alert for alert in quiet if costs[alert.project] >= alert.threshold_amount * CENT]
        return [alert for alert in reached if await self._ring(alert, now, costs[alert.project])]

    async def _ring(self, alert: Alert, now: int, cost: int) -> bool:
        """Note that *alert* is reached; tell whether nobody was faster."""
        row = {"alert": alert.id, "period": _month(now), "threshold_amount": alert.threshold_amount}
        async with self._connections.writing() as connection:
            insert = INSERTS[connection.dialect.name](alarms).values(row | {"at": now, "spent": cost, "tried_at": 0})
            done = await connection.execute(insert.on_conflict_do_nothing(index_elements=list(row)))
            if done.rowcount:
                told = {"interval": alert.interval, "threshold_amount": alert.threshold_amount, "spent": cost}
                await note(connection, "spend_alert.reached", alert.id, alert.project, data=told)
            return bool(done.rowcount)

    async def waiting(self, pause: float) -> list[Alarm]:
        """Take the alarms of this month that nobody was told of, and nobody tried to within *pause* seconds."""
        now = time.time_ns()
        title = func.coalesce(projects.c.title, projects.c.name)
        columns = (*alerts.columns, title, alarms.c.period, alarms.c.at, alarms.c.spent, alarms.c.tried_at)
        query = select(*columns).join(alarms, and_(*_of_alert())).outerjoin(projects, projects.c.id == alerts.c.project)
        untold = (alarms.c.told_at.is_(None), alarms.c.period == _month(now))
        query = query.where(*untold, alarms.c.tried_at <= now - int(pause * 1e9))
        width = len(alerts.columns)
        async with self._connections.reading() as connection:
            found = [Alarm(Alert(*row[:width]), *row[width:]) for row in await connection.execute(query)]
        return [alarm for alarm in found if await self._note(alarm, tried_at=now)]

    async def told(self, alarm: Alarm) -> None:
        """Note that somebody was told of *alarm*, which was taken."""
        await self._note(alarm, told_at=time.time_ns())

    async def _note(self, alarm: Alarm, **values: int) -> bool:
        """Set *values* of *alarm*; tell whether nobody took it since it was read."""
        this = [alarms.c.alert == alarm.alert.id, alarms.c.period == alarm.period]
        this.append(alarms.c.threshold_amount == alarm.alert.threshold_amount)
        if "tried_at" in values:
            this.append(alarms.c.tried_at == alarm.tried_at)
        async with self._connections.writing() as connection:
            return bool((await connection.execute(update(alarms).where(*this).values(**values))).rowcount)


def _of_alert() -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that an alarm is one of an alert as it stands."""
    return alarms.c.alert == alerts.c.id, alarms.c.threshold_amount == alerts.c.threshold_amount


def _month(now: int) -> str:
    return datetime.fromtimestamp(now / 1e9, UTC).strftime("%Y-%m")
