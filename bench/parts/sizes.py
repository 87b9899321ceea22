"""How large it is: the wheel, and what a clean environment holds after it was installed. Asks the package index."""

import subprocess
import sys
from pathlib import Path

from bench.figures import Figure
from bench.gateways import HERE, Plan, workplace

MIB = 1024 * 1024


def size(folder: Path) -> float:
    """Return the MiB that the files of *folder* take on the disk."""
    return sum(file.lstat().st_blocks * 512 for file in folder.rglob("*") if not file.is_symlink()) / MIB


def command(*words: str) -> None:
    """Run a command. Raises RuntimeError with the end of its output if it fails."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}\n{done.stdout[-1000:]}{done.stderr[-1000:]}")


async def run(_: Plan) -> list[Figure]:
    """Build the wheel and install it."""
    with workplace() as folder:
        command(sys.executable, "-m", "pip", "wheel", "--no-deps", "-q", "-w", str(folder), str(HERE.parent))
        wheel = next(folder.glob("*.whl"))
        command(sys.executable, "-m", "venv", str(folder / "v"))
        bare = size(folder / "v")
        command(str(folder / "v/bin/pip"), "install", "-q", str(wheel))
        libraries = next((folder / "v/lib").glob("python*/site-packages"))
        sizes = {path.name: size(path) for path in libraries.iterdir() if path.is_dir()}
        largest = sorted(((mib, name) for name, mib in sizes.items()), reverse=True)[:8]
        return [
            Figure("wheel", "MiB", [wheel.stat().st_size / MIB]),
            Figure(
                "installed, with all it depends on", "MiB", [size(folder / "v") - bare],
                note="the largest: " + ", ".join(f"{name} {mib:.1f}" for mib, name in largest),
            ),
        ]  # fmt: skip
