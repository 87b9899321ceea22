"""The newest official client for Python: usage and costs, told by a server from the rows of its database."""

import asyncio
import secrets
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai.types.admin.organization import UsageCompletionsResponse
from servers import Server, serving

from parley.store.database import open_store
from parley.store.ledger import Record

DAY = 86_400
START = 20_000 * DAY
ROW: dict[str, Any] = {
    "project": "shop",
    "operation": "chat.completions",
    "model_asked": "gpt",
    "model_answered": "gpt-1",
    "upstream": "main",
    "input_tokens": 100,
    "cached_tokens": 40,
    "output_tokens": 7,
    "exact": True,
    "cost": 2_500,
    "price": "parley.toml",
    "status": 200,
    "code": None,
    "outcome": "answered",
    "streamed": False,
    "attempts": 1,
    "first_token_us": None,
    "total_us": 900,
}
ROWS: list[dict[str, Any]] = [
    {"at": 0},
    {"at": 60, "operation": "completions", "model_answered": "gpt-2", "cost": 100_000_000_001},
    {"at": 3_600, "operation": "embeddings", "model_answered": "embed", "output_tokens": 0},
    {"at": 2 * DAY, "project": "desk", "key_id": "key_desk"},
    {"at": 2 * DAY, "outcome": "refused", "input_tokens": 0, "output_tokens": 0, "cost": 0},
]


async def fill(url: str) -> tuple[str, str]:
    """Write the rows; return an admin key, and the id of the shop's own."""
    store = await open_store(url)
    shop = await store.keys.create(project="shop")
    for row in ROWS:
        at = (START + row["at"]) * 10**9
        name = f"req_{at:016x}{secrets.token_hex(8)}"
        await store.ledger.write(Record(**ROW | {"key_id": shop.id} | row | {"id": name, "at": at}))
    admin = await store.keys.create(admin=True)
    await store.close()
    return admin.secret, shop.id


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str, str]]:
    """Run a server on a database that has rows; with an admin key, and the id of the key that called."""
    folder = tmp_path_factory.mktemp("usage")
    (folder / "data").mkdir()
    secret, key = asyncio.run(fill(f"sqlite:///{folder / 'data' / 'parley.db'}"))
    with serving(folder, "[engine]\nenabled = false\n") as server:
        yield server, secret, key


@pytest.fixture
def admin(counted: tuple[Server, str, str]) -> Iterator[openai.OpenAI]:
    """Open the official client with an admin key."""
    server, secret, _ = counted
    with openai.OpenAI(base_url=server.base_url, api_key=secret, admin_api_key=secret, max_retries=0) as it:
        yield it


def figures(page: UsageCompletionsResponse) -> list[list[tuple[int, int, int, int | None]]]:
    """Return what each result of each bucket counts."""
    told: list[Any] = [bucket.results for bucket in page.data]
    return [
        [(one.num_model_requests, one.input_tokens, one.output_tokens, one.input_cached_tokens) for one in results]
        for results in told
    ]


def test_completions_by_day(admin: openai.OpenAI) -> None:
    """Chat completions and completions; days without any are there, and are empty."""
    page = admin.admin.organization.usage.completions(start_time=START, end_time=START + 3 * DAY)
    assert figures(page) == [[(2, 200, 14, 80)], [], [(1, 100, 7, 40)]]
    assert [(one.start_time, one.end_time) for one in page.data] == [
        (START + day * DAY, START + (day + 1) * DAY) for day in range(3)
    ]
    assert (page.object, page.has_more, page.next_page) == ("page", False, None)


def test_groups_and_filters(admin: openai.OpenAI, counted: tuple[Server, str, str]) -> None:
    """Results tell what they are grouped by; filters leave out the rest."""
    usage = admin.admin.organization.usage
    page = usage.completions(
        start_time=START, end_time=START + DAY, group_by=["project_id", "api_key_id", "model", "batch"]
    )
    told: list[Any] = list(page.data[0].results)
    assert [(one.api_key_id, one.model, one.batch, one.user_id) for one in told] == [
        (counted[2], "gpt-1", False, None),
        (counted[2], "gpt-2", False, None),
    ]
    whole: dict[str, Any] = {"start_time": START, "end_time": START + DAY}
    assert figures(usage.completions(project_ids=[told[0].project_id], **whole)) == [[(2, 200, 14, 80)]]
    assert figures(usage.completions(models=["gpt-1", "x"], **whole)) == [[(1, 100, 7, 40)]]
    assert figures(usage.completions(api_key_ids=["key_none"], **whole)) == [[]]
    assert figures(usage.completions(batch=True, **whole)) == [[]]
    assert figures(usage.completions(user_ids=["user_1"], **whole)) == [[]]


