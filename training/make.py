"""One command for all of it: corpus, tokenizer, training, export, check.

    python -m training.make --minutes 30

Each step is a module that can be run alone; a step that fails stops the rest.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

# On a busy machine a thread that waits must sleep, not spin, or it takes the time of the one it waits for.
PATIENT = {**os.environ, "OMP_WAIT_POLICY": "passive"}
OUT = Path("parley/engine/models/parley-mini.gguf")


def step(module: str, *arguments: object) -> None:
    """Run one module and say how long it took."""
    began = time.monotonic()
    command = [sys.executable, "-m", f"training.{module}", *map(str, arguments)]
    subprocess.run(command, check=True, env=PATIENT)  # noqa: S603 - our own modules
    print(f"-- {module}: {time.monotonic() - began:.0f} s", flush=True)


def main() -> None:
    """Make the model from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="time to train")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the public data sets")
    parser.add_argument("--folder", type=Path, default=Path("build/training"), help="where the work lies")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    step("pack", "--folder", asked.folder, "--data", asked.data, "--seed", asked.seed)
    step("train", "--folder", asked.folder, "--minutes", asked.minutes, "--threads", asked.threads)
    step("export", "--folder", asked.folder, "--out", asked.out)
    step("check", asked.out, "--tokenizer", asked.folder / "tokenizer.json")


if __name__ == "__main__":
    main()
