"""Spend alerts: at what amount somebody is to be told. How it fails: with NotFound, and NotRecorded."""

import secrets
import time

import msgspec

from parley.store.connections import Connections
from parley.store.records import Records
from parley.store.tables import alerts


class Alert(msgspec.Struct, frozen=True):
    """A spend alert.

    project: a project's id; empty for the organization's. threshold_amount: in cents. notification_channel: its JSON.
    """

    id: str
    created_at: int
    project: str
    interval: str
    threshold_amount: int
    notification_channel: bytes


class Alerts(Records[Alert]):
    """The spend alerts of the organization and its projects."""

    def __init__(self, connections: Connections) -> None:
        super().__init__(connections, alerts, Alert, "spend alert", "spend_alert")

    async def create(self, project: str, interval: str, threshold_amount: int, channel: bytes) -> Alert:
        """Keep a new one. Raises NotRecorded."""
        made = Alert("alert_" + secrets.token_hex(12), time.time_ns(), project, interval, threshold_amount, channel)
        await self.add(made)
        return made
