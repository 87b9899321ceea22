"""Spend alerts, as they are shown."""

import pytest

from parley.flows.administration_alerts import shown
from parley.store.alerts import Alert


@pytest.mark.parametrize(("project", "kind"), [("", "organization.spend_alert"), ("proj_1", "project.spend_alert")])
def test_an_alert_is_its_owners(project: str, kind: str) -> None:
    """Its kind tells whose it is."""
    told = shown(Alert("alert_1", 0, project, "month", 5, b'{"type":"email","recipients":["a@b"]}'))
    assert (told.object, told.threshold_amount, told.currency, told.interval) == (kind, 5, "USD", "month")
    assert (told.notification_channel.recipients, told.notification_channel.subject_prefix) == (("a@b",), None)
