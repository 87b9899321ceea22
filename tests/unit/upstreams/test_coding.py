"""Compressed bodies are decoded step by step."""

import gzip
import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley.errors import UpstreamBroken
from parley.upstreams.coding import MOST_TIMES, STEP, UNDOUBTED, inflater


def unpack(coding: bytes, pieces: list[bytes]) -> bytes:
    """Decode *pieces*, checking that no step is too large."""
    stream = inflater(coding)
    assert stream is not None
    plain = b""
    for piece in pieces:
        stream.feed(piece)
        while step := stream.step():
            assert len(step) <= STEP
            plain += step
    stream.finish()
    return plain


@given(plain=st.binary(max_size=2000), times=st.integers(1, 400), size=st.integers(1, 5000))
def test_any_split(plain: bytes, times: int, size: int) -> None:
    """However the bytes are split, the same comes out, in bounded steps."""
    packed = gzip.compress(plain * times)
    assert unpack(b"gzip", [packed[at : at + size] for at in range(0, len(packed), size)]) == plain * times


def test_both_deflates() -> None:
    """`deflate` is understood with zlib's frame and without."""
    packed = zlib.compress(b"hello" * 99)
    assert unpack(b"Deflate", [packed]) == unpack(b"deflate", [packed[2:-4]]) == b"hello" * 99


@pytest.mark.parametrize("coding", [None, b"", b"identity", b" Identity "])
def test_plain(coding: bytes | None) -> None:
    """A plain body needs no decoding."""
    assert inflater(coding) is None


@pytest.mark.parametrize("coding", [b"br", b"zstd", b"gzip, gzip"])
def test_unknown(coding: bytes) -> None:
    """What we cannot undo is broken."""
    with pytest.raises(UpstreamBroken):
        inflater(coding)


@pytest.mark.parametrize("data", [b"rubbish", gzip.compress(b"x")[:-1], gzip.compress(b"x") + b"more"])
def test_damaged(data: bytes) -> None:
    """Rubbish, a cut and a tail are broken."""
    with pytest.raises(UpstreamBroken):
        unpack(b"gzip", [data])


def test_a_bomb_is_not_unpacked() -> None:
    """What is out of all proportion ends early; what is only large does not."""
    with pytest.raises(UpstreamBroken):
        unpack(b"gzip", [gzip.compress(bytes(2 * UNDOUBTED))])
    noise = random.Random(1).randbytes(2 * UNDOUBTED // MOST_TIMES)  # noqa: S311 - no secret
    large = b"".join(noise[at : at + 64] * 32 for at in range(0, len(noise), 64)) * 4
    assert len(large) > UNDOUBTED
    assert unpack(b"gzip", [gzip.compress(large, 1)]) == large
