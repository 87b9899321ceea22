"""What parent and child say to each other when a model is loaded: one line of JSON each way.

Apart from the child so that the parent never imports llama.cpp itself.
"""

import msgspec

from parley.engine.gguf import Vocabulary


class Order(msgspec.Struct, frozen=True):
    """What the parent asks for.

    context: tokens of one call, 0 for the model's own. threads: 0 for as many as pay.
    """

    name: str
    path: str
    purpose: str
    secret: str
    threads: int
    parallel: int
    context: int


class Ready(msgspec.Struct, frozen=True):
    """What the child answers once it listens.

    context: tokens of one call. forms: whether it fills them in. certain: how likely a call has to be, 0 to 1.
    """

    port: int
    context: int
    parallel: int
    vision: bool
    vocabulary: Vocabulary
    forms: bool
    certain: float
