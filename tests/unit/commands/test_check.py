"""What `parley check` finds in the settings, without a file or a connection."""

from pathlib import Path
from typing import Any

import pytest

from parley.commands.check import database, models, price_of, problems, upstreams
from parley.commands.options import Options
from parley.sections import HedgeSettings
from parley.settings import OPENAI_URL, ModelSettings, PriceSettings, Secret, Settings, StoreSettings, UpstreamSettings

KEY = Secret(env="PARLEY_TEST_KEY")
NONE = "without effect"


def settings(base_url: str = "http://h/v1", key: Secret | None = None, **entry: object) -> Settings:
    """Return settings of one upstream and one model `gpt-4o` on it."""
    model = ModelSettings(targets=["main/gpt-4o"], **entry)  # type: ignore[arg-type]
    return Settings(upstreams={"main": UpstreamSettings(base_url=base_url, key=key)}, models={"gpt-4o": model})


def options(given: Settings) -> Options:
    """Return what a command is told when the settings are *given*."""
    return Options(given, Path("/data"))


def prices(given: Settings) -> str:
    """Return what stands beside the one target."""
    return next(iter(models(given)))[2]


def test_the_price_of_the_file_is_named() -> None:
    """A price that stands in parley.toml is shown with that source."""
    shown = prices(settings(price=PriceSettings(input="2.50", output="10")))
    assert shown == "$2.5 in, $10 out per million tokens (parley.toml)"


def test_a_published_price_is_named_with_its_version() -> None:
    """A price of the maintained data says which data."""
    assert "(genai-prices " in prices(settings(OPENAI_URL))


def test_an_unknown_price_is_said() -> None:
    """A target nobody has priced is shown as refused."""
    assert prices(settings()) == "no price known: calls are refused"


def test_free_is_said() -> None:
    """What the operator calls free is shown as free."""
    assert prices(settings(price="free")) == "free"


def test_a_catch_all_has_the_prices_of_its_models() -> None:
    """`main/*` has no price of its own."""
    one = settings()
    assert price_of(one, one.models["gpt-4o"], "main/*").startswith("no price known: calls are refused")
    known = settings(base_url="https://api.openai.com/v1")
    assert "published price" in price_of(known, known.models["gpt-4o"], "main/*")


def test_the_engine_is_free() -> None:
    """Whatever the model's name costs elsewhere."""
    one = settings()
    assert price_of(one, one.models["gpt-4o"], "local/parley-mini") == "free"
    own = Settings(models={"m": ModelSettings(targets=["local/m"], price=PriceSettings(input="1", output="2"))})
    assert price_of(own, own.models["m"], "local/m") == "$1 in, $2 out per million tokens (parley.toml)"


def test_a_key_is_shown_by_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is from and that it is there, never what it is."""
    monkeypatch.setenv("PARLEY_TEST_KEY", "very-secret")
    (row,) = upstreams(settings(key=KEY))
    assert row[2] == "key from the environment variable PARLEY_TEST_KEY: there"


def test_a_missing_key_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its sentence begins with the path in the settings."""
    monkeypatch.delenv("PARLEY_TEST_KEY", raising=False)
    (sentence,) = problems(options(settings(key=KEY)), set())
    assert sentence.startswith("upstreams.main.key: ")


def test_a_missing_local_model_is_a_problem() -> None:
    """A target on the engine that is not on the shelf is named with its path."""
    given = Settings(models={"gpt-4": ModelSettings(targets=["local/gone", "local/here"])})
    (sentence,) = problems(options(given), {"here"})
    assert sentence.startswith('models."gpt-4".targets: there is no local model `gone`')


def test_credentials_in_an_address_are_a_problem_and_never_shown() -> None:
    """What `serve` would refuse is told here too, with its path."""
    one = Settings(upstreams={"main": UpstreamSettings(base_url="http://u:pw-hidden@127.0.0.1:1/v1")})
    (row,) = upstreams(one)
    (sentence,) = problems(options(one), set())
    assert (row[1], sentence.partition(" ")[0]) == ("127.0.0.1:1/v1", "upstreams.main.base_url:")


@pytest.mark.parametrize(
    "url", ["mysql://u:pw-hidden@h/d", "sqlite://x.db", "sqlite:///", "wibble", "postgresql://[:1/d"]
)
def test_a_database_that_serve_refuses_is_a_problem(url: str) -> None:
    """Its sentence is that of `serve`, and nothing of it is shown: it may hold a password anywhere."""
    given = options(Settings(store=StoreSettings(url=url)))
    (sentence,) = problems(given, set())
    assert sentence.startswith("store.url: ")
    assert "hidden" not in sentence
    assert database(given) == "WRONG"


@pytest.mark.parametrize(
    ("url", "shown"),
    [("sqlite:///x.db", "sqlite:////data/x.db"), ("postgresql://u:pw@h/d", "postgresql://u:***@h/d")],
)
def test_a_database_is_shown_without_its_password(url: str, shown: str) -> None:
    """A relative file lies in the data folder."""
    assert database(options(Settings(store=StoreSettings(url=url)))) == shown


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ({}, []),
        ({"tiers": [2], "pick": "weight", "weights": [3, 1]}, ["(tiers 2, pick weight)"]),
        ({"hedge": HedgeSettings(after="p95")}, ["(hedge after p95)"]),
        ({"on_break": "restart"}, ["(on_break restart)"]),
        ({"on_break": "continue"}, [f"(on_break continue ({NONE}: no other target can))"]),
        ({"on_break": "continue", "targets": ["main/m", "local/parley-mini"]}, ["(on_break continue)"]),
        (
            {"hedge": HedgeSettings(after=1.5), "on_break": "restart", "targets": ["main/m"]},
            [f"(hedge after 1.5 ({NONE}: there is one target), on_break restart ({NONE}: no other target can))"],
        ),
    ],
)  # fmt: skip
def test_how_targets_are_asked_is_told(chosen: dict[str, Any], told: list[str]) -> None:
    """Where it is not the usual way, and with what of it can have no effect."""
    entry = ModelSettings(**{"targets": ["main/m", "spare/m"], "price": "free", **chosen})
    upstreams = {name: UpstreamSettings(base_url="http://h/v1") for name in ("main", "spare")}
    rows = list(models(Settings(upstreams=upstreams, models={"m": entry})))
    assert [row[1] for row in rows[len(entry.targets) :]] == told
