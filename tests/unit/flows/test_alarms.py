"""The watch over spend alerts: it tells until it was heard, and goes on after every failure."""

import asyncio
import json

import msgspec
import pytest
from structlog.testing import capture_logs

from parley.errors import NotRecorded, UpstreamBroken
from parley.flows.alarms import Watch, event
from parley.store.alarms import Alarm
from parley.store.alerts import Alert

TURN = 0.001
ALERT = Alert("alert_1", 0, "proj_1", "month", 500, b'{"type":"email","recipients":["a@b"],"subject_prefix":"!"}')
ALARM = Alarm(ALERT, "shop", "2026-11", 1_700_000_000_000_000_000, 5_250_000_000)


class Alarms:
    """One alarm that waits until it was told; the first look fails with *away*."""

    def __init__(self, away: Exception | None = None) -> None:
        self.away = away
        self.rung = [ALERT]
        self.untold = [ALARM]

    async def ring(self) -> list[Alert]:
        """Ring once."""
        if self.away is not None:
            error, self.away = self.away, None
            raise error
        found, self.rung = self.rung, []
        return found

    async def waiting(self, pause: float) -> list[Alarm]:
        """Return what was not told."""
        assert pause > 1
        return list(self.untold)

    async def told(self, alarm: Alarm) -> None:
        """Forget it."""
        self.untold.remove(alarm)


class Webhook:
    """A receiver that fails the first time."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []

    async def send(self, name: str, seconds: int, body: bytes) -> None:
        """Take it."""
        assert seconds > 0
        self.sent.append((name, body))
        if len(self.sent) == 1:
            raise UpstreamBroken


@pytest.mark.parametrize("away", [None, NotRecorded(), KeyError("a fault of ours")])
async def test_it_tells_until_it_was_heard(away: Exception | None) -> None:
    """Twice here, with the same id, and then no more."""
    alarms, webhook = Alarms(away), Webhook()
    with capture_logs() as lines:
        watch = Watch(alarms, webhook, TURN)  # type: ignore[arg-type]
        async with asyncio.timeout(5):
            while alarms.untold:  # noqa: ASYNC110 - a turn rings no bell
                await asyncio.sleep(TURN)
        await asyncio.sleep(5 * TURN)
        await watch.close()
    assert [name for name, _ in webhook.sent] == [ALARM.id] * 2
    assert [line["event"] for line in lines if line["log_level"] == "warning"] == [
        "a spend alert is reached",
        "the webhook could not be told of a spend alert",
    ]


async def test_without_a_receiver_only_the_log_is_told() -> None:
    """Nothing else is asked."""
    alarms = Alarms()
    watch = Watch(alarms, None, TURN)  # type: ignore[arg-type]
    async with asyncio.timeout(5):
        while alarms.rung:  # noqa: ASYNC110 - a turn rings no bell
            await asyncio.sleep(TURN)
    await watch.close()
    assert alarms.untold == [ALARM]


def test_the_event_says_what_was_spent() -> None:
    """In the shape of OpenAI's events."""
    told = json.loads(msgspec.json.encode(event(ALARM)))
    assert (told["object"], told["type"], told["created_at"]) == ("event", "spend_alert.reached", 1_700_000_000)
    assert told["id"] == "evt_1_2026-11_500"
    assert told["data"] == {
        "alert_id": "alert_1",
        "project_id": "proj_1",
        "project_name": "shop",
        "interval": "month",
        "period": "2026-11",
        "currency": "USD",
        "threshold_amount": 500,
        "spent": 5.25,
        "recipients": ["a@b"],
        "subject_prefix": "!",
    }
