"""The shelf: the GGUF files we may load.

They lie in one folder beside `index.json`, which is the truth: name, file, size, checksum, when and from
where. The built-in model ships in the package and stands first. Adding and removing are the operator's
commands; they hold a lock, for several may run beside the server. Fails with NoSuchModel, NotFound, Conflict,
InvalidRequest, and SettingsError where the index is damaged.
"""

import fcntl
import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import msgspec

from parley.engine import gguf
from parley.engine.download import download
from parley.errors import Conflict, InvalidRequest, NoSuchModel, NotFound, SettingsError

BUILTIN = "parley-mini"
BUILTIN_FILE = Path(__file__).parent / "models" / f"{BUILTIN}.gguf"
LONGEST_NAME = 100
PIECE = 1 << 20

Progress = Callable[[int, int | None], None]


class ModelFile(msgspec.Struct, frozen=True):
    """A model we have. size: bytes; added_at: seconds since 1970; source: where it came from."""

    name: str
    path: Path
    size: int
    sha256: str
    builtin: bool
    added_at: int
    source: str


class _Entry(msgspec.Struct, frozen=True):
    """What the index keeps of a model."""

    file: str
    size: int
    sha256: str
    added_at: int
    source: str


_index = msgspec.json.Decoder(dict[str, _Entry])


class Shelf:
    """The models of a folder, and the built-in one. The folder is made when the first model is added."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._builtin: ModelFile | None = None

    def list(self) -> "list[ModelFile]":
        """Return every model there is, the built-in one first, then by name."""
        builtin = [self._built_in()] if BUILTIN_FILE.exists() else []
        return builtin + [self._model(name, entry) for name, entry in sorted(self._entries().items())]

    def names(self) -> dict[str, int]:
        """Return every model's name and when it was added (seconds since 1970); reads no model file."""
        builtin = {BUILTIN: int(BUILTIN_FILE.stat().st_mtime)} if BUILTIN_FILE.exists() else {}
        return builtin | {name: entry.added_at for name, entry in self._entries().items()}

    def find(self, name: str) -> ModelFile:
        """Return the model called *name*. Raises NoSuchModel."""
        if name == BUILTIN and BUILTIN_FILE.exists():
            return self._built_in()
        entry = self._entries().get(name)
        if entry is None:
            raise NoSuchModel(f"The model `{name}` does not exist or you do not have access to it.")
        return self._model(name, entry)

    def path(self, name: str) -> Path:
        """Return where the file of model *name* lies; cheaper than `find`. Raises NoSuchModel."""
        return BUILTIN_FILE if name == BUILTIN and BUILTIN_FILE.exists() else self.find(name).path

    def add(self, source: str, *, name: str | None = None, progress: Progress | None = None) -> ModelFile:
        """Copy or fetch a GGUF file from *source*, a path or an http(s) URL, and return it as one of ours.

        name: by default the file's. progress: called with the bytes done and, where known, all there are.
        Raises Conflict where the name is taken, InvalidRequest where the source is not a whole GGUF file.
        """
        name = _name(name, source)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._refuse_taken(name)
        report = progress or _quietly
        if _is_url(source):
            part = download(source, self._folder, name, report)
        else:
            part = self._folder / f"{name}.{os.getpid()}.part"
            _copy(Path(source), part, report)
        try:
            gguf.read(part, _public(source))
            entry = _Entry(f"{name}.gguf", part.stat().st_size, _sha256(part), int(time.time()), _public(source))
            with self._locked():
                self._refuse_taken(name)
                part.replace(self._folder / entry.file)
                self._write(self._entries() | {name: entry})
        finally:
            part.unlink(missing_ok=True)
        return self._model(name, entry)

    def remove(self, name: str) -> None:
        """Forget the model *name* and delete its file. Raises NotFound; Conflict for the built-in one."""
        if name == BUILTIN:
            raise Conflict(f"`{BUILTIN}` is built in and cannot be removed.")
        with self._locked():
            entries = self._entries()
            if name not in entries:
                raise NotFound(f"There is no model `{name}`.")
            entry = entries.pop(name)
            self._write(entries)
            (self._folder / entry.file).unlink(missing_ok=True)

    def _built_in(self) -> ModelFile:
        if self._builtin is None:
            stat = BUILTIN_FILE.stat()
            self._builtin = ModelFile(
                name=BUILTIN,
                path=BUILTIN_FILE,
                size=stat.st_size,
                sha256=_sha256(BUILTIN_FILE),
                builtin=True,
                added_at=int(stat.st_mtime),
                source="built in",
            )
        return self._builtin

    def _model(self, name: str, entry: _Entry) -> ModelFile:
        return ModelFile(
            name=name,
            path=self._folder / entry.file,
            size=entry.size,
            sha256=entry.sha256,
            builtin=False,
            added_at=entry.added_at,
            source=entry.source,
        )

    def _entries(self) -> dict[str, _Entry]:
        try:
            return _index.decode((self._folder / "index.json").read_bytes())
        except FileNotFoundError:
            return {}
        except msgspec.DecodeError as error:
            raise SettingsError(f"{self._folder / 'index.json'} is damaged: {error}") from error

    def _write(self, entries: dict[str, _Entry]) -> None:
        new = self._folder / "index.json.new"
        with new.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(entries)))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._folder / "index.json")

    def _refuse_taken(self, name: str) -> None:
        if name == BUILTIN or name in self._entries():
            raise Conflict(f"There is a model `{name}` already.")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "index.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _quietly(done: int, total: int | None) -> None:
    """Report nothing."""


def _is_url(source: str) -> bool:
    return urlsplit(source).scheme in ("http", "https")


def _public(source: str) -> str:
    """Return *source* without what may be secret in a URL: user, password, query."""
    if not _is_url(source):
        return str(Path(source).absolute())
    parts = urlsplit(source)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _name(name: str | None, source: str) -> str:
    """Return the model's name: the one that was given, or the file's made safe. Raises InvalidRequest."""
    path = urlsplit(source).path if _is_url(source) else source
    chosen = name or re.sub(r"[^A-Za-z0-9._-]+", "-", Path(path).name.removesuffix(".gguf")).strip("-.")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", chosen) or len(chosen) > LONGEST_NAME:
        raise InvalidRequest(
            f"`{chosen}` cannot be a model's name: letters, digits, `.`, `_` and `-`, at most {LONGEST_NAME}."
        )
    return chosen


def _copy(source: Path, target: Path, report: Progress) -> None:
    """Copy *source* to *target* piece by piece. Raises InvalidRequest where it cannot be read."""
    try:
        with source.open("rb") as reader, target.open("wb") as writer:
            total = os.fstat(reader.fileno()).st_size
            while piece := reader.read(PIECE):
                writer.write(piece)
                report(writer.tell(), total)
    except OSError as error:
        target.unlink(missing_ok=True)
        raise InvalidRequest(f"`{source}` cannot be copied: {error.strerror}.") from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
