"""What a GGUF header tells, and what is refused."""

import struct
from pathlib import Path

import pytest

from parley.engine import gguf
from parley.engine.shelf import Shelf
from parley.errors import InvalidRequest


def test_a_header_tells_the_context(model_file: Path) -> None:
    """Architecture and trained context are read."""
    header = gguf.read(model_file)
    assert (header.architecture, header.context, header.pools) == ("llama", 2048, False)


def test_the_builtin_model_is_whole(shelf: Shelf) -> None:
    """The size that the built-in model's header asks for is the file's."""
    model = shelf.find("parley-mini")
    assert 0 <= model.size - gguf.read(model.path).size < 64


def test_a_file_says_how_a_model_calls(shelf: Shelf, model_file: Path) -> None:
    """By forms, and how likely a call has to be; a file that says nothing is asked as any other."""
    builtin, other = gguf.read(shelf.find("parley-mini").path), gguf.read(model_file)
    assert builtin.forms
    assert 0.5 < builtin.certain < 1
    assert (other.forms, other.certain) == (False, 0)


@pytest.mark.parametrize("kept", [3, 20, 60, 200])
def test_a_cut_header_is_refused(model_file: Path, kept: int) -> None:
    """A file that ends within its header is refused, wherever it ends."""
    model_file.write_bytes(model_file.read_bytes()[:kept])
    with pytest.raises(InvalidRequest, match=r"truncated|not a GGUF"):
        gguf.read(model_file)


def test_cut_tensors_are_refused(model_file: Path) -> None:
    """A file that lacks the last byte of its last tensor is refused, and the message tells the sizes."""
    model_file.write_bytes(model_file.read_bytes()[:-1])
    with pytest.raises(InvalidRequest, match=r"truncated: it has \d+ bytes of at least \d+"):
        gguf.read(model_file)


def test_a_lying_length_is_refused(model_file: Path) -> None:
    """A header that promises a text of 2^60 bytes is refused without reading them."""
    model_file.write_bytes(b"GGUF" + struct.pack("<IQQQ", 3, 1, 1, 1 << 60))
    with pytest.raises(InvalidRequest, match="truncated"):
        gguf.read(model_file)


@pytest.mark.parametrize("content", [b"", b"hello, this is no model"])
def test_other_files_are_refused(model_file: Path, content: bytes) -> None:
    """An empty file and one of another kind are refused."""
    model_file.write_bytes(content)
    with pytest.raises(InvalidRequest, match="not a GGUF file"):
        gguf.read(model_file)


def test_a_copy_is_called_what_the_user_called_it(model_file: Path) -> None:
    """The error names the file that was given, not the one it was copied to."""
    model_file.write_bytes(b"hello, this is no model")
    with pytest.raises(InvalidRequest, match=r"`/from/here\.gguf` is not a GGUF file"):
        gguf.read(model_file, "/from/here.gguf")


def test_the_vocabulary_is_told(shelf: Shelf) -> None:
    """How many tokens the built-in model has, how long they are, and which of them are control tokens."""
    told = gguf.vocabulary(shelf.find("parley-mini").path)
    assert told.size == 6144
    assert 4 < told.longest < 64
    assert {"<|im_start|>", "<|im_end|>", "<|endoftext|>"} <= set(told.control)
    assert "<tool_call>" not in told.control


def test_a_file_that_tells_no_kinds_has_no_control_tokens(model_file: Path) -> None:
    """And of an unknown tokenizer the lengths say nothing."""
    assert gguf.vocabulary(model_file) == gguf.Vocabulary(size=2)
