"""How the time that is asked for is cut into pages and buckets, and who may ask."""

from urllib.parse import urlencode

import pytest

from parley.errors import Forbidden, InvalidRequest, Unauthenticated
from parley.flows.usage import KINDS, Kind, page
from parley.schema.buckets import BucketPage
from parley.settings import Settings
from parley.testing import SECRET, START, FakeLedger, RecordingReply, a_call, a_house

HOUSE = a_house({}, Settings(), ledger=FakeLedger())
NOW = START // 10**9
DAY = 86_400
TODAY = NOW - NOW % DAY
MODERATIONS, COSTS = KINDS[2], KINDS[-1]  # of the first there are none, so that no rows are needed


async def ask(kind: Kind = MODERATIONS, secret: str = SECRET + "-admin", **query: object) -> BucketPage:
    """Return the page that *query* asks for."""
    return await page(a_call(b"", secret=secret), RecordingReply(), HOUSE, kind, urlencode(query))


def bounds(found: BucketPage) -> list[tuple[int, int]]:
    """Return where the buckets begin and end, in seconds after today's begin."""
    return [(one.start_time - TODAY, one.end_time - TODAY) for one in found.data]


async def test_only_admin_keys_may_ask() -> None:
    """Before anything is said about the question."""
    with pytest.raises(Forbidden):
        await ask(secret=SECRET, start_time=-1)
    with pytest.raises(Unauthenticated):
        await ask(secret="sk-wrong")


async def test_without_an_end_today_is_the_last() -> None:
    """The whole of it, so that each bucket is as long as the other; the first is cut."""
    found = await ask(start_time=TODAY - DAY + 5)
    assert bounds(found) == [(5 - DAY, 0), (0, DAY)]
    assert (found.has_more, found.next_page) == (False, None)


async def test_pages_follow_each_other() -> None:
    """Each bucket once, however many a page has; the last is cut."""
    query = {"start_time": TODAY + 90, "end_time": TODAY + 250, "bucket_width": "1m"}
    first = await ask(**query, limit=1)
    rest = await ask(**query, page=first.next_page)
    assert bounds(first) + bounds(rest) == [(90, 120), (120, 180), (180, 240), (240, 250)]
    assert (first.has_more, rest.has_more) == (True, False)


async def test_a_page_belongs_to_its_list() -> None:
    """Other parameters, another kind, a changed number: none of this list."""
    query = {"start_time": TODAY - 9 * DAY, "end_time": TODAY}
    cursor = (await ask(**query)).next_page or ""
    number, seal = cursor.split("_")[1:]
    forged = [cursor + "0", f"page_{int(number, 16) + 1:x}_{seal}", f"page_{TODAY:x}_{seal}", "page_1", ""]
    wrong = [ask(page=name, **query) for name in forged]
    wrong += [ask(page=cursor, **query, bucket_width="1h"), ask(COSTS, page=cursor, **query)]
    for one in wrong:
        with pytest.raises(InvalidRequest) as raised:
            await one
        assert raised.value.param == "page"


@pytest.mark.parametrize(("width", "usual", "most"), [("1d", 7, 31), ("1h", 24, 168), ("1m", 60, 1440)])
async def test_limits(width: str, usual: int, most: int) -> None:
    """As many buckets as OpenAI gives."""
    assert len((await ask(start_time=0, bucket_width=width)).data) == usual
    assert len((await ask(start_time=0, bucket_width=width, limit=most)).data) == most
    with pytest.raises(InvalidRequest) as raised:
        await ask(start_time=0, bucket_width=width, limit=most + 1)
    assert raised.value.param == "limit"


@pytest.mark.parametrize("query", [{"start_time": 5, "end_time": 5}, {"start_time": TODAY + DAY}])
async def test_time_goes_forward(query: dict[str, int]) -> None:
    """A stretch that ends before it begins, or begins after today, is none."""
    with pytest.raises(InvalidRequest) as raised:
        await ask(**query)
    assert raised.value.param == "start_time"
