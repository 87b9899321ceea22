"""What the header of a GGUF file tells: the architecture, the trained context, the tokens, how long the file must be.

Read before a file is taken onto the shelf (a truncated download is found out at once, not when the first call
comes) and by the child, which needs the trained context before it loads anything. Every length in the header
is checked against the file, so a hostile one costs no memory. Fails with InvalidRequest.
"""

import mmap
import struct
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any

import msgspec

from parley.errors import InvalidRequest

MAGIC = b"GGUF"
OLDEST_VERSION = 2
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
TEXT = 8
LIST = 9
ALIGNMENT = 32

# elements in a block, and its bytes, by ggml's number of the type; of an unknown type only the place counts
BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 40),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292),
    16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82),
    23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2),
    34: (256, 54), 35: (256, 66), 39: (32, 17), 40: (64, 36), 41: (128, 18),
}  # fmt: skip


TOKENIZER = "tokenizer.ggml.model"
TOKENS = "tokenizer.ggml.tokens"
KINDS = "tokenizer.ggml.token_type"
FORMS = "parley.forms"
CERTAIN = "parley.certain"
BY_BYTES = ("gpt2", "llama")  # tokenizers that lose nothing of a text: every byte of it is in some token
CONTROL = (2, 3)  # the kinds of tokens, unknown and control, that llama.cpp reads in a text only where it is told to


class Header(msgspec.Struct, frozen=True):
    """What the header tells.

    context: tokens the model was trained for, 0 where the file does not say.
    pools: whether the model says itself how an embedding is made of its tokens.
    forms: whether it fills in a form before it calls a function. certain: how likely a call has to be, 0 to 1.
    size: bytes the file must have at least.
    """

    architecture: str
    context: int
    pools: bool
    forms: bool
    certain: float
    size: int


class Vocabulary(msgspec.Struct, frozen=True):
    """The tokens of a model.

    size: how many there are, 0 where the file does not say. longest: bytes of text that one stands for at most, 0
    where that tells nothing about a text's tokens. control: the texts that mean a control token.
    """

    size: int = 0
    longest: int = 0
    control: tuple[str, ...] = ()


def vocabulary(path: Path) -> Vocabulary:
    """Return the tokens of the model in *path*, which `read` has found whole."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        facts = _Reader(data).facts((TOKENS, KINDS))
    tokens, kinds = facts.get(TOKENS) or [], facts.get(KINDS) or []
    longest = max((len(token.encode("utf-8")) for token in tokens), default=0)
    return Vocabulary(
        size=len(tokens),
        longest=longest if facts.get(TOKENIZER) in BY_BYTES else 0,
        control=tuple(token for token, kind in zip(tokens, kinds, strict=False) if kind in CONTROL),
    )


def read(path: Path, shown: str | None = None) -> Header:
    """Return what the header of *path* tells. Raises InvalidRequest where it is not a whole GGUF file.

    shown: what an error calls it, where *path* is only a copy.
    """
    shown = shown or path.name
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            header = _Reader(data).header()
            real = len(data)
    except OSError as error:
        raise InvalidRequest(f"`{shown}` cannot be read: {error.strerror}.") from error
    except ValueError as error:  # an empty file cannot be mapped, and what _Reader finds wrong
        raise InvalidRequest(f"`{shown}` is not a GGUF file: {error}.") from error
    except struct.error as error:
        raise InvalidRequest(f"`{path.name}` is truncated: its header ends too early.") from error
    if real < header.size:
        raise InvalidRequest(f"`{path.name}` is truncated: it has {real} bytes of at least {header.size}.")
    return header


class _Reader:
    """Walks through a header."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._at = 0
        self._tensors = 0

    def facts(self, lists: Sequence[str] = ()) -> dict[str, Any]:
        """Return the facts by their names; of lists only the length is looked at, but for those named in *lists*."""
        if self._data[:4] != MAGIC:
            raise ValueError("it does not begin with GGUF")
        self._at = 4
        if self._take("I") < OLDEST_VERSION:
            raise ValueError("its version is too old")
        self._tensors, count = self._take("Q"), self._take("Q")
        facts: dict[str, Any] = {}
        for _ in range(count):
            name = self._text()
            facts[name] = self._value(self._take("I"), whole=name in lists)
        return facts

    def header(self) -> Header:
        facts = self.facts()
        architecture = str(facts.get("general.architecture", ""))
        if not architecture:
            raise ValueError("it names no architecture")
        return Header(
            architecture=architecture,
            context=int(facts.get(f"{architecture}.context_length", 0)),
            pools=f"{architecture}.pooling_type" in facts,
            forms=facts.get(FORMS) is True,
            certain=float(facts.get(CERTAIN, 0)),
            size=self._end(int(facts.get("general.alignment", ALIGNMENT)) or ALIGNMENT),
        )

    def _end(self, alignment: int) -> int:
        """Return where the last tensor's data ends."""
        last = 0
        for _ in range(self._tensors):
            self._text()
            shape = [self._take("Q") for _ in range(self._take("I"))]
            kind, offset = self._take("I"), self._take("Q")
            elements, size = BLOCKS.get(kind, (1, 0))
            last = max(last, offset + prod(shape) // elements * size)
        return -(-self._at // alignment) * alignment + last

    def _take(self, form: str) -> Any:
        (value,) = struct.unpack_from("<" + form, self._data, self._at)
        self._at += struct.calcsize("<" + form)
        return value

    def _skip(self, size: int) -> None:
        self._at += size
        if self._at > len(self._data):
            raise struct.error("past the end")

    def _text(self) -> str:
        size = self._take("Q")
        start = self._at
        self._skip(size)
        return self._data[start : self._at].decode("utf-8", "replace")

    def _value(self, kind: int, *, whole: bool) -> Any:
        """Return one value; a list is stepped over, unless it is wanted *whole*."""
        if kind == TEXT:
            return self._text()
        if kind == LIST:
            kind, count = self._take("I"), self._take("Q")
            return self._list(kind, count) if whole else self._step_over(kind, count)
        if kind not in SCALARS:
            raise ValueError(f"it holds a value of an unknown kind ({kind})")
        return self._take(SCALARS[kind])

    def _step_over(self, kind: int, count: int) -> None:
        if kind == TEXT:
            for _ in range(count):
                self._skip(self._take("Q"))
        elif kind in SCALARS:
            self._skip(count * struct.calcsize("<" + SCALARS[kind]))
        else:
            raise ValueError(f"it holds a list of an unknown kind ({kind})")

    def _list(self, kind: int, count: int) -> list[Any]:
        if kind == TEXT:
            return [self._text() for _ in range(count)]
        start = self._at
        self._step_over(kind, count)
        return list(struct.unpack_from(f"<{count}{SCALARS[kind]}", self._data, start))
