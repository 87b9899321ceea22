"""What the commands of the audit log are told, and how a row is exported."""

import json
from pathlib import Path

import pytest

from parley.commands.audit import _output, hash_of, line, moment
from parley.errors import SettingsError
from parley.store.chain import START, Link


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-02", 86_400),
        ("1970-01-01T00:00:05", 5),
        ("1970-01-01T02:00:00+02:00", 0),
        ("1970-01-01T00:01Z", 60),
        ("1960-01-01", 0),
    ],
)
def test_a_day_or_a_time_is_understood(text: str, seconds: int) -> None:
    """UTC, where it names no zone."""
    assert moment("--from", text) == seconds * 1_000_000_000


def test_no_day_is_too_late() -> None:
    """One that no database can hold is the last that it can."""
    assert moment("--before", "9999-01-01") == 2**63 - 1


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "20"])
def test_what_is_no_day_is_refused(text: str) -> None:
    """And the option named."""
    with pytest.raises(SettingsError, match=r"^--before: "):
        moment("--before", text)


def test_a_kept_head_is_read_as_it_was_printed() -> None:
    """With or without the word before it."""
    text = f"7:{START.hex()}"
    assert hash_of(text) == hash_of(f"head {text}") == (7, START)


@pytest.mark.parametrize("text", ["", "7", "7:", "x:" + "0" * 64, "7:" + "0" * 63, "7:" + "0" * 62, "-1:" + "0" * 64])
def test_what_is_no_head_is_refused(text: str) -> None:
    """And the option named."""
    with pytest.raises(SettingsError, match=r"^--expect: "):
        hash_of(text)


@pytest.mark.parametrize(("payload", "shown"), [(b'{"id":"a"}', {"id": "a"}), (b"\xff{", "�{")])
def test_a_row_is_a_line_of_json(payload: bytes, shown: object) -> None:
    """A payload that somebody spoilt stands in it as a text."""
    link = Link(1, 2, "model.added", "cli:ann", "m", "", payload, START)
    written = line(link)
    assert written.count(b"\n") == 1
    assert json.loads(written) == {
        "seq": 1,
        "at": 2,
        "kind": "model.added",
        "actor": "cli:ann",
        "subject": "m",
        "project": "",
        "payload": shown,
        "hash": "0" * 64,
    }


def test_a_file_that_is_there_is_kept(tmp_path: Path) -> None:
    """Unless it is to be written over; a new one is for our user only."""
    file = tmp_path / "log"
    with _output(file, force=False) as output:
        output.write(b"long ago")
    with pytest.raises(SettingsError, match="--force"), _output(file, force=False):
        pass
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"long ago", 0o600)
    with _output(file, force=True) as output:
        output.write(b"now")
    assert file.read_bytes() == b"now"


def test_what_keeps_nothing_is_written_to() -> None:
    """A device, or a pipe of the shell's, is there before; a folder is none."""
    with _output(Path("/dev/null"), force=False) as output:
        output.write(b"gone")
    with pytest.raises(SettingsError, match="cannot be written"), _output(Path("/dev"), force=False):
        pass
