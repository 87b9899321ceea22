"""The settings: one `parley.toml` read into a frozen tree.

Unknown keys are refused and the error names the path of what is wrong. Secrets are references (`{ env = "NAME" }` or
`{ file = "path" }`), never values. Precedence: default < file < environment (`PARLEY_SERVER__LISTEN=...`: section and
key, joined by two underscores: `parley.environment`). What is wrong is put into words by `parley.mistakes`. Each
field's own sentence is the documentation: `docs/reference/settings.md` is made from it, and a test compares.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta

from parley.core.catalog import Timeouts
from parley.core.keys import is_ours
from parley.core.money import FREE, Price, nano, price
from parley.environment import overlay
from parley.errors import SettingsError
from parley.mistakes import told

LOCAL = "local"
OPENAI_URL = "https://api.openai.com/v1"
OPENAI_KEY = "OPENAI_API_KEY"


class Tree(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A branch of the settings: it never changes, and it refuses what it does not know."""


class Secret(Tree, frozen=True):
    """Where a secret is kept. Exactly one of the two."""

    FORM: ClassVar[str] = '{ env = "NAME" } or { file = "PATH" }'

    env: Annotated[str | None, Meta(description="The environment variable that holds it.")] = None
    file: Annotated[str | None, Meta(description="The file whose first line it is.")] = None

    def __post_init__(self) -> None:
        if (self.env is None) == (self.file is None):
            raise ValueError(f"a secret is either {self.FORM}")

    def reveal(self, where: str) -> str:
        """Return the secret. Raises SettingsError, naming *where* it was asked for, when it is not there."""
        if self.env is not None:
            value = os.environ.get(self.env, "")
            if not re.fullmatch(r"[A-Za-z_]\w*", self.env):
                raise SettingsError(f"{where}.env: names an environment variable; what stands there is no such name")
            if not value:
                raise SettingsError(f"{where}: the environment variable {self.env} is not set")
            return value
        try:
            lines = Path(str(self.file)).expanduser().read_text("utf-8").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            why = str(error.strerror).lower() if isinstance(error, OSError) else "it is not UTF-8 text"
            raise SettingsError(f"{where}: the file {self.file} cannot be read: {why}") from error
        if not lines[0].strip():
            raise SettingsError(f"{where}: the file {self.file} is empty")
        return lines[0].strip()


