"""The corpus: own conversations and public ones, mixed, tokenised and packed into rows of 512.

The same seed gives the same corpus. A document longer than a row is left out; documents follow each other
in a row and each begins with the beginning token, by which the network learns to look no further back.
"""

import argparse
import random
from collections.abc import Callable, Iterator

from training import drills, extraction, functions, grounded, matching, service, tickets
from training.chat import Conversation, Document, cut, document, prose

ROW = 513
Mix = tuple[tuple[Callable[[random.Random, str], Conversation], float], ...]
MIX: Mix = (
    (service.chat, 0.34),
    (service.off_topic, 0.20),
    (grounded.grounded, 0.28),
    (drills.drill, 0.02),
    (functions.call, 0.40),
    (functions.choose, 0.03),
    (functions.several, 0.14),
    (functions.no_call, 0.26),
    (extraction.task, 0.05),
    (tickets.ticket, 0.38),
    (matching.function, 0.06),
    (matching.arguments, 0.14),
    (matching.line, 0.03),
    (matching.label, 0.10),
)
"""What the documents are of, by shares that need not make one."""

ENGLISH = 0.53
"""Share of English: its words have more forms, and it is learnt more slowly."""
FINISH: Mix = (
    (service.chat, 0.70),
    (service.off_topic, 0.18),
    (grounded.grounded, 0.40),
    (functions.call, 0.42),
    (functions.several, 0.14),
    (functions.no_call, 0.26),
    (extraction.task, 0.05),
    (tickets.ticket, 0.30),
    (matching.arguments, 0.05),
    (matching.line, 0.03),
    (matching.label, 0.05),
)
"""For the last minutes: fewer drills, and more of what people ask first."""
MATCH: Mix = ((matching.function, 3), (matching.arguments, 4), (matching.line, 4), (matching.label, 1))
"""For a quarter of an hour at the start: without it, what is matched by words is not found out."""
MIXES = {"all": (MIX, 1.0), "finish": (FINISH, 0.4), "match": (MATCH, 0.0)}
"""Each mix, and what share of the public sets goes with it."""


def own(seed: int, count: int, mix: Mix = MIX) -> Iterator[Document]:
    """Yield *count* documents of our own in this *mix*; document n depends on it, the seed and n alone."""
    makers = [maker for maker, _ in mix]
    shares = [share for _, share in mix]
    for number in range(count):
        rng = random.Random(f"{seed}/{number}")
        language = "en" if rng.random() < ENGLISH else "zh"
        if rng.random() < 0.02:
            topic = rng.choice(service.topics(language))
            yield prose(service.pair(topic, rng, language)[1].text)
        else:
            yield document(cut(rng.choices(makers, shares)[0](rng, language), rng))


def main() -> None:
    """Print some documents, to look at."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=10)
    asked = parser.parse_args()
    for doc in own(asked.seed, asked.count):
        print(doc.text, end="\n\n")


if __name__ == "__main__":
    main()
