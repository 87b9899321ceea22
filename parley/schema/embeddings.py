"""Embeddings: texts in, vectors out."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from parley.schema.reading import names
from parley.schema.tokens import Inputs, check_uniform
from parley.schema.wire import Count, Model, Wire


class EmbeddingRequest(Wire):
    """The body of `POST /v1/embeddings`."""

    input: Inputs
    model: Model
    dimensions: Count | None = None
    encoding_format: Literal["float", "base64"] | None = None
    user: str | None = None


DECODER: Final = msgspec.json.Decoder(EmbeddingRequest)
KNOWN: Final = names(EmbeddingRequest)


def check(ask: EmbeddingRequest) -> None:
    """Raise `InvalidRequest` where the inputs are not all of one kind."""
    if isinstance(ask.input, list):
        check_uniform(ask.input, "input")


class Embedding(Wire, tag_field="object", tag="embedding"):
    """A vector: numbers, or little-endian 32-bit floats in base64."""

    index: int
    embedding: list[float] | Annotated[str, Meta(description="32-bit floats, little-endian, in base64")]


class EmbeddingUsage(Wire):
    """Tokens of one call."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingList(Wire, tag_field="object", tag="list"):
    """One vector for each input, in their order."""

    data: list[Embedding]
    model: str
    usage: EmbeddingUsage