def test_pages(admin: openai.OpenAI) -> None:
    """Each page leads to the next, and together they are the whole; a page leads on in its own list only."""
    usage = admin.admin.organization.usage
    stretch: dict[str, Any] = {"start_time": START + 30, "end_time": START + 2 * 3_600, "bucket_width": "1h"}
    first = usage.completions(limit=1, **stretch)
    assert first.has_more
    assert first.next_page is not None
    second = usage.completions(page=first.next_page, **stretch)
    assert [(one.start_time - START, one.end_time - START) for one in [*first.data, *second.data]] == [
        (30, 3_600),
        (3_600, 7_200),
    ]
    assert (figures(first), second.has_more) == ([[(1, 100, 7, 40)]], False)
    with pytest.raises(openai.BadRequestError) as raised:
        usage.embeddings(page=first.next_page, **stretch)
    assert raised.value.param == "page"


def test_embeddings(admin: openai.OpenAI) -> None:
    """They are counted apart."""
    page = admin.admin.organization.usage.embeddings(start_time=START, end_time=START + DAY, group_by=["model"])
    told: list[Any] = list(page.data[0].results)
    assert [(one.object, one.model, one.num_model_requests, one.input_tokens) for one in told] == [
        ("organization.usage.embeddings.result", "embed", 1, 100)
    ]


@pytest.mark.parametrize("kind", ["moderations", "images", "audio_speeches", "audio_transcriptions"])
def test_what_is_not_there_yet_is_empty(admin: openai.OpenAI, kind: str) -> None:
    """Buckets without results."""
    page = getattr(admin.admin.organization.usage, kind)(start_time=START, end_time=START + 2 * DAY)
    assert [bucket.results for bucket in page.data] == [[], []]


def test_costs(admin: openai.OpenAI) -> None:
    """In dollars, exact to the nano-dollar; a line item is a model."""
    usage = admin.admin.organization.usage
    told: list[Any] = usage.costs(start_time=START, end_time=START + DAY).data
    assert told[0].results[0].amount.value == 100.000005001
    assert told[0].results[0].amount.currency == "usd"
    told = usage.costs(start_time=START, group_by=["line_item"], line_items=["gpt-1"]).data
    assert [(one.line_item, one.amount.value, one.quantity) for one in told[0].results] == [("gpt-1", 2.5e-6, 107.0)]


BAD: list[tuple[dict[str, Any], str]] = [
    ({"start_time": "x"}, "start_time"),
    ({"start_time": -1}, "start_time"),
    ({"start_time": START, "end_time": START}, "start_time"),
    ({"start_time": 8_000_000_000}, "start_time"),
    ({"start_time": START, "bucket_width": "1w"}, "bucket_width"),
    ({"start_time": START, "group_by": ["model", "colour"]}, "group_by[1]"),
    ({"start_time": START, "limit": 0}, "limit"),
    ({"start_time": START, "limit": 32}, "limit"),
    ({"start_time": START, "page": "page_1"}, "page"),
    ({"start_time": START, "batch": "maybe"}, "batch"),
    ({"start_time": START, "extra_query": {"colour": "red"}}, "colour"),
]


@pytest.mark.parametrize(("asked", "param"), BAD)
def test_bad_values_are_named(admin: openai.OpenAI, asked: dict[str, Any], param: str) -> None:
    """With 400."""
    with pytest.raises(openai.BadRequestError) as raised:
        admin.admin.organization.usage.completions(**asked)
    assert raised.value.param == param


def test_project_keys_are_not_for_this(counted: tuple[Server, str, str]) -> None:
    """They get 403, whatever they ask."""
    key = counted[0].key("--project", "shop")
    with (
        openai.OpenAI(base_url=counted[0].base_url, api_key=key, admin_api_key=key, max_retries=0) as client,
        pytest.raises(openai.PermissionDeniedError),
    ):
        client.admin.organization.usage.costs(start_time=-1)
