"""Restart: a GGUF that `export.py` wrote becomes a checkpoint and a tokenizer again, to be trained further.

    python -m training.restart MODEL.gguf --folder F
    python -m training.pack --folder F --seed 2
    python -m training.train --folder F --resume --minutes 60

So what one session could not finish another goes on with, from nothing but the repository. What is lost is the
optimizer's memory, and what the rounding to 8 bits takes. A file of another network, such as the first models whose
embeddings were the output layer too, is refused by the name of the tensor that it lacks.

With --carry the network is carried over to the tokenizer.json that `training.pack` has made in the folder: what its
tokens stood for is told to the new ones. Without it the folder takes the tokenizer of the file.
"""

import argparse
from pathlib import Path
from typing import Any

import gguf
import torch
from tokenizers import Tokenizer, models

from training.export import gguf_name
from training.network import Network, Shape
from training.tokenizer import finish


def _value(reader: gguf.GGUFReader, name: str) -> Any:
    """Return the field *name* of the header; KeyError if the file lacks it."""
    return reader.fields[name].contents()


def shape(reader: gguf.GGUFReader) -> Shape:
    """Return the sizes of the network in the file."""
    return Shape(
        vocabulary=_value(reader, "llama.vocab_size"),
        width=_value(reader, "llama.embedding_length"),
        layers=_value(reader, "llama.block_count"),
        heads=_value(reader, "llama.attention.head_count"),
        kv_heads=_value(reader, "llama.attention.head_count_kv"),
        hidden=_value(reader, "llama.feed_forward_length"),
        context=_value(reader, "llama.context_length"),
        rope_base=_value(reader, "llama.rope.freq_base"),
    )


def coder(reader: gguf.GGUFReader) -> Tokenizer:
    """Return the tokenizer in the file."""
    kinds = _value(reader, "tokenizer.ggml.token_type")
    tokens = _value(reader, "tokenizer.ggml.tokens")
    vocabulary = {text: i for i, text in enumerate(tokens) if kinds[i] == gguf.TokenType.NORMAL}
    merges = [tuple(pair.split(" ")) for pair in _value(reader, "tokenizer.ggml.merges")]
    return finish(Tokenizer(models.BPE(vocab=vocabulary, merges=merges, ignore_merges=True)))


def carried(rows: torch.Tensor, old: Tokenizer, new: Tokenizer) -> torch.Tensor:
    """Return *rows* (vocabulary, width), of tokens of *old*, as rows of the tokens of *new*.

    A token that both have keeps its row. A word takes the row of the same word behind a space, or else the mean of
    its pieces, as far from the mean of all as one row is.
    """
    known, middle = old.get_vocab(with_added_tokens=True), rows.mean(0)
    made = middle.repeat(rows.shape[0], 1)
    for token, number in new.get_vocab(with_added_tokens=True).items():
        if (same := known.get(token, known.get(f"\u0120{token}"))) is not None:
            made[number] = rows[same]
        else:
            pieces = old.encode(new.decode([number], skip_special_tokens=False), add_special_tokens=False).ids
            made[number] = middle + (rows[pieces] - middle).mean(0) * max(1, len(pieces)) ** 0.5
    return made


def restart(file: Path, folder: Path, *, carry: bool) -> None:
    """Write checkpoint.pt into *folder* from *file*, and its tokenizer.json unless the one there stays (*carry*).

    SystemExit if the file is of another network, or if there is no tokenizer, or one of another size, to carry it to.
    """
    reader = gguf.GGUFReader(file)
    folder.mkdir(parents=True, exist_ok=True)
    before, path, sizes = coder(reader), folder / "tokenizer.json", shape(reader)
    if not carry:
        before.save(str(path))
    elif not path.exists():
        raise SystemExit(f"{path} does not exist: `training.pack` into that folder makes it")
    after = Tokenizer.from_file(str(path))
    if after.get_vocab_size() != before.get_vocab_size():
        raise SystemExit(f"{path} has {after.get_vocab_size()} tokens, {file} {before.get_vocab_size()}")
    network = Network(sizes)
    packed = {tensor.name: tensor for tensor in reader.tensors}
    weights = {}
    for name, weight in network.state_dict().items():
        if gguf_name(name) not in packed:
            message = f"{file} has no tensor {gguf_name(name)}: it is of another network, and cannot be trained further"
            raise SystemExit(message)
        tensor = packed[gguf_name(name)]
        plain = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        weights[name] = torch.tensor(plain).reshape(weight.shape)
    if carry:
        for name in ("embedding.weight", "output.weight"):
            weights[name] = carried(weights[name], before, after)
    network.load_state_dict(weights)
    state = {"shape": sizes.as_dict(), "network": network.state_dict(), "optimizers": [], "step": 0, "spent": 0.0}
    torch.save(state, folder / "checkpoint.pt")
    print(f"{folder}: {network.size():,} parameters, vocabulary {sizes.vocabulary}")


def main() -> None:
    """Restart from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="a GGUF file of ours")
    parser.add_argument("--folder", type=Path, required=True, help="takes checkpoint.pt and tokenizer.json")
    parser.add_argument("--carry", action="store_true", help="to the tokenizer.json that is there")
    asked = parser.parse_args()
    restart(asked.file, asked.folder, carry=asked.carry)


if __name__ == "__main__":
    main()
