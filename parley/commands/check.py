"""`parley check`: what would run, from the settings alone. It connects to nothing and shows no secret.

The exit status is 2 when something is wrong that the settings' own check cannot see: an address that is none, a secret
that is not there (both are tried by the very code that `serve` runs), a local model that is not on the shelf.
"""

from collections.abc import Iterator

import msgspec
import typer

from parley.assembly import provider, shelf, shown_url, store_url, webhook
from parley.commands.models import size
from parley.commands.options import Options
from parley.commands.tables import columns
from parley.core.money import NANO, Price
from parley.engine.shelf import ModelFile
from parley.errors import NoPrice, SettingsError
from parley.policies.prices import is_published, look_up
from parley.settings import LOCAL, ModelSettings, Settings
from parley.upstreams.client import Client
from parley.upstreams.routing import CATCH_ALL, Routes, local_price


class Files(dict[str, int]):
    """The shelf's names, as `Routes` asks for them."""

    def names(self) -> dict[str, int]:
        """Return the names and when each was added."""
        return self


def run(options: Options) -> int:
    """Print it; return the exit status."""
    files = shelf(options.data).list() if options.settings.engine.enabled else []
    typer.echo(columns(list(general(options))))
    for title, rows in (
        ("upstreams", list(upstreams(options.settings))),
        ("models", list(models(options.settings))),
        ("local models", [local(file) for file in files]),
    ):
        typer.echo(f"\n{title}{'' if rows else ': none'}")
        if rows:
            typer.echo("  " + columns(rows).replace("\n", "\n  "))
    wrong = list(problems(options, {file.name for file in files}))
    for sentence in filter(None, (options.note, *wrong)):
        typer.echo(f"parley: {sentence}", err=True)
    return 2 if wrong else 0


def general(options: Options) -> Iterator[list[str]]:
    """Yield rows: the settings' file, where we listen, where things are kept."""
    server = options.settings.server
    yield ["settings", str(options.config or "defaults and environment; there is no file")]
    yield ["listen", f"{server.listen}, {server.workers} process{'es' if server.workers > 1 else ''}"]
    yield ["data", str(options.data)]
    yield ["database", database(options)]
    yield ["engine", "on" if options.settings.engine.enabled else "off"]


def database(options: Options) -> str:
    """Return the database's address without its password; one that is wrong may hold one anywhere."""
    try:
        return shown_url(store_url(options.settings, options.data))
    except SettingsError:
        return "WRONG"


def upstreams(settings: Settings) -> Iterator[list[str]]:
    """Yield rows: name, address, where the key is from and whether it is there."""
    for name, upstream in settings.upstreams.items():
        if upstream.key is None:
            origin = "no key is sent"
        else:
            place = f"environment variable {upstream.key.env}" if upstream.key.env else f"file {upstream.key.file}"
            origin = f"key from the {place}: {'NOT THERE' if _missing(settings, name) else 'there'}"
        yield [name, upstream.base_url.rpartition("@")[2], origin]  # no credentials are shown, right or wrong


def models(settings: Settings) -> Iterator[list[str]]:
    """Yield rows: the name clients ask for (once), a target, its price and who set it."""
    for name, entry in settings.models.items():
        for number, target in enumerate(entry.targets):
            yield ["" if number else name, target, price_of(settings, entry, target)]
        if chosen := ", ".join(manners(settings, entry)):
            yield ["", f"({chosen})", ""]


def manners(settings: Settings, entry: ModelSettings) -> Iterator[str]:
    """Yield how the targets of *entry* are asked, where that is not the usual way, and what has no effect."""
    second = [target.partition("/")[0] for target in entry.targets[1:]]
    if entry.tiers:
        yield f"tiers {'+'.join(map(str, entry.tiers))}"
    if entry.pick != "order":
        yield f"pick {entry.pick}"
    if entry.hedge:
        yield f"hedge after {entry.hedge.after}" + ("" if second else " (without effect: there is one target)")
    if entry.on_break != "error":
        able = entry.on_break == "restart" or any(
            name == LOCAL or settings.upstreams[name].prefill != "none" for name in second
        )
        yield f"on_break {entry.on_break}" + ("" if second and able else " (without effect: no other target can)")


def price_of(settings: Settings, entry: ModelSettings, target: str) -> str:
    """Return the price of *target*, which may be of a catch-all, in words."""
    if target.startswith(f"{LOCAL}/"):
        return words(local_price(entry))
    one = msgspec.structs.replace(entry, targets=[target], tiers=[], weights=[])
    routes = Routes(msgspec.structs.replace(settings, models={CATCH_ALL: one}), Files(), look_up)
    named = target.partition("/")[2]
    if named == CATCH_ALL and not _is_priced(settings, entry, target):
        if is_published(settings.upstreams[target.partition("/")[0]].base_url):
            return "each at its published price; one without is refused"
        return "no price known: calls are refused (give the upstream or the models a `price`)"
    try:
        price = routes.resolve(named).targets[0].price
    except NoPrice:
        price = None
    return "no price known: calls are refused" if price is None else words(price)


def words(price: Price) -> str:
    """Return *price* as `$2.5 in, $10 out per million tokens (parley.toml)`."""
    if not price.input and not price.output:
        return f"free ({price.source})" if price.source != "free" else "free"
    return f"${price.input / NANO:g} in, ${price.output / NANO:g} out per million tokens ({price.source})"


def local(file: ModelFile) -> list[str]:
    """Return the row of a model on the shelf."""
    return [file.name, size(file.size), file.source, "free"]


def problems(options: Options, local_names: set[str]) -> Iterator[str]:
    """Yield a sentence, beginning with the path, for everything that is wrong."""
    settings, client = options.settings, Client()
    try:
        store_url(settings, options.data)
    except SettingsError as error:
        yield error.message
    try:
        webhook(settings, client)
    except SettingsError as error:
        yield error.message
    for name, one in settings.upstreams.items():
        try:
            provider(name, msgspec.structs.replace(one, key=None), client)  # the key has a sentence of its own
        except SettingsError as error:
            yield error.message
        if sentence := _missing(settings, name):
            yield sentence
    for name, entry in settings.models.items():
        for target in entry.targets:
            upstream, _, model = target.partition("/")
            if upstream == LOCAL and model not in {CATCH_ALL, *local_names}:
                yield f'models."{name}".targets: there is no local model `{model}` (`parley model list` shows them)'


def _is_priced(settings: Settings, entry: ModelSettings, target: str) -> bool:
    return bool(entry.price or settings.upstreams[target.partition("/")[0]].price)


def _missing(settings: Settings, name: str) -> str:
    """Return why the key of upstream *name* cannot be had, or nothing."""
    key = settings.upstreams[name].key
    try:
        if key:
            key.reveal(f"upstreams.{name}.key")
    except SettingsError as error:
        return error.message
    return ""
