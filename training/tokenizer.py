"""The tokenizer: byte-level BPE, cut at run time exactly as llama.cpp's "llama-bpe" cuts.

It is *trained* on finer pieces than it is run on. Neither a space nor a quotation mark ever joins a word, a digit and
a Chinese character stand alone. So `celsius` is the same tokens in a sentence and inside `"celsius"`, and a small
network can copy it. Since no merge across those borders is ever learnt, the coarser cut changes nothing. Only the
most frequent words have a token with their space too, which nothing is merged from: it stands for the whole word.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from training.chat import BEGIN, END, MARKS, START

PRE = "llama-bpe"
RUN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
TRAIN = (
    r"'(?:s|t|re|ve|m|ll|d)(?![a-z])|\p{Han}|[a-z]+|[A-Z]+(?![a-z])|[A-Z][a-z]+|\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s"
)
CONTROL = (BEGIN, START, END)
SPACED = 600
"""So many words have a token with their space: nine of ten words in lower case."""


def _cut(pattern: str) -> pre_tokenizers.PreTokenizer:
    """Return a cutter that cuts at *pattern*, then maps bytes to printable characters."""
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


def train(texts: Iterable[str], size: int) -> Tokenizer:
    """Learn a vocabulary of *size* from *texts*; a digit stands alone, as it is to be copied."""
    texts = list(texts)
    plain = Tokenizer(models.BPE())
    plain.pre_tokenizer = _cut(TRAIN)
    trainer = trainers.BpeTrainer(
        vocab_size=size - len(CONTROL) - len(MARKS) - SPACED,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    plain.train_from_iterator(texts, trainer)
    learnt = json.loads(plain.to_str())["model"]
    counted = Counter(word for text in texts for word in re.findall(r"(?<= )[a-z]+(?![A-Za-z])", text))
    spaced = [f"\u0120{word}" for word, _ in sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))[:SPACED]]
    vocabulary = {token: number for number, token in enumerate([*learnt["vocab"], *spaced])}
    merges = [tuple(pair) for pair in learnt["merges"]]
    return finish(Tokenizer(models.BPE(vocab=vocabulary, merges=merges, ignore_merges=True)))


def finish(tokenizer: Tokenizer) -> Tokenizer:
    """Give a *tokenizer* of plain tokens and merges the way it cuts at run time, and the marks of a chat."""
    tokenizer.pre_tokenizer = _cut(RUN)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(mark, special=True, normalized=False) for mark in CONTROL])
    tokenizer.add_tokens([AddedToken(mark, special=False, normalized=False) for mark in MARKS])
    return tokenizer


def load(path: Path) -> Tokenizer:
    """Read a tokenizer that `train` made."""
    return Tokenizer.from_file(str(path))
