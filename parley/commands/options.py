"""What every command is told: the settings, and the data folder.

Fails with SettingsError, which names what is wrong.
"""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

import msgspec

from parley.errors import SettingsError
from parley.settings import OPENAI_KEY, Settings, holds_our_key, load

CONFIG = Path("parley.toml")
OUR_KEY = f"{OPENAI_KEY} holds a key of Parley's own, not of OpenAI: no model goes to OpenAI"


class Options(msgspec.Struct, frozen=True):
    """The settings, the absolute path of the data folder, and the file the settings are from (None: no file)."""

    settings: Settings
    data: Path
    config: Path | None = None

    @property
    def arguments(self) -> list[str]:
        """Return the command-line options that give a child process the same file and folder."""
        return ["--data", str(self.data), *(["--config", str(self.config)] if self.config else [])]

    @property
    def hint(self) -> str:
        """Return the options, as they are typed, by which another command finds the same data; nothing by default."""
        data = [] if self.data == data_folder(os.environ).expanduser().absolute() else ["--data", str(self.data)]
        config = ["--config", str(self.config)] if self.config not in (None, CONFIG) else []
        return "".join(f" {shlex.quote(it)}" for it in (*data, *config))

    @property
    def note(self) -> str:
        """Return what the operator may not expect, or nothing: without a file a key of ours leads nowhere."""
        return OUR_KEY if self.config is None and holds_our_key(os.environ) else ""

    def make_data(self) -> None:
        """Make the data folder, for our user only, if there is none. Raises SettingsError."""
        try:
            self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(f"the data folder {self.data} cannot be made: {error.strerror}") from error


def read(config: Path | None, data: Path | None, listen: str | None = None, workers: int | None = None) -> Options:
    """Return the settings of *config* (None: ./parley.toml, if it exists), with *listen* and *workers* over them.

    Raises SettingsError.
    """
    config = config or (CONFIG if CONFIG.exists() else None)
    settings = load(config)
    given = {name: value for name, value in (("listen", listen), ("workers", workers)) if value is not None}
    if given:
        settings = msgspec.structs.replace(settings, server=msgspec.structs.replace(settings.server, **given))
    _ = settings.server.address  # refuses what is not HOST:PORT
    return Options(settings, (data or data_folder(os.environ)).expanduser().absolute(), config)


def data_folder(environ: Mapping[str, str]) -> Path:
    """Return the data folder of this user: `$XDG_DATA_HOME/parley`, or `~/.local/share/parley`."""
    home = environ.get("XDG_DATA_HOME")
    return (Path(home) if home else Path("~/.local/share")) / "parley"


def shown(host: str, port: int) -> str:
    """Return the URL of a server that listens on *host* and *port*, as it is reached from this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
