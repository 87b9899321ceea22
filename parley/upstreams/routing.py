"""Which targets a model's name leads to.

In this order: a name of the file, a model of the embedded engine, the longest pattern (`"gpt-*"`, at last `"*"`) that
fits. A target nobody has priced is left out; when none is left the call is refused by name (`NoPrice`), never answered
for a silent zero.
"""

import time
from collections.abc import Callable
from typing import Protocol

import msgspec

from parley.core.catalog import Route, Target
from parley.core.money import FREE, Price
from parley.errors import NoPrice, NoSuchModel
from parley.settings import LOCAL, ModelSettings, Settings, chosen_price

REMEMBERED = 4096
HOUR = 3600
CATCH_ALL = "*"


class Model(msgspec.Struct, frozen=True):
    """A model clients may ask for."""

    id: str
    created: int
    owned_by: str


class LocalModels(Protocol):
    """The models of the embedded engine (`parley.engine`)."""

    def names(self) -> dict[str, int]:
        """Return their names and when each was added (seconds since 1970)."""
        ...


class Routes:
    """Leads a model's name to its targets."""

    def __init__(self, settings: Settings, local: LocalModels, published: Callable[[str, str], Price | None]) -> None:
        self._settings = settings
        self._patterns = settings.patterns
        self._names: Callable[[], dict[str, int]] = local.names if settings.engine.enabled else dict
        self._published = published
        self._resolved: dict[str, Route] = {}
        self._hour = 0

    def resolve(self, model: str) -> Route:
        """Return where calls for *model* may go. Raises NoSuchModel, NoPrice."""
        hour = int(time.time()) // HOUR
        if hour != self._hour:  # published prices change with the date, some with the time of day
            self._resolved, self._hour = {}, hour
        found = self._resolved.get(model)
        if found is None:
            found = self._look_up(model)
            if len(self._resolved) < REMEMBERED and model not in self._names():
                self._resolved[model] = found
        return found

    def _look_up(self, model: str) -> Route:
        models = self._settings.models
        entry = models.get(model) if not model.endswith(CATCH_ALL) else None
        if entry is None and model in self._names():
            return Route((Target(upstream=LOCAL, model=model, price=FREE),))
        entry = entry or next((one for start, one in self._patterns if model.startswith(start)), None)
        if entry is None:
            raise NoSuchModel(f"The model `{model}` does not exist or you do not have access to it.")
        route = self._route(entry, model)
        if not route.targets:
            raise NoPrice(
                f"No price is known for the model `{model}`. Its operator has to set one in parley.toml: "
                f'[models."{model}"] price = {{ input = "...", output = "..." }}, or price = "free".',
                param="model",
            )
        return route

    def _route(self, entry: ModelSettings, model: str) -> Route:
        """Return the route of *entry* for *model*, without the targets that nobody has priced."""
        weights = entry.weights or [1.0] * len(entry.targets)
        every = [self._target(entry, text, model, weight) for text, weight in zip(entry.targets, weights, strict=True)]
        tiers, begin = [], 0
        for size in entry.tiers or ([1] * len(every) if entry.pick == "order" else [len(every)]):
            tiers.append([target for target in every[begin : begin + size] if target.price is not None])
            begin += size
        return Route(
            targets=tuple(target for tier in tiers for target in tier),
            tiers=tuple(len(tier) for tier in tiers if tier),
            pick=entry.pick,
            on_break=entry.on_break,
            hedge=entry.hedge.after if entry.hedge else None,
        )

    def _target(self, entry: ModelSettings, text: str, model: str, weight: float) -> Target:
        """Return the target that *text* (`UPSTREAM/MODEL`) means for *model*."""
        upstream, _, name = text.partition("/")
        name = model if name == CATCH_ALL else name
        if upstream == LOCAL:
            return Target(upstream=LOCAL, model=name, price=local_price(entry), weight=weight)
        settings = self._settings.upstreams[upstream]
        price = chosen_price(entry.price, settings.price) or self._published(settings.base_url, name)
        return Target(upstream=upstream, model=name, price=price, weight=weight)

    def models(self, since: int) -> list[Model]:
        """Return every model that has a name; *since* (seconds) dates those of the file."""
        listed = self._settings.listed
        named = [Model(name, since, entry.targets[0].partition("/")[0]) for name, entry in listed.items()]
        local = [Model(name, at, LOCAL) for name, at in self._names().items() if name not in listed]
        return named + local

    def model(self, name: str, since: int) -> Model:
        """Return one model. Raises NoSuchModel."""
        for model in self.models(since):
            if model.id == name:
                return model
        raise NoSuchModel(f"The model '{name}' does not exist", param="model")


def local_price(entry: ModelSettings) -> Price:
    """Return what a model of the engine costs as a target of *entry*: nothing where it stands in for a bought one."""
    own = all(target.startswith(f"{LOCAL}/") for target in entry.targets)
    return (chosen_price(entry.price) if own else None) or FREE
