"""The variables that stand over the file: which set something, and which are refused."""

from typing import Any

import pytest

from parley.environment import overlay
from parley.errors import SettingsError

SECTIONS = {"server": ["listen", "workers"], "store": ["url"]}


def laid(tree: dict[str, Any] | None = None, **environ: str) -> dict[str, Any]:
    """Return *tree* with the variables over it."""
    tree = {} if tree is None else tree
    overlay(tree, environ, SECTIONS)
    return tree


@pytest.mark.parametrize(
    ("text", "value"),
    [("3", 3), ("true", True), ('"3"', "3"), ("127.0.0.1:80", "127.0.0.1:80"), ("[1]", [1]), ("", "")],
)
def test_a_value_is_toml_or_else_text(text: str, value: object) -> None:
    """So that numbers need no quotes, and addresses neither."""
    assert laid(PARLEY_SERVER__LISTEN=text) == {"server": {"listen": value}}


def test_what_was_set_is_told() -> None:
    """By the path, so that a mistake can be blamed on its variable."""
    assert overlay({}, {"PARLEY_STORE__URL": "x"}, SECTIONS) == {"store.url": "PARLEY_STORE__URL"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("PARLEY_SERVER_LISTEN", "there is no such setting; did you mean PARLEY_SERVER__LISTEN?"),
        ("PARLEY_LISTEN", "there is no such setting; did you mean PARLEY_SERVER__LISTEN?"),
        ("PARLEY_STOR__URL", "there is no such setting; did you mean PARLEY_STORE__URL?"),
        ("PARLEY_CONFG", "there is no such setting; did you mean PARLEY_CONFIG?"),
        ("PARLEY_PORT", "there is no such setting"),
        ("PARLEY_", "there is no such setting"),
        ("PARLEY_UPSTREAMS__MAIN__KEY", "[upstreams] can only stand in parley.toml; variables set server, store"),
        ("PARLEY_MODELS__X", "[models] can only stand in parley.toml; variables set server, store"),
    ],
)
def test_a_variable_without_effect_is_refused(name: str, words: str) -> None:
    """By its name, with what was meant; never silently passed over."""
    with pytest.raises(SettingsError) as failure:
        laid(**{name: "1"})
    assert failure.value.message == f"{name}: {words}"


def test_a_variable_that_holds_a_secret_is_left_alone() -> None:
    """A setting names it, so it has an effect."""
    tree = {"upstreams": {"main": {"key": {"env": "PARLEY_MAIN_KEY"}}}}
    assert laid(tree, PARLEY_MAIN_KEY="sk-1") == tree


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PARLEY_SERVICE_HOST", "192.0.2.1"),
        ("PARLEY_SERVICE_PORT_HTTP", "80"),
        ("PARLEY_PORT", "tcp://192.0.2.1:80"),
        ("PARLEY_PORT_80_TCP_ADDR", "192.0.2.1"),
        ("PARLEY_PROD_PORT_80_TCP", "tcp://192.0.2.1:80"),
    ],
)
def test_what_kubernetes_says_of_a_service_is_left_alone(name: str, text: str) -> None:
    """A service called parley must not keep Parley from starting."""
    assert laid(**{name: text}) == {}
