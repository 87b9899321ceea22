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
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from parley.core.keys import is_ours
from parley.environment import overlay
from parley.errors import SettingsError
from parley.mistakes import told
from parley.sections import ModelSettings, PriceSettings, Secret, Tree, UpstreamSettings, chosen_price

__all__ = [
    "LOCAL",
    "OPENAI_KEY",
    "OPENAI_URL",
    "AlertSettings",
    "EngineSettings",
    "LimitSettings",
    "ModelSettings",
    "PriceSettings",
    "Secret",
    "ServerSettings",
    "Settings",
    "StoreSettings",
    "UpstreamSettings",
    "chosen_price",
    "holds_our_key",
    "load",
]

LOCAL = "local"
OPENAI_URL = "https://api.openai.com/v1"
OPENAI_KEY = "OPENAI_API_KEY"


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
    ] = msgspec.field(default_factory=list)
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


class Settings(Tree, frozen=True):
    """All of `parley.toml`."""

    server: ServerSettings = ServerSettings()
    store: StoreSettings = StoreSettings()
    limits: LimitSettings = LimitSettings()
    alerts: AlertSettings = AlertSettings()
    streams: StreamSettings = StreamSettings()
    engine: EngineSettings = EngineSettings()
    upstreams: dict[str, UpstreamSettings] = msgspec.field(default_factory=dict)
    models: dict[str, ModelSettings] = msgspec.field(default_factory=dict)

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
