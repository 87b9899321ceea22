"""How questions about usage and costs are read."""

import pytest

from parley.errors import InvalidRequest
from parley.schema.usage import CompletionsAsk, CostsAsk, ImagesAsk, UsageAsk, read_ask


def test_lists_come_in_both_forms() -> None:
    """With brackets, as official clients send them, and without."""
    ask = read_ask("start_time=5&group_by[]=model&group_by%5B%5D=batch&models=a&models=&batch=true", CompletionsAsk)
    assert (ask.start_time, ask.group_by, ask.models, ask.batch) == (5, ["model", "batch"], ["a", ""], True)
    assert (ask.bucket_width, ask.project_ids, ask.end_time) == ("1d", [], None)


@pytest.mark.parametrize(
    ("query", "kind", "param"),
    [
        ("", UsageAsk, "start_time"),
        ("start_time=soon", UsageAsk, "start_time"),
        ("start_time=9000000001", UsageAsk, "start_time"),
        ("start_time=1" + "0" * 5000, UsageAsk, "start_time"),
        ("start_time=1&batch=true", UsageAsk, "batch"),
        ("start_time=1&group_by=batch", UsageAsk, "group_by[0]"),
        ("start_time=1&group_by=batch", ImagesAsk, "group_by[0]"),
        ("start_time=1&group_by=model", CostsAsk, "group_by[0]"),
        ("start_time=1&bucket_width=1h", CostsAsk, "bucket_width"),
        ("start_time=1&limit=181", CostsAsk, "limit"),
        ("start_time=1&models=m", CostsAsk, "models"),
        ("start_time=1&start_time[0]=2", UsageAsk, "start_time[0]"),
    ],
)
def test_what_is_wrong_is_named(query: str, kind: type, param: str) -> None:
    """Filters that are not known too: to ignore them would give wrong sums."""
    with pytest.raises(InvalidRequest) as raised:
        read_ask(query, kind)
    assert raised.value.param == param
