"""Rules: what a project, a key or the whole organization may take, as its administrator has set it."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

import msgspec

Scope = Literal["organization", "project", "key"]
Measure = Literal["requests", "tokens", "images", "audio", "calls", "money", "batch"]
Period = Literal["minute", "day", "month", "ever", "now"]

ANY = "*"


class Rule(msgspec.Struct, frozen=True, gc=False):
    """One limit.

    owner: the id of the project or key; empty for the organization. model: the name it is for, `*` for all of them
    together. measure: `calls` are those in flight, `audio` is in megabytes, `money` in nano-dollars, `batch` the
    input tokens of batches, which concerns no call. period: `now` goes
    with `calls`; day and month are UTC's. amount: how much of it.
    """

    scope: Scope
    owner: str
    model: str
    measure: Measure
    period: Period
    amount: int

    @property
    def counter(self) -> str:
        """Return the name of its counter, but for the date of money."""
        return f"{self.measure}/{self.period}/{self.scope}/{self.owner}/{self.model}"

    def concerns(self, model: str) -> bool:
        """Tell whether a call for *model* counts."""
        return self.model in (ANY, model) and self.measure != "batch"


_DATES = {"day": "%Y-%m-%d", "month": "%Y-%m", "ever": ""}
_DAY = 86_400_000_000_000


@lru_cache(maxsize=64)
def _date(period: str, day: int) -> str:
    """Return what the counter of a *period* of money is called on *day* (since 1970)."""
    return datetime.fromtimestamp(day * _DAY / 1e9, UTC).strftime(_DATES[period])


def budget_counter(rule: Rule, at: int) -> str:
    """Return the name of the counter of *rule*, which limits money, for the period of *at* (nanoseconds since 1970)."""
    return f"{rule.counter}/{_date(rule.period, at // _DAY)}"
