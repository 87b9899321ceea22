"""The mean of checkpoints: `python -m training.mean OUT FOLDER:SHARE FOLDER:SHARE ...`.

The mean of the weights at the end of a run and of those that it began with is often better than either
(Wortsman et al., "Robust fine-tuning of zero-shot models", 2022). OUT is a folder; the
tokenizer is that of the first FOLDER, which all of them have to share.
"""

import argparse
import shutil
from pathlib import Path
from typing import Any

import torch


def mean(parts: list[tuple[dict[str, Any], float]]) -> dict[str, Any]:
    """Return the first checkpoint of *parts* with the mean of all weights, each taken by its share.

    Raises ValueError where two are not of the same shape.
    """
    first, whole = parts[0][0], sum(share for _, share in parts)
    if any(state["shape"] != first["shape"] for state, _ in parts):
        message = "the checkpoints are of networks of different shapes"
        raise ValueError(message)
    network = {
        name: sum(share / whole * state["network"][name].float() for state, share in parts).to(weight.dtype)
        for name, weight in first["network"].items()
    }
    return {**first, "network": network}


def main() -> None:
    """Write the mean from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="the folder to write to")
    parser.add_argument("parts", nargs="+", help="FOLDER:SHARE, a folder with checkpoint.pt and tokenizer.json")
    asked = parser.parse_args()
    parts = [(Path(folder), float(share)) for folder, _, share in (part.rpartition(":") for part in asked.parts)]
    states = [(torch.load(folder / "checkpoint.pt", weights_only=True), share) for folder, share in parts]
    asked.out.mkdir(parents=True, exist_ok=True)
    torch.save(mean(states), asked.out / "checkpoint.pt")
    shutil.copyfile(parts[0][0] / "tokenizer.json", asked.out / "tokenizer.json")


if __name__ == "__main__":
    main()
