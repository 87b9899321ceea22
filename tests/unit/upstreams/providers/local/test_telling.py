"""Telling: what can be told of a conversation, and the grammar that holds an answer to it."""

import pytest

from parley.upstreams.providers.local.telling import MOST, object_grammar, sentences, telling, telling_grammar


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "- It is 5.\n* Ask Ms. Farrell! 3) no mark here\n2) Open",
            ["It is 5.", "Ask Ms. Farrell!", "3) no mark here", "Open"],
        ),
        ("营业时间是9点。周日休息。", ["营业时间是9点。", "周日休息。"]),
        ("When is it? 几点？", []),
        ("Twice.\nTwice.\n\n", ["Twice."]),
        ("a <b> c. Next.", ["Next."]),
        ("It costs 7.50 euro. Yes", ["It costs 7.50 euro.", "Yes"]),
    ],
)
def test_what_can_be_told(text: str, found: list[str]) -> None:
    """Sentences without the marks of a list, each once; no questions, and nothing with a mark of the grammar's."""
    assert sentences(text) == found


def test_each_sentence_is_told_behind_a_part_of_it() -> None:
    """A part is of whole words; to a question in another language it is told with a few words around it, too."""
    rules = telling("The fee is 7.50 euro.\n押金是50元。\nHow much is the fee?")
    assert r'TOLD_0: PART_0 "\n</think>\n" "The fee is 7.50 euro."' in rules
    assert any(
        rule.startswith('PART_0: %regex {"substring_chunks": ["The", " ", "fee", " ", "is", " ", "7.50",')
        for rule in rules
    )
    other = next(rule for rule in rules if rule.startswith("TOLD_1: "))
    assert other.startswith('TOLD_1: PART_1 "\\n</think>\\n" ("押金是50元。" | ')


def test_an_object_holds_what_was_said() -> None:
    """By whole words, numbers too; an answer is put into words."""
    grammar = object_grammar("5kg to 罗马")
    assert '["5kg", " ", "to", " ", "罗马"]' in grammar
    assert '["5", "kg", " ", "to", " ", "罗", "马"]' in grammar
    assert r'"\"answer\""' in grammar


def test_nothing_to_tell_is_no_grammar() -> None:
    """Where only questions were asked, or too much was said."""
    assert telling_grammar("Why?") is None
    assert telling_grammar("\n".join(f"Line {number}." for number in range(MOST + 1))) is None


def test_an_object_of_own_words_ends() -> None:
    """Where nothing can be quoted its texts are short; what is put into words has an end too."""
    assert "{1,16}" in object_grammar("???")
    assert "{1,16}" not in object_grammar("to Rome")
    assert '{0,200}"/' in object_grammar("to Rome")
