"""Quoting: what may be passed on of what was said."""

import pytest

from parley.upstreams.providers.local.quoting import count, counted, quotable, quoting, rest, words


def rule(name: str, text: str) -> str:
    """Return the rule *name* for what is quoted of *text*."""
    return next(it for it in quoting(text) if it.startswith(f"{name}: "))


def test_chinese_is_cut_into_words() -> None:
    """Those of a dictionary, so that no value is half a word; a name that it lacks stays in signs, as Japanese does."""
    assert words("请寄溜冰鞋到鄂尔多斯。") == ["请", "寄", "溜冰鞋", "到", "鄂尔多斯", "。"]
    assert words("褚聿修2029年の注文") == ["褚", "聿", "修", "2029", "年", "の", "注文"]


@pytest.mark.parametrize(
    ("text", "least", "most", "can"),
    [
        ("to Bob?", 1, None, True),
        ("to Bob?", 6, 6, True),
        ("to Bob?", 4, 5, False),
        ("to Bob?", 1, 1, False),
        ("to Bob?", 8, None, False),
        ("to\nBob?", 5, None, False),
        ("???", 1, None, False),
        (", a;", 1, None, True),
        ("", 1, None, False),
    ],
)
def test_a_piece_of_some_length(text: str, least: int, most: int | None, can: bool) -> None:
    """Of whole words of one line, without the marks around them."""
    assert quotable(text, least, most) == can


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("5kg", "(FIGURES & /-?(0|[1-9][0-9]*)/)"),
        ("two of 30", '(FIGURES & /-?(0|[1-9][0-9]*)/) | "2"'),
        ("Both, for a dozen", '"1" | "12" | "2"'),
        ("要两个", '"1" | "2"'),
        ("as ever", "/[0-9]|1[0-2]/"),
        ("7.50", "/[0-9]|1[0-2]/"),
    ],
)
def test_a_number_was_said(text: str, whole: str) -> None:
    """In figures or as a word; where there is neither, it is a small one of the model's own."""
    assert rule("WHOLE", text) == f"WHOLE: {whole}"


def test_what_is_said_in_marks_alone_is_no_text() -> None:
    """A text is in words of the model's own then: nothing could be quoted."""
    assert rule("HEARD", "? -?") == "HEARD: OWN"
    assert "PART" in rule("HEARD", "why?")


@pytest.mark.parametrize(
    ("piece", "text", "times"),
    [
        ("15", "15 of 150, 1,500 or 15.5", 1),
        ("Rome", "Rome, Romeo", 1),
        ("吊床", "吊床和吊床", 2),
        ("18", "租18天", 1),
    ],
)
def test_a_piece_is_counted_by_whole_words(piece: str, text: str, times: int) -> None:
    """A number is not found within another one."""
    assert count(piece, text) == times


def test_what_is_gone_can_not_be_reached_across() -> None:
    """Its place is a line break, which no value has."""
    assert rest("from Rome to Lyon in Rome", ["Rome", "Lyon"]) == "from \n to \n in \n"


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("where is consignment 8296-QJ-295", "consignment"),
        ("order no. A-123-4, parcel number: AB12345", "order|no|parcel|number"),
        ("看看维修单3822-JL-3859的进度", "看维修单|维修单|修单|单"),
        ("订单号：2023110512", "订单号|单号|号"),
        ("a Sony WH-1000XM4 on 2033-01-30, room 12", ""),
    ],
)
def test_the_word_for_a_code_is_no_part_of_it(text: str, labels: str) -> None:
    """No value begins with it; a name, a day and a short number are no codes with a label."""
    assert rule("HEARD", text).endswith(rf" & ~/({labels})[^\n]*/" if labels else "ENDED")


@pytest.mark.parametrize(("text", "found"), [("15 of them", True), ("two", True), ("3.5", True), ("2033-01-30", False)])
def test_a_number_is_told_or_not(text: str, *, found: bool) -> None:
    """In figures, or as a word."""
    assert counted(text) is found


def test_rules_may_be_marked() -> None:
    """So that those of two texts stand side by side."""
    plain, marked = quoting("two in Rome"), quoting("two in Rome", "X_")
    names = [it.partition(":")[0] for it in plain]
    assert [it.partition(":")[0] for it in marked] == [f"X_{name}" for name in names]
    assert "X_HEARD: X_PART & " in "\n".join(marked)
