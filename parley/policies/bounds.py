"""What a call may cost at most: cheap bounds first, so that the hot path does not pay for precision nobody needs.

A token of text is at least one byte of the request that brought it, so the length of the body bounds the prompt. An
image may cost more than its bytes (a small one of `gpt-4o-mini` at high detail 48,169: 2,833 and 8 tiles of 5,667,
OpenAI's "Images and vision" guide), so each is counted as that. An answer is bounded by what its call asks for, or by
what we ask for in its place.
"""

from typing import Any

from parley.core.call import Call
from parley.core.catalog import Route
from parley.core.events import Usage
from parley.core.money import Price
from parley.policies import tokens

IMAGE_TOKENS = 48_169
FILE_TOKENS = 1_000_000  # a file named by its id: nothing of it is here
LEGACY_ANSWER = 16  # what `/v1/completions` gives when nothing is asked for
_OPAQUE = {"image_url": IMAGE_TOKENS, "input_image": IMAGE_TOKENS, "file": FILE_TOKENS, "input_file": FILE_TOKENS}


def input_bound(call: Call) -> int:
    """Return how many tokens the prompt of *call* has at most."""
    return len(call.body) + _opaque(call.ask)


def input_count(call: Call, model: str) -> int:
    """Return how many tokens the prompt of *call* has for *model*; tools and images stay bounded. May take long."""
    counted = tokens.count_input(model, call.ask) + _opaque(call.ask)
    beside = sum(len(call.fields[name]) for name in ("tools", "functions", "response_format") if name in call.fields)
    return min(counted + beside, input_bound(call))


def answers(ask: Any) -> int:
    """Return how many answers *ask* wants, over all of its prompts."""
    each = max(getattr(ask, "n", None) or 1, getattr(ask, "best_of", None) or 1)
    prompts = getattr(ask, "prompt", None)
    many = len(prompts) if isinstance(prompts, list) and prompts and not isinstance(prompts[0], int) else 1
    return each * many


def output_asked(call: Call) -> int | None:
    """Return how many tokens each answer to *call* may have as the client wants it; None where it does not say."""
    ask = call.ask
    if call.operation == "embeddings":
        return 0
    if call.operation == "completions":
        return LEGACY_ANSWER if ask.max_tokens is None else int(ask.max_tokens)
    limit = getattr(ask, "limit", None)
    return None if limit is None else int(limit)


def dearest(route: Route, prompt: int, answer: int) -> int:
    """Return what *prompt* and *answer* tokens cost at the dearest target of *route*, in nano-dollars.

    Where more than one answer may have to be paid for, each further one may have the one before in its prompt.
    """
    times = route.answers
    usage = Usage(input=times * prompt + (times - 1) * answer, output=times * answer)
    return max((highest(target.price).of(usage) for target in route.targets if target.price), default=0)


def highest(price: Price) -> Price:
    """Return *price* with no discount that nobody promised."""
    return Price(price.input, price.output, price.input, price.source)


def affordable(route: Route, money: int, prompt: int, count: int) -> int:
    """Return how many tokens each of *count* answers may have for *money*, whichever target of *route* answers."""
    times, rest = route.answers, []
    for target in route.targets:
        if target.price and target.price.output:
            price = highest(target.price)
            spare = money - price.of(Usage(input=times * prompt))
            rest.append(spare * 1_000_000 // ((times * price.output + (times - 1) * price.input) * count))
    return min(rest, default=0)


def _opaque(ask: Any) -> int:
    """Return the tokens of what is not text: images, files."""
    found = 0
    for message in getattr(ask, "messages", None) or ():
        content = getattr(message, "content", None)
        if isinstance(content, list | tuple):
            found += sum(_OPAQUE.get(getattr(part, "type", "") or _tag(part), 0) for part in content)
    return found


def _tag(part: Any) -> str:
    """Return the type of *part*, a struct told apart by its tag."""
    config = getattr(type(part), "__struct_config__", None)
    return str(config.tag) if config is not None and config.tag else ""
