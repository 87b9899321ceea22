"""Packing: documents become rows of tokens with a weight each, on disk as arrays that `train.py` reads.

A document that holds a name or sentence of the held-out set (`training/heldout`) is left out.
"""

import argparse
import itertools
import random
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from training import sources, tokenizer
from training.chat import Document
from training.corpus import MIXES, ROW, own
from training.heldout.guard import held


def coded(documents: Iterable[Document], coder: Tokenizer) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield tokens and weights of each document that fits into a row."""
    for group in itertools.batched(documents, 2000) if hasattr(itertools, "batched") else _grouped(documents, 2000):
        for doc, code in zip(
            group, coder.encode_batch([doc.text for doc in group], add_special_tokens=False), strict=True
        ):
            if len(code.ids) > ROW:
                continue
            weights = np.zeros(len(code.ids), np.uint8)
            starts = np.array([start for start, _ in code.offsets])
            for begin, end in doc.learnt:
                weights[(starts >= begin) & (starts < end)] = doc.weight
            yield np.array(code.ids, np.uint16), weights


def _grouped(documents: Iterable[Document], size: int) -> Iterator[list[Document]]:
    """Yield lists of *size* documents."""
    left = iter(documents)
    while group := list(itertools.islice(left, size)):
        yield group


def packed(pieces: Iterable[tuple[np.ndarray, np.ndarray]]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Fill rows: the first open row with room takes the document; only so many rows stay open."""
    open_rows: list[tuple[list[np.ndarray], list[np.ndarray], int]] = []
    for tokens, weights in pieces:
        place = next((i for i, row in enumerate(open_rows) if row[2] >= len(tokens)), None)
        if place is None:
            open_rows.append(([], [], ROW))
            place = len(open_rows) - 1
        parts, marks, room = open_rows[place]
        parts.append(tokens)
        marks.append(weights)
        open_rows[place] = (parts, marks, room - len(tokens))
        if room - len(tokens) < 8 or len(open_rows) > 40:
            yield _row(*open_rows.pop(place if room - len(tokens) < 8 else 0))
    for row in open_rows:
        yield _row(*row)


def _row(parts: list[np.ndarray], marks: list[np.ndarray], room: int) -> tuple[np.ndarray, np.ndarray]:
    """Join the parts of a row and fill its end with beginnings that weigh nothing."""
    return np.concatenate([*parts, np.zeros(room, np.uint16)]), np.concatenate([*marks, np.zeros(room, np.uint8)])


def _coder(path: Path, public: list[Document], seed: int, vocabulary: int) -> Tokenizer:
    """Return the tokenizer at *path*; make it if it is not there, and keep it if it is: a network may know it."""
    if not path.exists():
        sample = [doc.text for doc in own(seed + 1, 12000)] + [doc.text for doc in public]
        tokenizer.train(sample, vocabulary).save(str(path))
    return tokenizer.load(path)


def build(folder: Path, data: Path, *, seed: int, count: int, vocabulary: int, mix: str = "all") -> None:
    """Write tokenizer.json, tokens.npy, weights.npy and size.npy into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    shares, some = MIXES[mix]
    public = [doc for doc in sources.public(data, random.Random(seed), some) if not held(doc.text)] if some else []
    coder = _coder(folder / "tokenizer.json", public, seed, vocabulary)
    size = -(-coder.get_vocab_size() // 64) * 64
    documents = [*(doc for doc in own(seed, count, shares) if not held(doc.text)), *public]
    random.Random(seed).shuffle(documents)
    rows = list(packed(coded(documents, coder)))
    random.Random(seed).shuffle(rows)
    np.save(folder / "tokens.npy", np.stack([tokens for tokens, _ in rows]))
    np.save(folder / "weights.npy", np.stack([weights for _, weights in rows]))
    np.save(folder / "size.npy", np.array(size))
    learnt = sum(int((weights > 0).sum()) for _, weights in rows)
    print(
        f"{len(documents):,} documents, {len(rows):,} rows, {len(rows) * ROW:,} tokens, "
        f"{learnt:,} learnt, vocabulary {size}",
        flush=True,
    )


def main() -> None:
    """Pack from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=100000)
    parser.add_argument("--vocabulary", type=int, default=6144)
    parser.add_argument("--mix", choices=MIXES, default="all", help="match: drills to begin with; finish: to end with")
    asked = parser.parse_args()
    build(
        asked.folder,
        asked.data,
        seed=asked.seed,
        count=asked.count,
        vocabulary=asked.vocabulary,
        mix=asked.mix,
    )


if __name__ == "__main__":
    main()
