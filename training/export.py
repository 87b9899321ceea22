"""Export: a checkpoint and its tokenizer become one GGUF file that llama.cpp runs unmodified.

Matrices are stored as Q8_0, gains as float32. The names and the order of the dimensions are llama.cpp's.
"""

import argparse
import json
from pathlib import Path

import gguf
import torch

from training.chat import BEGIN, END, MARKS, TEMPLATE
from training.network import Shape
from training.tokenizer import CONTROL, PRE

NAMES = {
    "attention_norm": "attn_norm",
    "attention.q": "attn_q",
    "attention.k": "attn_k",
    "attention.v": "attn_v",
    "attention.out": "attn_output",
    "feed_norm": "ffn_norm",
    "gate": "ffn_gate",
    "up": "ffn_up",
    "down": "ffn_down",
}
CERTAIN = 0.65
"""How likely the beginning of a call has to be to be gone on with; see docs/decisions/0020-sure-and-not-twice.md."""
LEAST_LIKELY = 0.6
"""The share of the likeliest token's chance below which a token is never drawn (min-p): a network this small is often
nearly sure and never quite."""


def gguf_name(name: str) -> str:
    """Return llama.cpp's name of our tensor *name*."""
    if name == "embedding.weight":
        return "token_embd.weight"
    if name == "norm.weight":
        return "output_norm.weight"
    if name == "output.weight":
        return name
    _, number, inner = name.removesuffix(".weight").split(".", 2)
    return f"blk.{number}.{NAMES[inner]}.weight"


def _describe(writer: gguf.GGUFWriter, shape: Shape) -> None:
    """Write what the file is and the sizes of the network."""
    writer.add_name("parley-mini")
    writer.add_author("Parley")
    writer.add_description(
        "Parley's small built-in model: customer-service chat, function calls and JSON in English and Chinese"
    )
    writer.add_license("apache-2.0")
    writer.add_languages(["en", "zh"])
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_rope_dimension_count(shape.head_width)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(shape.epsilon)
    writer.add_vocab_size(shape.vocabulary)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)


def _add_tokenizer(writer: gguf.GGUFWriter, path: Path, size: int) -> None:
    """Write the vocabulary, the merges and the chat template; unused places become padding."""
    model = json.loads(path.read_text(encoding="utf-8"))
    texts = {number: text for text, number in model["model"]["vocab"].items()}
    texts |= {token["id"]: token["content"] for token in model["added_tokens"]}
    kinds = dict.fromkeys(CONTROL, gguf.TokenType.CONTROL) | dict.fromkeys(MARKS, gguf.TokenType.USER_DEFINED)
    tokens = [texts.get(number, f"[PAD{number}]") for number in range(size)]
    types = [
        kinds.get(text, gguf.TokenType.NORMAL if i in texts else gguf.TokenType.UNUSED) for i, text in enumerate(tokens)
    ]
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in model["model"]["merges"]]
    numbers = {text: number for number, text in texts.items()}
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(PRE)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(merges)
    writer.add_bos_token_id(numbers[BEGIN])
    writer.add_eos_token_id(numbers[END])
    writer.add_eot_token_id(numbers[END])
    writer.add_pad_token_id(numbers[BEGIN])
    writer.add_add_bos_token(True)  # noqa: FBT003 - their signature
    writer.add_chat_template(TEMPLATE)
    writer.add_bool("parley.forms", True)  # noqa: FBT003 - their signature; what Parley's engine goes by
    writer.add_float32("parley.certain", CERTAIN)


def export(checkpoint: Path, tokenizer: Path, out: Path) -> None:
    """Write *out* from *checkpoint* and *tokenizer*."""
    state = torch.load(checkpoint, weights_only=True)
    shape = Shape(**state["shape"])
    writer = gguf.GGUFWriter(str(out), "llama")
    _describe(writer, shape)
    _add_tokenizer(writer, tokenizer, shape.vocabulary)
    for name, weight in state["network"].items():
        data = weight.float().numpy()
        if data.ndim == 1:
            writer.add_tensor(gguf_name(name), data)
            continue
        packed = gguf.quants.quantize(data, gguf.GGMLQuantizationType.Q8_0)
        writer.add_tensor(gguf_name(name), packed, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    writer.add_float32("general.sampling.min_p", LEAST_LIKELY)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    print(
        f"{out}: {out.stat().st_size:,} bytes, {state['tokens']:,} tokens seen, unseen loss {state['unseen_loss']:.4f}"
    )


def main() -> None:
    """Export from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="holds checkpoint.pt and tokenizer.json")
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    export(asked.folder / "checkpoint.pt", asked.folder / "tokenizer.json", asked.out)


if __name__ == "__main__":
    main()
