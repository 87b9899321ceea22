"""Training: packed rows of tokens in, checkpoints out, as many steps as fit into the minutes given.

The schedule follows the clock (warm-up, level for a fifth, then a straight fall to nought), so the same command gives a
finished model on any machine; a faster one merely sees more tokens. Killed, it goes on from the last checkpoint with
--resume, and so it does from what `restart.py` made of a file. Matrices are trained with Muon, all else with AdamW.

All of it is done in the kind of number that this processor multiplies fastest, which is measured at the start: bf16 is
twice as fast as fp32 on some, half as fast on others, and fifteen times slower where there are no instructions for it.
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training.muon import Muon
from training.network import Network, Shape, prime


@dataclass(frozen=True)
class Plan:
    """How to train."""

    minutes: float
    rows: int = 16
    matrix_rate: float = 0.02
    other_rate: float = 0.001
    word_rate: float = 0.01
    warm: float = 0.02
    fall: float = 0.8
    heard: float = 0.2  # weight of what is not an answer, in a quarter of its places; falls with the rate
    rate: float = 1.0  # of the rates above: less for a network that is trained further
    save_every: float = 300.0
    seed: int = 1


def level(done: float, plan: Plan) -> float:
    """Return the share of the full learning rate when *done* (0 to 1) of the time is gone."""
    if done < plan.warm:
        return plan.rate * max(done / plan.warm, 0.05)
    return plan.rate * min(1.0, max(0.0, (1.0 - done) / plan.fall))


class Rows:
    """The packed corpus, dealt in a fixed random order; it starts over, reshuffled, when it is used up."""

    def __init__(self, folder: Path, rows: int, seed: int) -> None:
        """Open the corpus in *folder*."""
        self.tokens = np.load(folder / "tokens.npy", mmap_mode="r")
        self.weights = np.load(folder / "weights.npy", mmap_mode="r")
        self.rows, self.seed = rows, seed
        self.held = 64
        self.each = (len(self.tokens) - self.held) // rows

    def _batch(self, chosen: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
        tokens = torch.from_numpy(self.tokens[chosen].astype(np.int64))
        weights = torch.from_numpy(self.weights[chosen].astype(np.float32))
        return tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous(), weights[:, 1:].contiguous()

    def deal(self, step: int, heard: float) -> tuple[Tensor, Tensor, Tensor]:
        """Return inputs, targets and weights of *step*: *heard* for a quarter of what weighs nothing otherwise."""
        order = np.random.default_rng(self.seed + step // self.each).permutation(len(self.tokens) - self.held)
        place = step % self.each * self.rows
        tokens, targets, weights = self._batch(np.sort(order[place : place + self.rows]) + self.held)
        chance = torch.rand(weights.shape, generator=torch.Generator().manual_seed(step))
        return tokens, targets, weights + heard * ((weights == 0) & (targets != 0) & (chance < 0.25))

    def unseen(self) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Return the rows that are never trained on."""
        return [self._batch(np.arange(start, start + self.rows)) for start in range(0, self.held, self.rows)]


def fastest() -> torch.dtype:
    """Return the kind of number in which this processor multiplies matrices of a step's size fastest."""
    seconds = {}
    for kind in (torch.float32, torch.bfloat16, torch.float16):
        one, other = torch.rand(2048, 384).to(kind), torch.rand(384, 768).to(kind)
        one @ other  # the first is always slow
        began = time.perf_counter()
        for _ in range(10):
            one @ other
        seconds[kind] = time.perf_counter() - began
    least = min(seconds.values())
    return next(kind for kind in (torch.bfloat16, torch.float16, torch.float32) if seconds[kind] < 1.15 * least)


def optimizers(network: Network, plan: Plan, kind: torch.dtype) -> list[torch.optim.Optimizer]:
    """Return Muon, calculating in *kind*, for the matrices of the blocks and AdamW for the rest, at full rates."""
    matrices = [weight for weight in network.blocks.parameters() if weight.dim() == 2]
    gains = [weight for weight in network.parameters() if weight.dim() == 1]
    muon = Muon(matrices, lr=plan.matrix_rate, kind=kind)
    adam = torch.optim.AdamW([*gains, network.output.weight], lr=plan.other_rate, betas=(0.9, 0.98), weight_decay=0.0)
    words = torch.optim.AdamW(network.embedding.parameters(), lr=plan.word_rate, betas=(0.9, 0.98), weight_decay=0.0)
    return [muon, adam, words]


