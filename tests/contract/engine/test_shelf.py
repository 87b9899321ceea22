"""The shelf: what is added, kept, refused and removed."""

import hashlib
from pathlib import Path

import pytest

from parley.engine.shelf import Shelf
from parley.errors import Conflict, InvalidRequest, NoSuchModel, NotFound


def test_the_builtin_model_stands_first(shelf: Shelf, model_file: Path) -> None:
    """The list begins with the built-in model, whatever was added."""
    shelf.add(str(model_file), name="a")
    assert [(model.name, model.builtin) for model in shelf.list()] == [("parley-mini", True), ("a", False)]


def test_adding_copies_the_file(shelf: Shelf, model_file: Path) -> None:
    """The model stays when the file it came from is gone."""
    content = model_file.read_bytes()
    shelf.add(str(model_file), name="a")
    model_file.unlink()
    assert shelf.find("a").path.read_bytes() == content


def test_a_checksum_is_kept(shelf: Shelf, model_file: Path) -> None:
    """The SHA-256 of the file is kept with it, and read by the next shelf on the same folder."""
    added = shelf.add(str(model_file), name="a")
    assert added.sha256 == hashlib.sha256(model_file.read_bytes()).hexdigest()
    assert Shelf(added.path.parent).find("a") == added


def test_the_builtin_model_has_a_checksum(shelf: Shelf) -> None:
    """The built-in model's SHA-256 is that of its file."""
    model = shelf.find("parley-mini")
    assert model.sha256 == hashlib.sha256(model.path.read_bytes()).hexdigest()


def test_the_name_comes_from_the_file(shelf: Shelf, model_file: Path) -> None:
    """What is not safe in a name becomes a dash."""
    assert shelf.add(str(model_file)).name == "Some-Model"


@pytest.mark.parametrize("name", ["../up", "a/b", "a b", ".hidden", "x" * 101])
def test_unsafe_names_are_refused(shelf: Shelf, model_file: Path, name: str) -> None:
    """A name that could leave the folder, or that no route could hold, is refused."""
    with pytest.raises(InvalidRequest, match="cannot be a model's name"):
        shelf.add(str(model_file), name=name)


@pytest.mark.parametrize("name", ["a", "parley-mini"])
def test_a_name_is_given_once(shelf: Shelf, model_file: Path, name: str) -> None:
    """Adding under a name that is taken is a conflict; the built-in one's is."""
    shelf.add(str(model_file), name="a")
    with pytest.raises(Conflict):
        shelf.add(str(model_file), name=name)


def test_a_truncated_file_is_refused(shelf: Shelf, model_file: Path) -> None:
    """A file that lacks its end is refused, and nothing of it stays in the folder."""
    model_file.write_bytes(model_file.read_bytes()[:-10])
    with pytest.raises(InvalidRequest, match="truncated"):
        shelf.add(str(model_file), name="a")
    assert shelf.names().keys() == {"parley-mini"}
    assert list((model_file.parent / "models").iterdir()) == []


def test_a_missing_file_is_refused(shelf: Shelf, tmp_path: Path) -> None:
    """A path where nothing lies is refused by name."""
    with pytest.raises(InvalidRequest, match=r"nothing\.gguf` cannot be copied: No such file"):
        shelf.add(str(tmp_path / "nothing.gguf"))


def test_progress_is_told(shelf: Shelf, model_file: Path) -> None:
    """The last report says that all bytes are there."""
    told: list[tuple[int, int | None]] = []
    size = shelf.add(str(model_file), name="a", progress=lambda done, total: told.append((done, total))).size
    assert told[-1] == (size, size)


def test_removing_deletes(shelf: Shelf, model_file: Path) -> None:
    """A removed model is neither found nor on disk."""
    path = shelf.add(str(model_file), name="a").path
    shelf.remove("a")
    assert not path.exists()
    with pytest.raises(NoSuchModel):
        shelf.find("a")


def test_removing_what_is_not_there(shelf: Shelf) -> None:
    """Removing an unknown model says that there is none."""
    with pytest.raises(NotFound):
        shelf.remove("a")


def test_the_builtin_model_stays(shelf: Shelf) -> None:
    """The built-in model cannot be removed."""
    with pytest.raises(Conflict, match="built in"):
        shelf.remove("parley-mini")
