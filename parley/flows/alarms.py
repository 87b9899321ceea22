"""The watch: looks whether spend alerts are reached, and tells the webhook of the settings.

Every process looks; an alert is noted once in its month, in the audit log too, and one process tells of it, again and
again until the receiver has it. How it fails: what goes wrong is told in the log, and tried again at a later turn.
"""

import time
from contextlib import suppress

import msgspec
import structlog

from parley.core.tasks import Recurring
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
        self._turns = Recurring(self._turn, every, "the watch over spend alerts")

    async def _turn(self) -> None:
        with suppress(NotRecorded):  # the keeper of the lease tells of a database that is away
            await self._look()

    async def _look(self) -> None:
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
        await self._turns.stop()


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
