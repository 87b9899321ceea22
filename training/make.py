"""One command for all of it: corpus, tokenizer, training, export, check, and the figures of the model card.

    python -m training.make --minutes 100

With --begin FILE.gguf a model made before is trained further, with its tokenizer. Each step is a module that can be run
alone; a step that fails stops the rest.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

# On a busy machine a thread that waits must sleep, not spin, or it takes the time of the one it waits for.
PATIENT = {**os.environ, "OMP_WAIT_POLICY": "passive"}
OUT = Path("parley/engine/models/parley-mini.gguf")


def step(module: str, *arguments: object, python: Path = Path(sys.executable)) -> None:
    """Run one module and say how long it took."""
    began = time.monotonic()
    command = [str(python), "-m", f"training.{module}", *map(str, arguments)]
    subprocess.run(command, check=True, env=PATIENT)  # noqa: S603 - our own modules
    print(f"-- {module}: {time.monotonic() - began:.0f} s", flush=True)


def train(asked: argparse.Namespace) -> None:
    """Train: a network from nothing first with drills of matching alone, for a seventh of the time."""
    run = ["train", "--threads", asked.threads]
    if asked.begin:
        further = ("--rate", "0.5", "--fall", "1", "--heard", 0)  # it loses at the full rate what it had
        step(*run, "--folder", asked.folder, "--minutes", asked.minutes, "--resume", *further)
        return
    drills = asked.folder / "drills"
    drills.mkdir(exist_ok=True)
    shutil.copy(asked.folder / "tokenizer.json", drills)
    step("pack", "--folder", drills, "--seed", asked.seed, "--count", 40000, "--mix", "match")
    step(*run, "--folder", drills, "--minutes", asked.minutes / 7, "--heard", 0)
    begun = ("--begin", drills / "checkpoint.pt")
    step(*run, "--folder", asked.folder, "--minutes", asked.minutes * 6 / 7, "--heard", 0, *begun)


def main() -> None:
    """Make the model from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=100.0, help="time to train")
    parser.add_argument("--begin", type=Path, help="a GGUF file of ours to go on from, instead of from nothing")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the public data sets")
    parser.add_argument("--folder", type=Path, default=Path("build/training"), help="where the work lies")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--server", type=Path, default=Path(".venv/bin/python"), help="the Python that has Parley")
    asked = parser.parse_args()
    if asked.begin:
        step("restart", asked.begin, "--folder", asked.folder)
    step("pack", "--folder", asked.folder, "--data", asked.data, "--seed", asked.seed)
    train(asked)
    step("export", "--folder", asked.folder, "--out", asked.out)
    report = asked.folder / "evaluation.md"
    step("evaluate", "--gguf", asked.out, "--data", asked.data, "--report", report, python=asked.server)
    step("check", asked.out, "--tokenizer", asked.folder / "tokenizer.json")


if __name__ == "__main__":
    main()
