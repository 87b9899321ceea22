"""A shelf, an engine on it, and small GGUF files written by hand."""

import struct
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from parley.engine.engine import Engine, EngineSettings
from parley.engine.shelf import Shelf


def text(value: str) -> bytes:
    """Return *value* as GGUF writes it."""
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def gguf_file(context: int = 2048, elements: int = 64) -> bytes:
    """Return a whole GGUF file with one tensor of *elements* floats; too little to answer with, enough to keep."""
    facts = text("general.architecture") + struct.pack("<I", 8) + text("llama")
    facts += text("llama.context_length") + struct.pack("<II", 4, context)
    facts += text("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 2) + text("a") + text("b")
    tensor = text("token_embd.weight") + struct.pack("<IQIQ", 1, elements, 0, 0)
    header = b"GGUF" + struct.pack("<IQQ", 3, 1, 3) + facts + tensor
    return header + b"\0" * (-len(header) % 32) + b"\0" * 4 * elements


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    """Give a whole GGUF file."""
    path = tmp_path / "Some Model.gguf"
    path.write_bytes(gguf_file())
    return path


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """Give a shelf with nothing but the built-in model."""
    return Shelf(tmp_path / "models")


@pytest.fixture
async def make_engine(shelf: Shelf) -> AsyncIterator[Callable[..., Engine]]:
    """Give a maker of engines, with settings of the test's choice; close them all at the end."""
    engines: list[Engine] = []

    def make(**settings: float) -> Engine:
        engines.append(Engine(shelf, EngineSettings(**settings)))  # type: ignore[arg-type]
        return engines[-1]

    yield make
    for engine in engines:
        await engine.close()


@pytest.fixture
def engine(make_engine: Callable[..., Engine]) -> Engine:
    """Give an engine with default settings."""
    return make_engine()
