"""The network: a small Llama-architecture decoder, written out so that its export to GGUF is one table.

RMSNorm, rotary positions (the interleaved pairs llama.cpp calls NORM), grouped-query attention, SwiGLU,
an output layer of its own. It fails loudly on a shape that does not divide; it has no generation loop, because
llama.cpp does that.
"""

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

IGNORED = -100


@dataclass(frozen=True)
class Shape:
    """The sizes of the network; what `export.py` writes into the GGUF header."""

    vocabulary: int = 6144
    width: int = 384
    layers: int = 6
    heads: int = 6
    kv_heads: int = 6
    hidden: int = 768
    context: int = 2048
    rope_base: float = 500000.0
    epsilon: float = 1e-5

    @property
    def head_width(self) -> int:
        """Width of one attention head."""
        return self.width // self.heads

    def as_dict(self) -> dict[str, float]:
        """Plain values, for the checkpoint."""
        return asdict(self)


class Norm(nn.Module):
    """RMSNorm with a learned gain."""

    def __init__(self, width: int, epsilon: float) -> None:
        """Start with a gain of one."""
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        """Scale *x* to unit root mean square."""
        return functional.rms_norm(x, (x.shape[-1],), self.weight.to(x.dtype), self.epsilon)


def rotation(shape: Shape, length: int) -> tuple[Tensor, Tensor]:
    """Return the cosines and sines of every position, each of (length, head_width / 2)."""
    half = torch.arange(0, shape.head_width, 2, dtype=torch.float32)
    angles = torch.outer(torch.arange(length, dtype=torch.float32), shape.rope_base ** (-half / shape.head_width))
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn each neighbouring pair of *x* (batch, heads, time, head_width) by its position's angle."""
    even, odd = x.unflatten(-1, (-1, 2)).unbind(-1)
    cos, sin = cos.to(x.dtype), sin.to(x.dtype)
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)


def attend(query: Tensor, key: Tensor, value: Tensor, owner: Tensor) -> Tensor:
    """Return the causal attention of (batch, heads, time, head_width) within each document.

    *owner* (batch, time) numbers the documents of a row. 128 queries at a time against no more keys than they may see:
    torch's own kernel for the processor skips nothing, and took a third longer.
    """
    time, scale = query.shape[2], query.shape[3] ** -0.5
    key, before = key.transpose(-1, -2), torch.arange(time)
    mixed = []
    for begin in range(0, time, 128):
        end = min(begin + 128, time)
        scores = (query[:, :, begin:end] * scale) @ key[..., :end]
        seen = (owner[:, begin:end, None] == owner[:, None, :end]) & (before[begin:end, None] >= before[:end])
        shares = scores.float().masked_fill(~seen[:, None], float("-inf")).softmax(-1).to(value.dtype)
        mixed.append(shares @ value[:, :, :end])
    return torch.cat(mixed, dim=2)


