"""Where a model's name leads."""

from functools import partial

import pytest

from parley.core.money import FREE, Price
from parley.errors import NoPrice, NoSuchModel
from parley.settings import EngineSettings, ModelSettings, PriceSettings, Settings, UpstreamSettings
from parley.upstreams.routing import REMEMBERED, Model, Routes

PUBLISHED = Price(input=1, output=2, cached_input=1, source="published")
OWN = PriceSettings(input="2.50", output="10.00")


class Shelf:
    """The engine's models."""

    def __init__(self, *names: str) -> None:
        self.models = dict.fromkeys(names, 7)

    def names(self) -> dict[str, int]:
        """Return them."""
        return self.models


def routes(shelf: Shelf | None = None, *, engine: bool = True, **models: ModelSettings) -> Routes:
    """Return the routes of a file with *models*; the upstream `main` has published prices, `own` has none."""
    settings = Settings(
        engine=EngineSettings(enabled=engine),
        upstreams={
            "main": UpstreamSettings(base_url="https://main.example/v1"),
            "own": UpstreamSettings(base_url="https://own.example/v1"),
            "gratis": UpstreamSettings(base_url="https://own.example/v1", price="free"),
        },
        models={name.replace("_", "-") if name != "rest" else "*": entry for name, entry in models.items()},
    )
    return Routes(settings, shelf or Shelf(), lambda url, _: PUBLISHED if "main" in url else None)


def test_a_name_of_the_file_is_an_alias() -> None:
    """It leads to its targets, in order."""
    found = routes(gpt_4=ModelSettings(targets=["main/gpt-4o", "local/parley-mini"])).resolve("gpt-4").targets
    assert [str(target) for target in found] == ["main/gpt-4o", "local/parley-mini"]
    assert [target.price for target in found] == [PUBLISHED, FREE]


def test_a_model_of_the_engine_needs_no_entry() -> None:
    """It is free."""
    [target] = routes(Shelf("parley-mini")).resolve("parley-mini").targets
    assert (str(target), target.price) == ("local/parley-mini", FREE)


def test_the_file_comes_before_the_engine() -> None:
    """An entry of the same name decides."""
    [target] = routes(Shelf("m"), m=ModelSettings(targets=["main/other"])).resolve("m").targets
    assert str(target) == "main/other"


def test_the_engine_comes_before_the_catch_all() -> None:
    """A model that is here is not asked for elsewhere."""
    [target] = routes(Shelf("m"), rest=ModelSettings(targets=["main/*"])).resolve("m").targets
    assert str(target) == "local/m"


def test_an_engine_that_is_off_offers_nothing() -> None:
    """Its shelf may be full all the same."""
    off = routes(Shelf("m"), engine=False)
    assert off.models(0) == []
    with pytest.raises(NoSuchModel):
        off.resolve("m")


def test_the_catch_all_takes_every_other_name() -> None:
    """Names with slashes too."""
    [target] = routes(rest=ModelSettings(targets=["main/*"])).resolve("acme/model-1").targets
    assert (target.upstream, target.model) == ("main", "acme/model-1")


@pytest.mark.parametrize("name", ["wibble", "*"])
def test_an_unknown_name_is_refused(name: str) -> None:
    """The star is no model's name."""
    with pytest.raises(NoSuchModel) as failure:
        routes(m=ModelSettings(targets=["main/m"])).resolve(name)
    assert name in failure.value.message


def test_a_model_nobody_has_priced_is_refused() -> None:
    """By name, with what its operator has to write."""
    with pytest.raises(NoPrice) as failure:
        routes(m=ModelSettings(targets=["own/m"])).resolve("m")
    assert '[models."m"] price' in failure.value.message


def test_a_target_nobody_has_priced_is_left_out() -> None:
    """The others remain."""
    [target] = routes(m=ModelSettings(targets=["own/m", "main/m"])).resolve("m").targets
    assert target.upstream == "main"


def test_the_files_price_comes_first() -> None:
    """The model's, else the upstream's, else the published one."""
    entries = routes(
        a=ModelSettings(targets=["main/m"], price=OWN),
        b=ModelSettings(targets=["gratis/m"]),
        c=ModelSettings(targets=["gratis/m"], price=OWN),
        d=ModelSettings(targets=["main/m"], price="free"),
    )
    sources = [price.source for name in "abcd" for price in [entries.resolve(name).targets[0].price] if price]
    assert sources == ["parley.toml", "free", "parley.toml", "free"]


def test_published_prices_are_those_of_the_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked again when the hour is over, for they change; within it they are asked once."""
    asked: list[str] = []

    def published(_: str, model: str) -> Price:
        asked.append(model)
        return Price(len(asked), 0, 0, "test")

    upstreams = {"main": UpstreamSettings(base_url="https://main.example/v1")}
    settings = Settings(upstreams=upstreams, models={"*": ModelSettings(targets=["main/*"])})
    led = Routes(settings, Shelf(), published)
    for now, expected in ((0.0, 1), (3599.0, 1), (3600.0, 2)):
        monkeypatch.setattr("parley.upstreams.routing.time.time", partial(float, now))
        [target] = led.resolve("anything").targets
        assert target.price == Price(expected, 0, 0, "test")


def test_a_model_added_later_is_found() -> None:
    """What the engine has is never remembered as missing."""
    shelf = Shelf()
    entries = routes(shelf, rest=ModelSettings(targets=["main/*"]))
    assert entries.resolve("other").targets[0].upstream == "main"
    shelf.models["new"] = 8
    assert entries.resolve("new").targets[0].upstream == "local"
    del shelf.models["new"]
    assert entries.resolve("new").targets[0].upstream == "main"


def test_names_made_up_by_clients_fill_no_memory() -> None:
    """Only so many are remembered."""
    entries = routes(rest=ModelSettings(targets=["main/*"]))
    for number in range(REMEMBERED + 100):
        entries.resolve(f"made-up-{number}")
    assert len(entries._resolved) == REMEMBERED


def test_models_are_listed_once() -> None:
    """Those of the file, then those of the engine that have no entry."""
    entries = routes(Shelf("m", "n"), m=ModelSettings(targets=["main/m"]), rest=ModelSettings(targets=["main/*"]))
    assert entries.models(5) == [Model("m", 5, "main"), Model("n", 7, "local")]
    assert entries.model("n", 5).owned_by == "local"


def test_the_longest_pattern_counts() -> None:
    """After a name of the file and a model of the engine, before the catch-all; a target `*` is the name asked for."""
    settings = Settings(
        upstreams={name: UpstreamSettings(base_url="https://main.example/v1") for name in ("a", "b", "c", "d")},
        models={
            "*": ModelSettings(targets=["a/*"]),
            "gpt-*": ModelSettings(targets=["b/*"]),
            "gpt-4*": ModelSettings(targets=["c/four"]),
            "gpt-4o": ModelSettings(targets=["d/*"]),
        },
    )
    entries = Routes(settings, Shelf("gpt-local"), lambda _url, _model: PUBLISHED)
    asked = ("gpt-4o", "gpt-local", "gpt-4", "gpt-3.5", "claude", "gpt-*")
    found = [str(entries.resolve(name).targets[0]) for name in asked]
    assert found == ["d/gpt-4o", "local/gpt-local", "c/four", "b/gpt-3.5", "a/claude", "b/gpt-*"]
    assert [model.id for model in entries.models(0)] == ["gpt-4o", "gpt-local"]
