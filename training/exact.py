"""How much of what it learns a network has right, on new documents of the same making: by kind and language.

    python -m training.exact --folder F

A piece of an answer, such as a value of a form, counts when each of its tokens is the likeliest after those before it,
so when greedy decoding writes it. Held against `training.evaluate` this tells what is missing: where both are low,
training; where this is high, variety.
"""

import argparse
import random
from pathlib import Path

import torch
from tokenizers import Tokenizer

from training import tokenizer
from training.chat import Document, cut, document
from training.corpus import MIX, ROW
from training.network import Network, Shape
from training.service import LANGUAGES


def network(folder: Path) -> Network:
    """Return the network of the checkpoint in *folder*."""
    state = torch.load(folder / "checkpoint.pt", weights_only=True)
    made = Network(Shape(**state["shape"]))
    made.load_state_dict(state["network"])
    return made


@torch.no_grad()
def right(made: Network, coder: Tokenizer, doc: Document) -> list[bool]:
    """Tell of each learnt piece of *doc* whether all of it is right; nothing of a document longer than a row."""
    code = coder.encode(doc.text, add_special_tokens=False)
    if len(code.ids) > ROW:
        return []
    likeliest = made.output(made(torch.tensor([code.ids]))).argmax(-1)[0].tolist()
    hits = [last == token for last, token in zip(likeliest, code.ids[1:], strict=False)]
    starts = [start for start, _ in code.offsets][1:]
    return [all(h for h, s in zip(hits, starts, strict=True) if begin <= s < end) for begin, end in doc.learnt]


def main() -> None:
    """Measure from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="holds checkpoint.pt and tokenizer.json")
    parser.add_argument("--count", type=int, default=100, help="documents of each kind and language")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    made, coder = network(asked.folder), tokenizer.load(asked.folder / "tokenizer.json")
    for maker, _ in MIX:
        for language in LANGUAGES:
            chances = (random.Random(f"exact/{asked.seed}/{n}") for n in range(asked.count))
            docs = (document(cut(maker(rng, language), rng)) for rng in chances)
            found = [hit for doc in docs for hit in right(made, coder, doc)]
            print(
                f"{maker.__name__:10} {language}  {sum(found)} of {len(found)}, {sum(found) / len(found):.0%}",
                flush=True,
            )


if __name__ == "__main__":
    main()
