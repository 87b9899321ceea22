"""The watch: looks whether spend alerts are reached, and tells the webhook of the settings.

Every process looks; an alert is noted once in its month, in the audit log too, and one process tells of it, again and
again until the receiver has it. How it fails: what goes wrong is told in the log, and tried again at a later turn.
"""

import asyncio
import time
from contextlib import suppress

import msgspec
import structlog

from parley.errors import NotRecorded, UpstreamError
from parley.schema.admin_limits import CHANNEL
from parley.schema.webhooks import Event, SpendAlertData
from parley.store.alarms import Alarm, Alarms
from parley.upstreams.webhooks import Webhook

log = structlog.get_logger()

PAUSE_SECONDS = 60.0
"""Until the receiver that could not be told is tried again."""
_NANO = 1e9


class Watch:
    """Looks every so often; made inside the event loop."""

    def __init__(self, alarms: Alarms, webhook: Webhook | None, every: float) -> None:
        self._alarms = alarms
        self._webhook = webhook
        self._every = every
        self._task = asyncio.get_running_loop().create_task(self._work())

    async def _work(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            [failure] = await asyncio.gather(self._turn(), return_exceptions=True)
            if isinstance(failure, Exception) and not isinstance(failure, NotRecorded):  # the keeper tells of that
                log.error("a fault of ours: the watch over spend alerts goes on", exc_info=failure)

    async def _turn(self) -> None:
        for alert in await self._alarms.ring():
            log.warning("a spend alert is reached", alert=alert.id, project=alert.project or None)
        if self._webhook is None:
            return
        for alarm in await self._alarms.waiting(PAUSE_SECONDS):
            try:
                await self._webhook.send(alarm.id, int(time.time()), msgspec.json.encode(event(alarm)))
            except UpstreamError as failure:
                log.warning("the webhook could not be told of a spend alert", alert=alarm.alert.id, why=failure.message)
            else:
                await self._alarms.told(alarm)

    async def close(self) -> None:
        """Stop looking."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task


def event(alarm: Alarm) -> Event:
    """Return what is told of *alarm*."""
    alert = alarm.alert
    channel = CHANNEL.decode(alert.notification_channel)
    data = SpendAlertData(
        alert_id=alert.id,
        project_id=alert.project or None,
        project_name=alarm.project,
        interval=alert.interval,
        period=alarm.period,
        currency="USD",
        threshold_amount=alert.threshold_amount,
        spent=alarm.spent / _NANO,
        recipients=list(channel.recipients),
        subject_prefix=channel.subject_prefix,
    )
    return Event(alarm.id, alarm.at // 1_000_000_000, "spend_alert.reached", data)
