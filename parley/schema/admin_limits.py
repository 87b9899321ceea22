"""Rate limits, spend limits and spend alerts, as the Administration API shows them.

What we limit besides OpenAI's has fields of its own, which OpenAI's clients pass over. Amounts of money are in cents.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from parley.schema.admin import Email, Limit, OrderedListing, Strict, Text
from parley.schema.wire import Wire

UNLIMITED = 2**31 - 1
"""What a rate is told, and may be set, to be where it has no limit: OpenAI's clients expect a number there."""

Rate = Annotated[int, Meta(ge=0, le=UNLIMITED)]
NewRate = Rate | UnsetType | None
Cents = Annotated[int, Meta(ge=0, le=400_000_000_000)]


class RateLimit(Wire, tag_field="object", tag="project.rate_limit"):
    """What a project may take of a model each minute and day; the last two are ours."""

    id: str
    model: str
    max_requests_per_1_minute: int = UNLIMITED
    max_tokens_per_1_minute: int = UNLIMITED
    max_images_per_1_minute: int | None = None
    max_audio_megabytes_per_1_minute: int | None = None
    max_requests_per_1_day: int | None = None
    batch_1_day_max_input_tokens: int | None = None
    max_tokens_per_1_day: int | None = None
    max_concurrent_requests: int | None = None


class RateLimitListing(Strict):
    """Which rate limits are wanted."""

    after: str = ""
    before: str = ""
    limit: Limit = 100


class RateLimitUpdate(Strict):
    """The body that changes a rate limit: what is named is set, null removes it."""

    max_requests_per_1_minute: NewRate = UNSET
    max_tokens_per_1_minute: NewRate = UNSET
    max_images_per_1_minute: NewRate = UNSET
    max_audio_megabytes_per_1_minute: NewRate = UNSET
    max_requests_per_1_day: NewRate = UNSET
    batch_1_day_max_input_tokens: NewRate = UNSET
    max_tokens_per_1_day: NewRate = UNSET
    max_concurrent_requests: NewRate = UNSET


class Enforcement(Wire):
    """Whether calls are being refused for it."""

    status: Literal["inactive", "enforcing"]


class SpendLimit(Wire):
    """A hard limit of what is spent; `interval` is that of `threshold_amount`, the others are told beside it."""

    object: str
    currency: str
    interval: Literal["day", "month", "ever"]
    threshold_amount: int
    enforcement: Enforcement
    day_threshold_amount: int | None = None
    ever_threshold_amount: int | None = None
    fit: bool | None = None
    open: bool | None = None
    drain: bool | None = None


class OrganizationSpendLimitUpdate(Strict):
    """The body that sets what the organization may spend: a month, and beside it a day or for good (null: no limit)."""

    currency: Literal["USD"]
    interval: Literal["month"]
    threshold_amount: Cents
    day_threshold_amount: Cents | UnsetType | None = UNSET
    ever_threshold_amount: Cents | UnsetType | None = UNSET


class ProjectSpendLimitUpdate(Strict):
    """The same of a project; `fit`: shorter answers where the rest does not pay for whole ones; `open`: answers without
    limits while the database is away; `drain`: streams go on to their end when their client hangs up."""  # noqa: D205, D209 - one sentence

    currency: Literal["USD"]
    interval: Literal["month"]
    threshold_amount: Cents
    day_threshold_amount: Cents | UnsetType | None = UNSET
    ever_threshold_amount: Cents | UnsetType | None = UNSET
    fit: bool | None = None
    open: bool | None = None
    drain: bool | None = None


class SpendLimitDeleted(Wire):
    """What is left of a spend limit."""

    object: str
    deleted: bool = True


class Channel(Strict):
    """Who is told of what is spent: the settings' webhook in any case, which is told of the recipients too."""

    type: Literal["email", "webhook"]
    recipients: Annotated[tuple[Email, ...], Meta(max_length=100)] = ()
    subject_prefix: Text | None = None


class Alert(Wire):
    """An amount at which somebody is told."""

    id: str
    object: str
    currency: str
    interval: str
    threshold_amount: int
    notification_channel: Channel


class AlertListing(OrderedListing):
    """Which spend alerts are wanted."""

    before: str = ""


class AlertSet(Strict):
    """The body that makes or replaces a spend alert."""

    currency: Literal["USD"]
    interval: Literal["month"]
    threshold_amount: Cents
    notification_channel: Channel


RATES = msgspec.json.Decoder(RateLimitUpdate)
ORGANIZATION_SPEND = msgspec.json.Decoder(OrganizationSpendLimitUpdate)
PROJECT_SPEND = msgspec.json.Decoder(ProjectSpendLimitUpdate)
ALERT = msgspec.json.Decoder(AlertSet)
CHANNEL = msgspec.json.Decoder(Channel)