class Run:
    """One training run and its state."""

    def __init__(self, folder: Path, shape: Shape, plan: Plan, *, compiled: bool) -> None:
        """Make the network; *folder* holds the corpus and takes the checkpoints."""
        torch.manual_seed(plan.seed)
        self.folder, self.shape, self.plan = folder, shape, plan
        self.network = Network(shape)
        prime(self.network)
        self.rows = Rows(folder, plan.rows, plan.seed)
        self.kind = fastest()
        self.opts = optimizers(self.network, plan, self.kind)
        self.scaler = torch.amp.GradScaler("cpu", 4096.0, enabled=self.kind is torch.float16)
        self.full = [opt.param_groups[0]["lr"] for opt in self.opts]
        self.step, self.spent, self.unseen_loss = 0, 0.0, float("nan")
        if compiled:
            self.network.forward = torch.compile(self.network.forward)  # type: ignore[method-assign]

    @property
    def checkpoint(self) -> Path:
        """Where the state is kept."""
        return self.folder / "checkpoint.pt"

    def save(self) -> None:
        """Write the state; a kill in between leaves the one before."""
        state = {
            "shape": self.shape.as_dict(),
            "network": self.network.state_dict(),
            "optimizers": [opt.state_dict() for opt in self.opts],
            "step": self.step,
            "spent": self.spent,
            "tokens": self.step * self.plan.rows * (self.rows.tokens.shape[1] - 1),
            "unseen_loss": self.unseen_loss,
        }
        part = self.checkpoint.with_suffix(".part")
        torch.save(state, part)
        part.replace(self.checkpoint)

    def resume(self, file: Path | None = None) -> None:
        """Read the state back; that in *file*, of another run, without its clock."""
        state = torch.load(file or self.checkpoint, weights_only=True)
        self.network.load_state_dict(state["network"])
        if state["optimizers"]:  # none after restart.py
            for opt, kept in zip(self.opts, state["optimizers"], strict=True):
                opt.load_state_dict(kept)
        self.step, self.spent = state["step"], 0.0 if file else state["spent"]

    def forward(self, batch: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        """Return the loss of *batch*."""
        with torch.autocast("cpu", self.kind, enabled=self.kind is not torch.float32):
            return self.network.loss(*batch)

    def advance(self) -> float:
        """Take one step and return its loss."""
        share = level(self.spent / (self.plan.minutes * 60), self.plan)
        loss = self.forward(self.rows.deal(self.step, self.plan.heard * share / self.plan.rate))
        self.scaler.scale(loss).backward()
        for opt in self.opts:
            self.scaler.unscale_(opt)
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        for opt, rate in zip(self.opts, self.full, strict=True):
            opt.param_groups[0]["lr"] = rate * share
            self.scaler.step(opt)
            opt.zero_grad(set_to_none=True)
        self.scaler.update()
        self.step += 1
        return float(loss.detach())

    def judge(self) -> float:
        """Return the loss on the unseen rows."""
        with torch.no_grad():
            losses = [float(self.forward(batch)) for batch in self.rows.unseen()]
        return sum(losses) / len(losses)

    def go(self) -> None:
        """Train until the minutes are over."""
        self.advance()  # compiles: not on the clock
        before, saved, first, smooth = time.monotonic(), self.spent, self.step, 0.0
        began = self.spent
        while self.spent < self.plan.minutes * 60:
            loss = self.advance()
            now = time.monotonic()
            self.spent, before = self.spent + now - before, now
            smooth = loss if not smooth else 0.98 * smooth + 0.02 * loss
            if self.step % 50 == 0:
                pace = (self.step - first) * self.plan.rows * 512 / (self.spent - began)
                print(
                    f"{self.spent:6.0f} s  step {self.step}  loss {smooth:.3f}  {pace:.0f} tokens/s",
                    flush=True,
                )
            if self.spent - saved > self.plan.save_every:
                saved = self.spent
                self.unseen_loss = self.judge()
                print(f"unseen loss {self.unseen_loss:.4f}", flush=True)
                self.save()
        self.unseen_loss = self.judge()
        print(f"unseen loss {self.unseen_loss:.4f}; done", flush=True)
        self.save()


def main() -> None:
    """Train from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="holds tokens.npy and weights.npy")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rows", type=int, default=Plan.rows, help="rows of 512 tokens in a step")
    parser.add_argument("--rate", type=float, default=Plan.rate, help="share of the usual learning rates")
    parser.add_argument("--fall", type=float, default=Plan.fall, help="share of the time in which the rate falls")
    parser.add_argument("--heard", type=float, default=Plan.heard, help="weight of what is only read; 0 for drills")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--resume", action="store_true", help="go on from the folder's checkpoint.pt")
    parser.add_argument("--begin", type=Path, help="the checkpoint.pt of another folder to begin with")
    parser.add_argument("--no-compile", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    vocabulary = int(np.load(asked.folder / "size.npy"))
    plan = Plan(asked.minutes, rows=asked.rows, rate=asked.rate, fall=asked.fall, heard=asked.heard)
    shape = Shape(vocabulary=vocabulary)
    before = asked.begin or asked.folder / "checkpoint.pt"
    if asked.resume or asked.begin:
        shape = Shape(**torch.load(before, weights_only=True)["shape"])
    run = Run(asked.folder, shape, plan, compiled=not asked.no_compile)
    if asked.resume or asked.begin:
        run.resume(asked.begin)
    print(f"{run.network.size():,} parameters, {len(run.rows.tokens):,} rows, {run.kind}", flush=True)
    run.go()


if __name__ == "__main__":
    main()
