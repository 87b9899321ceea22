"""Usage and costs as the Administration API tells them: pages of buckets, summed from the ledger's rows.

Buckets begin at whole minutes, hours or UTC days; the first and the last are cut to the time that is asked for. A
page's cursor carries where the next begins and what was asked, so that it leads on in its own list only.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

import msgspec

from parley.core.call import Call
from parley.core.money import NANO
from parley.core.reply import Reply
from parley.errors import InvalidRequest
from parley.house import House
from parley.schema.buckets import Amount, Bucket, BucketPage, CompletionsUsage, CostsResult, EmbeddingsUsage, Result
from parley.schema.reading import short
from parley.schema.usage import Ask, CompletionsAsk, CostsAsk, ImagesAsk, UsageAsk, read_ask
from parley.store.usage import Column, Question, Sum

SECONDS: Final = {"1m": 60, "1h": 3_600, "1d": 86_400}
LIMITS: Final = {"1m": (60, 1440), "1h": (24, 168), "1d": (7, 31)}  # default and largest
COST_LIMIT: Final = 7
COLUMNS: Final[dict[str, Column]] = {
    "project_id": "project",
    "api_key_id": "key",
    "model": "model",
    "line_item": "model",
}
_CURSOR: Final = re.compile(r"page_([0-9a-f]{1,9})_([0-9a-f]{16})")

Grouping = tuple[str, ...]


class Kind(NamedTuple):
    """One endpoint: its name, what it is asked, which operations it counts (None: all), and what a sum looks like."""

    name: str
    summary: str
    ask: type[Ask]
    operations: tuple[str, ...] | None
    result: Callable[[Sum, Grouping], Result] | None = None  # None: there is nothing of this kind


class Window(NamedTuple):
    """A page's stretch of time, in seconds; *end* is before the last bucket's end where less is asked for."""

    start: int
    end: int
    width: int
    more: bool


async def page(call: Call, reply: Reply, house: House, kind: Kind, query: str) -> BucketPage:
    """Return the page of *kind* that *query* asks for. Raises Unauthenticated, Forbidden, InvalidRequest."""
    caller = await house.keys.identify(call)
    reply.authenticated = True
    house.access.administrate(caller)
    if call.refusal is not None:
        raise call.refusal
    ask: Ask = read_ask(query, kind.ask)  # type: ignore[type-var]
    seal = _seal(kind, ask)
    window = _window(ask, seal, house.clock.now() // NANO)
    question = _question(kind, ask, window)
    found = await house.usage.sums(question) if question else []
    data = _buckets(window, found, kind, tuple(ask.group_by))
    return BucketPage(data, window.more, f"page_{window.end:x}_{seal}" if window.more else None)


def _seal(kind: Kind, ask: Ask) -> str:
    """Return what tells one question from another; how many buckets a page has is no part of it."""
    asked = msgspec.structs.replace(ask, page=None, limit=None)
    return hashlib.sha256(kind.name.encode() + msgspec.json.encode(asked)).hexdigest()[:16]


def _window(ask: Ask, seal: str, now: int) -> Window:
    """Return what the page is about. Raises InvalidRequest."""
    width = SECONDS[ask.bucket_width]
    end = now - now % width + width if ask.end_time is None else ask.end_time
    if ask.start_time >= end:
        bound = "in the past" if ask.end_time is None else "before 'end_time'"
        raise _invalid("start_time", f"it must be {bound}")
    start = ask.start_time if ask.page is None else _opened(ask.page, seal)
    if not ask.start_time <= start < end or (ask.page is not None and start % width):
        raise _invalid("page", "it is no page of this list")
    last = min(end, start - start % width + _limit(ask) * width)
    return Window(start, last, width, last < end)


def _opened(cursor: str, seal: str) -> int:
    """Return where the page that *cursor* leads to begins. Raises InvalidRequest."""
    found = _CURSOR.fullmatch(cursor)
    if found is None or found[2] != seal:
        raise _invalid("page", "it is no page of this list; ask for it with the same parameters")
    return int(found[1], 16)


def _limit(ask: Ask) -> int:
    """Return how many buckets a page has. Raises InvalidRequest."""
    if isinstance(ask, CostsAsk):
        return ask.limit or COST_LIMIT
    usual, most = LIMITS[ask.bucket_width]
    if ask.limit is not None and ask.limit > most:
        raise InvalidRequest(
            f"Invalid 'limit': integer above maximum value. Expected a value <= {most} with buckets of "
            f"{ask.bucket_width}, but got {short(str(ask.limit))} instead.",
            param="limit",
            code="integer_above_max_value",
        )
    return ask.limit or usual


def _invalid(name: str, why: str) -> InvalidRequest:
    return InvalidRequest(f"Invalid '{name}': {why}.", param=name, code="invalid_value")


def _question(kind: Kind, ask: Ask, window: Window) -> Question | None:
    """Return what the store is asked; None where nothing can be found: no call is a user's or a batch's."""
    if kind.result is None or ask.user_ids or getattr(ask, "batch", None):
        return None
    models = ask.line_items if isinstance(ask, CostsAsk) else ask.models
    return Question(
        start=window.start * NANO,
        end=window.end * NANO,
        width=window.width * NANO,
        by=tuple(dict.fromkeys(COLUMNS[name] for name in ask.group_by if name in COLUMNS)),
        operations=kind.operations,
        projects=_names(ask.project_ids),
        keys=_names(ask.api_key_ids),
        models=_names(models),
    )


def _names(given: list[str]) -> tuple[str, ...] | None:
    return tuple(given) or None


def _buckets(window: Window, found: Iterable[Sum], kind: Kind, grouping: Grouping) -> list[Bucket]:
    """Return every bucket of the page with its results."""
    results: dict[int, list[Result]] = defaultdict(list)
    for one in found:
        if kind.result is not None:
            results[one.bucket].append(kind.result(one, grouping))
    first, last = window.start // window.width, -(-window.end // window.width)
    return [
        Bucket(
            start_time=max(window.start, number * window.width),
            end_time=min(window.end, (number + 1) * window.width),
            results=results[number],
        )
        for number in range(first, last)
    ]


def _whose(one: Sum, grouping: Grouping) -> dict[str, Any]:
    """Return whose *one* is: what a result tells for each name in *grouping*."""
    told = {
        "project_id": one.project_id or one.project,
        "api_key_id": one.key,
        "model": one.model,
        "line_item": one.model,
        "batch": False,
        "api_source": "unlabeled",
    }
    return {name: told.get(name) for name in grouping}


def _completions(one: Sum, grouping: Grouping) -> Result:
    return CompletionsUsage(
        num_model_requests=one.calls,
        input_tokens=one.input_tokens,
        input_cached_tokens=one.cached_tokens,
        input_uncached_tokens=one.input_tokens - one.cached_tokens,
        output_tokens=one.output_tokens,
        **_whose(one, grouping),
    )


def _embeddings(one: Sum, grouping: Grouping) -> Result:
    return EmbeddingsUsage(num_model_requests=one.calls, input_tokens=one.input_tokens, **_whose(one, grouping))


def _costs(one: Sum, grouping: Grouping) -> Result:
    item = "line_item" in grouping
    return CostsResult(
        amount=Amount(one.cost / NANO),
        quantity=one.input_tokens + one.output_tokens if item else None,
        quantity_unit="tokens" if item else None,
        **_whose(one, grouping),
    )


KINDS: Final = (
    Kind("usage.completions", "Tell what chat completions and completions used.", CompletionsAsk,
         ("chat.completions", "completions"), _completions),
    Kind("usage.embeddings", "Tell what embeddings used.", UsageAsk, ("embeddings",), _embeddings),
    Kind("usage.moderations", "Tell what moderations used.", UsageAsk, ()),
    Kind("usage.images", "Tell what images used.", ImagesAsk, ()),
    Kind("usage.audio_speeches", "Tell what speeches used.", UsageAsk, ()),
    Kind("usage.audio_transcriptions", "Tell what transcriptions used.", UsageAsk, ()),
    Kind("costs", "Tell what was spent.", CostsAsk, None, _costs),
)  # fmt: skip
