"""Events as webhooks carry them, in the shape of OpenAI's own."""

from parley.schema.wire import Wire


class SpendAlertData(Wire):
    """An alert that was reached. Amounts in cents, spent: in dollars; recipients: whom its mail channel names."""

    alert_id: str
    project_id: str | None
    project_name: str | None
    interval: str
    period: str
    currency: str
    threshold_amount: int
    spent: float
    recipients: list[str]
    subject_prefix: str | None


class Event(Wire):
    """One event. created_at: seconds since 1970."""

    id: str
    created_at: int
    type: str
    data: SpendAlertData
    object: str = "event"