class ServerSettings(Tree, frozen=True):
    """How we listen."""

    listen: Annotated[str, Meta(description="Host and port to listen on.")] = "127.0.0.1:8080"
    workers: Annotated[
        int,
        Meta(
            ge=1,
            le=256,
            description="Processes that share the port. Each loads the engine's models for itself, so N of them take N "
            "times the engine's memory.",
        ),
    ] = 1
    cors_origins: Annotated[
        list[str],
        Meta(
            description="Origins whose pages may call from a browser, such as `https://app.example.com`; "
            '`"*"`: all. None: no page of another origin may.'
        ),
    ] = []
    max_body: Annotated[
        int, Meta(ge=1024, description="Largest request body, in bytes; a larger one is refused with 413.")
    ] = 32 * 1024 * 1024
    receive_seconds: Annotated[
        float, Meta(gt=0, description="How long a request may take to arrive, in seconds; then 408.")
    ] = 60.0
    send_seconds: Annotated[
        float,
        Meta(gt=0, description="How long a client may take nothing of its answer, in seconds; then it is dropped."),
    ] = 60.0
    idle_seconds: Annotated[
        float, Meta(gt=0, description="How long an unused connection is kept open, in seconds.")
    ] = 75.0
    shutdown_seconds: Annotated[
        int, Meta(ge=0, description="How long running answers may go on after SIGTERM, in seconds.")
    ] = 30

    def __post_init__(self) -> None:
        for origin in self.cors_origins:
            if not re.fullmatch(r"\*|null|[a-z][a-z0-9+.-]*://[a-z0-9.:_\[\]-]+", origin):
                raise ValueError(
                    f'cors_origins: `{origin}` is not an origin, such as https://app.example.com (no path), or "*"'
                )

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of `listen`. Raises SettingsError."""
        found = re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[^:\[\]]+):(\d{1,5})", self.listen)
        if not found or int(found[2]) > 65535:  # noqa: PLR2004 - the last port there is
            raise SettingsError(f"server.listen: `{self.listen}` is not HOST:PORT, such as 127.0.0.1:8080")
        return found[1].strip("[]"), int(found[2])


class StoreSettings(Tree, frozen=True):
    """Where keys and records are kept."""

    url: Annotated[
        str,
        Meta(
            description="`sqlite:///FILE` (a relative file lies in the data folder) or "
            "`postgresql://USER:PASSWORD@HOST/DATABASE`."
        ),
    ] = "sqlite:///parley.db"


class LimitSettings(Tree, frozen=True):
    """What limits and budgets assume."""

    longest_answer: Annotated[
        int,
        Meta(
            ge=1,
            description="Tokens an answer may have when its call does not say and a budget has to hold its price; "
            "the upstream is told so.",
        ),
    ] = 16_384
    lease_seconds: Annotated[
        float,
        Meta(
            ge=1,
            description="How long a process that is not heard of keeps what its calls hold; then it counts as spent. "
            "The same for all that share a database.",
        ),
    ] = 30.0


class AlertSettings(Tree, frozen=True):
    """Who is told when a spend alert is reached."""

    webhook: Annotated[
        str | None,
        Meta(description="The address that is sent the event; none: it stands in the log and the audit log."),
    ] = None
    secret: Annotated[
        Secret | None, Meta(description='What the events are signed with, as "Standard Webhooks" has it.')
    ] = None
    every_seconds: Annotated[float, Meta(ge=0.1, description="How often it is looked what was spent.")] = 30.0

    def __post_init__(self) -> None:
        if (self.webhook is None) != (self.secret is None):
            raise ValueError("webhook and secret go together: an event that nobody signed proves nothing")


class StreamSettings(Tree, frozen=True):
    """What is kept of streams, for clients that lost their connection."""

    keep_seconds: Annotated[
        float,
        Meta(
            ge=0,
            description="How long a stream can be resumed after it was sent, in seconds; its file is removed somewhat "
            "later. 0: nothing is kept, so none can be resumed.",
        ),
    ] = 600.0


class EngineSettings(Tree, frozen=True):
    """The embedded engine (llama.cpp)."""

    enabled: Annotated[bool, Meta(description="Whether GGUF models are offered at all.")] = True
    threads: Annotated[
        int, Meta(ge=0, description="Threads of a model; 0: one per 256 MiB of it, at most one per core.")
    ] = 0
    parallel: Annotated[int, Meta(ge=1, le=64, description="Calls a model answers at once.")] = 4
    context: Annotated[
        int, Meta(ge=0, description="Context per call, in tokens; 0: the model's own, at most 8192.")
    ] = 0
    idle_seconds: Annotated[float, Meta(gt=0, description="An unused model leaves memory after this.")] = 300.0
    start_seconds: Annotated[float, Meta(gt=0, description="How long a model may take to load.")] = 120.0


class PriceSettings(Tree, frozen=True):
    """Dollars per million tokens, as text so that no digit is lost."""

    FORM: ClassVar[str] = '{ input = "2.50", output = "10.00" }'

    input: Annotated[str, Meta(description="Dollars per million tokens of the prompt.")]
    output: Annotated[str, Meta(description="Dollars per million tokens of the answer.")]
    cached_input: Annotated[
        str | None, Meta(description="Dollars per million cached tokens of the prompt; default: as `input`.")
    ] = None

    def __post_init__(self) -> None:
        for name in ("input", "output", "cached_input"):
            text = getattr(self, name)
            try:
                good = text is None or (Decimal(text).is_finite() and Decimal(text) >= 0)
            except InvalidOperation:
                good = False
            if not good:
                raise ValueError(f'{name} = "{text}" is not an amount in dollars, such as "2.50"')

    def price(self) -> Price:
        """Return it as a price in nano-dollars per million tokens."""
        return price(
            input=nano(Decimal(self.input)),
            output=nano(Decimal(self.output)),
            cached_input=nano(Decimal(self.cached_input or self.input)),
            source="parley.toml",
        )


class UpstreamSettings(Tree, frozen=True):
    """A server that speaks the OpenAI API."""

    base_url: Annotated[str, Meta(description="Its address up to and with `/v1`.")]
    kind: Annotated[Literal["openai"], Meta(description="The dialect it speaks.")] = "openai"
    key: Annotated[Secret | None, Meta(description="Where its API key is kept; none: no key is sent.")] = None
    timeouts: Annotated[Timeouts, Meta(description="How long it may take, in seconds.")] = Timeouts()
    retries: Annotated[
        int, Meta(ge=0, le=10, description="Further rounds over a model's targets when all of them failed.")
    ] = 2
    price: Annotated[
        PriceSettings | Literal["free"] | None,
        Meta(description="The price of all its models that have none of their own."),
    ] = None


class ModelSettings(Tree, frozen=True):
    """A name clients may ask for; `"gpt-*"` stands for all that begin so, `"*"` for every other; the longest counts."""

    targets: Annotated[
        list[str],
        Meta(
            min_length=1,
            description="Where it may go, in order of preference: `UPSTREAM/MODEL`, or `UPSTREAM/*` for the "
            "name that is asked for; `local` is the engine.",
        ),
    ]
    price: Annotated[
        PriceSettings | Literal["free"] | None,
        Meta(
            description='Its price; without it the maintained price data decides. "free" is said, never assumed. A '
            "model of the engine that stands in behind other targets is free, for it is not what was to be bought."
        ),
    ] = None


class Settings(Tree, frozen=True):
    """All of `parley.toml`."""

    server: ServerSettings = ServerSettings()
    store: StoreSettings = StoreSettings()
    limits: LimitSettings = LimitSettings()
    alerts: AlertSettings = AlertSettings()
    streams: StreamSettings = StreamSettings()
    engine: EngineSettings = EngineSettings()
    upstreams: dict[str, UpstreamSettings] = {}
    models: dict[str, ModelSettings] = {}

    def __post_init__(self) -> None:
        for name in self.upstreams:
            if name == LOCAL or not re.fullmatch(r"[A-Za-z0-9_.-]+", name):
                raise ValueError(f"upstreams.{name}: the name is taken or has other signs than letters, digits, _ . -")
        for model, entry in self.models.items():
            if "*" in model[:-1]:
                raise ValueError(f'models."{model}": `*` can only be a name\'s last sign')
            for target in entry.targets:
                upstream, slash, name = target.partition("/")
                if "*" in name and name != "*":
                    raise ValueError(
                        f'models."{model}".targets: `{target}` is no pattern; `{upstream}/*` is the name asked for'
                    )
                if not slash or not name or (upstream != LOCAL and upstream not in self.upstreams):
                    known = ", ".join([LOCAL, *self.upstreams])
                    raise ValueError(
                        f'models."{model}".targets: `{target}` is not UPSTREAM/MODEL with an upstream of: {known}'
                    )
                if upstream == LOCAL and not self.engine.enabled:
                    raise ValueError(f'models."{model}".targets: `{target}` needs the engine: engine.enabled is false')

    @property
    def listed(self) -> dict[str, ModelSettings]:
        """The models by name, without patterns."""
        return {name: entry for name, entry in self.models.items() if not name.endswith("*")}

    @property
    def patterns(self) -> list[tuple[str, ModelSettings]]:
        """What names begin with, and where those go: the longest first, the catch-all (which is empty) last."""
        found = [(name[:-1], entry) for name, entry in self.models.items() if name.endswith("*")]
        return sorted(found, key=lambda one: len(one[0]), reverse=True)


def chosen_price(*candidates: PriceSettings | Literal["free"] | None) -> Price | None:
    """Return the first price that somebody set, or None."""
    for candidate in candidates:
        if candidate == "free":
            return FREE
        if isinstance(candidate, PriceSettings):
            return candidate.price()
    return None


_SECTIONS = {
    section: [field.name for field in msgspec.structs.fields(kind)]
    for section, kind in (
        ("server", ServerSettings),
        ("store", StoreSettings),
        ("limits", LimitSettings),
        ("alerts", AlertSettings),
        ("streams", StreamSettings),
        ("engine", EngineSettings),
    )
}


def holds_our_key(environ: Mapping[str, str]) -> bool:
    """Tell whether `OPENAI_API_KEY` is for clients of a Parley: such a key is no way to OpenAI."""
    return is_ours(environ.get(OPENAI_KEY, ""))


def load(file: Path | None, environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of *file* (None: the defaults) with the environment over it.

    Raises SettingsError, which names the path of what is wrong.
    """
    environ = os.environ if environ is None else environ
    tree: dict[str, Any] = {}
    if file is not None:
        tree = _read(file)
    elif environ.get(OPENAI_KEY) and not holds_our_key(environ):
        tree = {
            "upstreams": {"openai": {"base_url": OPENAI_URL, "key": {"env": OPENAI_KEY}}},
            "models": {"*": {"targets": ["openai/*"]}},
        }
    variables = overlay(tree, environ, _SECTIONS)
    try:
        return msgspec.convert(tree, Settings)
    except msgspec.ValidationError as error:
        place, words = told(str(error), tree, Settings)
        source = variables.get(place) or file or "settings"
        raise SettingsError(f"{source}: {place}: {words}" if place else f"{source}: {words}") from error


def _read(file: Path) -> dict[str, Any]:
    """Return what stands in *file*. Raises SettingsError."""
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError as error:
        raise SettingsError(f"there is no file {file}") from error
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {str(error.strerror).lower()}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file} cannot be read: it is not UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file} is not TOML: {error}") from error
