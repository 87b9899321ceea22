"""A mistake in the settings is told by its path and by what may stand there."""

from typing import Any

import msgspec
import pytest

from parley.mistakes import told
from parley.settings import Settings

HERE = {"base_url": "http://h/v1"}


def wrong(**tree: Any) -> tuple[str, str]:
    """Return what is told of *tree*."""
    with pytest.raises(msgspec.ValidationError) as failure:
        msgspec.convert(tree, Settings)
    return told(str(failure.value), tree, Settings)


def test_the_wrong_one_of_several_is_named() -> None:
    """By its own name, though its neighbours have the same keys."""
    tables = {"right": HERE, "wrong": HERE | {"retries": 11}, "later": HERE | {"retries": 12}}
    assert wrong(upstreams=tables) == ("upstreams.wrong.retries", "must be a whole number from 0 to 10, not 11")


def test_the_name_of_a_model_is_quoted() -> None:
    """As it stands in the file; the target is counted from 0."""
    assert wrong(models={"gpt-4.1": {"targets": ["a/b", 5]}}) == ('models."gpt-4.1".targets[1]', "must be text, not 5")


@pytest.mark.parametrize(
    ("value", "shown"),
    [("sk-secret", "text"), (5, "5"), (True, "true"), (["sk-secret"], "a list"), ([], "an empty list")],
)
def test_what_may_be_a_secret_is_not_repeated(value: object, shown: str) -> None:
    """Someone wrote the key itself where its place belongs."""
    place, words = wrong(upstreams={"a": HERE | {"key": value}})
    assert (place, words.rpartition(", not ")[2]) == ("upstreams.a.key", shown)


@pytest.mark.parametrize(
    ("tree", "meant"),
    [
        ({"listen": "x"}, "server.listen"),
        ({"server": {"base_ulr": "x"}}, "upstreams.NAME.base_url"),
        ({"upstreams": {"a": HERE | {"keys": {}}}}, "key"),
        ({"upstreams": {"a": HERE | {"timeouts": {"conect": 1}}}}, "connect"),
    ],
)
def test_a_misspelt_setting_is_asked_about(tree: dict[str, Any], meant: str) -> None:
    """One of the same table before one of another, which is called by its path."""
    assert wrong(**tree)[1] == f"there is no such setting; did you mean {meant}?"


def test_a_sentence_of_ours_may_name_one_setting_of_a_table() -> None:
    """Its path is then the setting's, so that the variable that set it can be blamed."""
    place, words = wrong(server={"cors_origins": ["a.example"]})
    assert (place, words.partition(" ")[0]) == ("server.cors_origins", "`a.example`")


def test_a_sentence_of_ours_has_its_own_path() -> None:
    """It is told as it is."""
    assert wrong(upstreams={"local": HERE})[0] == ""