class Attention(nn.Module):
    """Causal self-attention with rotary positions."""

    def __init__(self, shape: Shape) -> None:
        """Make the four projections."""
        super().__init__()
        self.shape = shape
        kv_width = shape.kv_heads * shape.head_width
        self.q = nn.Linear(shape.width, shape.width, bias=False)
        self.k = nn.Linear(shape.width, kv_width, bias=False)
        self.v = nn.Linear(shape.width, kv_width, bias=False)
        self.out = nn.Linear(shape.width, shape.width, bias=False)

    def forward(self, x: Tensor, turns: tuple[Tensor, Tensor], owner: Tensor) -> Tensor:
        """Mix each position with the ones before it in its document; *turns* are the rotations."""
        batch, time, _ = x.shape
        query, key, value = (
            layer(x).view(batch, time, -1, self.shape.head_width).transpose(1, 2) for layer in (self.q, self.k, self.v)
        )
        key = rotate(key, *turns)
        if (group := self.shape.heads // self.shape.kv_heads) > 1:
            key, value = key.repeat_interleave(group, 1), value.repeat_interleave(group, 1)
        mixed = attend(rotate(query, *turns), key, value, owner)
        return self.out(mixed.transpose(1, 2).reshape(batch, time, -1))


class Block(nn.Module):
    """One layer: attention, then SwiGLU, each behind a norm and a residual."""

    def __init__(self, shape: Shape) -> None:
        """Make the layer's parts."""
        super().__init__()
        self.attention_norm = Norm(shape.width, shape.epsilon)
        self.attention = Attention(shape)
        self.feed_norm = Norm(shape.width, shape.epsilon)
        self.gate = nn.Linear(shape.width, shape.hidden, bias=False)
        self.up = nn.Linear(shape.width, shape.hidden, bias=False)
        self.down = nn.Linear(shape.hidden, shape.width, bias=False)

    def forward(self, x: Tensor, turns: tuple[Tensor, Tensor], owner: Tensor) -> Tensor:
        """Add what this layer finds to *x*."""
        x = x + self.attention(self.attention_norm(x), turns, owner)
        y = self.feed_norm(x)
        return x + self.down(functional.silu(self.gate(y)) * self.up(y))


class Network(nn.Module):
    """The whole decoder."""

    def __init__(self, shape: Shape) -> None:
        """Make the layers and start them small."""
        super().__init__()
        if shape.width % shape.heads or shape.heads % shape.kv_heads:
            message = "width must divide by heads, heads by kv_heads"
            raise ValueError(message)
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocabulary, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = Norm(shape.width, shape.epsilon)
        self.output = nn.Linear(shape.width, shape.vocabulary, bias=False)
        for name, weight in self.named_parameters():
            if weight.dim() > 1:
                deep = name.endswith(("out.weight", "down.weight"))
                nn.init.normal_(weight, std=0.02 / (2 * shape.layers) ** 0.5 if deep else 0.02)
        nn.init.normal_(self.embedding.weight)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the hidden state behind every position of *tokens* (batch, time).

        Token 0 begins a document, and none sees another: the engine, too, reads one at a time.
        """
        turns, owner = rotation(self.shape, tokens.shape[1]), (tokens == 0).cumsum(1)
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x, turns, owner)
        return self.norm(x)

    def loss(self, tokens: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """Return the mean cross entropy of *targets*, each position weighed by *weights*.

        Only positions with a weight go through the output layer: it is a third of the arithmetic.
        """
        weights = weights.flatten()
        kept = weights.nonzero().squeeze(1)
        hidden = self(tokens).flatten(0, 1).index_select(0, kept)
        logits = self.output(hidden)
        losses = functional.cross_entropy(logits.float(), targets.flatten()[kept], reduction="none")
        return (losses * weights[kept]).sum() / weights.sum()

    def size(self) -> int:
        """Count the parameters."""
        return sum(weight.numel() for weight in self.parameters())


def prime(network: Network) -> None:
    """Start *network* able to copy: what followed the last two tokens when they last stood here is likely again.

    A network this small sees too few tokens to find that by itself. Two heads of the first layer look one and two
    positions back and write a code of what stands there; three of the second layer compare these codes and bring the
    token that followed ("induction heads": Olsson et al., "In-context Learning and Induction Heads", 2022). A third
    of the width is kept free of embeddings for the codes, and a token's output row begins as its embedding. Embeddings
    are large and apart from the output layer, for two reasons that were seen: the steps of an optimizer drown small
    ones within a hundred steps, and an output layer draws all rare tokens in one direction, after which nothing tells
    them apart. All of it is only a start: training changes every weight.
    ValueError if the shape has no room for it.
    """
    shape = network.shape
    if shape.layers < 2 or shape.heads < 3 or shape.width < 6 * shape.head_width:
        message = "copying needs two layers, three heads, and a width of six heads"
        raise ValueError(message)
    size, third = shape.head_width, shape.width // 3
    free = shape.width - third
    low = 2 * (size // 4 - 2)  # from here on a head's pairs turn so slowly that distance hardly matters
    first, second = network.blocks[0].attention, network.blocks[1].attention
    angle = shape.rope_base ** (-torch.arange(0, size, 2) / size)
    with torch.no_grad():
        network.embedding.weight[:, free:] = 0.0
        network.embedding.weight[:, 0] = 5.0  # the same for every token: what a look by position alone reads
        for back in (1, 2):
            rows = slice((back - 1) * size, back * size)
            code = slice(free + (back - 1) * third // 2, free + (back - 1) * third // 2 + size)
            fast = torch.arange(12)
            first.q.weight[rows][2 * fast, 0] = 1.0
            first.k.weight[rows][2 * fast, 0] = (angle * back).cos()[fast]
            first.k.weight[rows][2 * fast + 1, 0] = (angle * back).sin()[fast]
            first.v.weight[rows] = torch.eye(size, shape.width).roll(1, 1)
            first.out.weight[:, rows] = 0.0
            first.out.weight[code, rows] = 0.85 * torch.eye(size)
        network.output.weight.copy_(0.02 * network.embedding.weight)
        network.output.weight[:, 0] = 0.0
    _match(second, free, low)


def _match(attention: Attention, free: int, low: int) -> None:
    """Let three heads of *attention* find where the last two tokens stood before, and bring what followed."""
    size, third = attention.shape.head_width, attention.shape.width - free
    slow = size - low
    near, far = slow * 2 // 3, slow - slow * 2 // 3
    with torch.no_grad():
        attention.out.weight[:, : 3 * size] = 0.0
        for head in range(3):
            rows = head * size + low
            for row in range(near):  # the token here, and the one before the place looked at
                attention.q.weight[rows + row, 1 + row] = 2.2
                attention.k.weight[rows + row, free + row] = 2.2
            for row in range(far):  # the token before, and the one two before the place looked at
                attention.q.weight[rows + near + row, free + row] = 2.2
                attention.k.weight[rows + near + row, free + third // 2 + row] = 2.2
            for row in range(size):
                attention.v.weight[head * size + row, 1 + head * size + row] = 1.0
                attention.out.weight[1 + head * size + row, head * size + row] = 3.0
