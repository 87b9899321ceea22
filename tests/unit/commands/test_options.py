"""What every command is told."""

import os
from pathlib import Path

import pytest

from parley.commands.options import Options, data_folder, read, shown
from parley.errors import SettingsError
from parley.settings import Settings


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what the tests' own environment may set, and what we would refuse in it."""
    for name in [name for name in os.environ if name.startswith("PARLEY_")]:
        monkeypatch.delenv(name)


def test_the_data_folder_follows_the_desktop_standard() -> None:
    """`$XDG_DATA_HOME` decides where our folder lies."""
    assert data_folder({"XDG_DATA_HOME": "/srv"}) == Path("/srv/parley")


def test_the_data_folder_has_a_default() -> None:
    """Without it the folder is `~/.local/share/parley`."""
    assert data_folder({}) == Path("~/.local/share/parley")


def test_the_command_line_overrules_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--listen` and `--workers` stand over what the environment says."""
    monkeypatch.setenv("PARLEY_SERVER__LISTEN", "127.0.0.1:1")
    server = read(None, Path("/d"), "127.0.0.1:2", 3).settings.server
    assert (server.listen, server.workers) == ("127.0.0.1:2", 3)


def test_a_hint_leads_to_the_same_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder or a file that a command would not find by itself is told as it is typed."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert Options(Settings(), tmp_path / "parley", Path("parley.toml")).hint == ""
    options = Options(Settings(), Path("/some where"), Path("/etc/p.toml"))
    assert options.hint == " --data '/some where' --config /etc/p.toml"


@pytest.mark.parametrize("listen", ["8080", "localhost:", "localhost:70000", ":80:80"])
def test_a_wrong_address_is_refused(listen: str) -> None:
    """What is not HOST:PORT is a SettingsError that names the setting."""
    with pytest.raises(SettingsError, match=r"^server\.listen: "):
        read(None, Path("/d"), listen)


def test_children_get_the_same_file_and_folder() -> None:
    """The arguments for a child process name both."""
    options = Options(Settings(), Path("/d"), Path("p.toml"))
    assert options.arguments == ["--data", "/d", "--config", "p.toml"]


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:80"), ("0.0.0.0", "http://127.0.0.1:80"), ("::", "http://[::1]:80")],  # noqa: S104
)
def test_an_address_is_shown_as_it_is_reached(host: str, url: str) -> None:
    """A server on every interface is shown on loopback; IPv6 has brackets."""
    assert shown(host, 80) == url


@pytest.mark.parametrize(
    ("key", "config", "words"),
    [("sk-parley-x", None, "OPENAI_API_KEY holds a key of Parley"), ("sk-x", None, ""), ("sk-parley-x", Path("f"), "")],
)
def test_a_key_of_ours_is_noted(monkeypatch: pytest.MonkeyPatch, key: str, config: Path | None, words: str) -> None:
    """Where it would have led to OpenAI, had it been another: with a file it never does."""
    monkeypatch.setenv("OPENAI_API_KEY", key)
    note = Options(Settings(), Path("/d"), config).note
    assert note.startswith(words)
    assert bool(note) is bool(words)
