"""Cases of tickets: a conversation, and the service ticket that a JSON schema asks for."""

import random
from functools import cache
from typing import Any

from training.heldout.cases import HERE, Case, assistant, marked, system, user, write
from training.heldout.values import Draw

ENTITIES = {"code": "reference", "who": "customer", "city": "town"}
SLOTS = {"code": "code", "who": "person", "city": "city"}
PRIORITIES = {"urgent": "high", "calm": "low", "": "normal"}


@cache
def intents() -> tuple[dict[str, list[str]], ...]:
    """Return the intents of `tickets.txt`: the label by language, and what opens the talk."""
    found: list[dict[str, list[str]]] = []
    for line in (HERE / "tickets.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("= common"):
            break
        if line.startswith("= "):
            found.append({})
        elif line[0] != "#":
            mark, text = line.split(": ", 1)
            found[-1].setdefault(mark, []).append(text)
    return tuple(found)


def labels(language: str) -> list[str]:
    """Return the names of the intents in *language*."""
    return [it["label"][0].split("|")[language == "zh"] for it in intents()]


def schema(language: str, keys: list[str]) -> dict[str, Any]:
    """Return the JSON schema of a ticket whose entities are *keys*."""
    entities = {
        "type": "object",
        "properties": {key: {"type": "string"} for key in keys},
        "required": keys,
        "additionalProperties": False,
    }
    properties = {
        "intent": {"type": "string", "enum": labels(language)},
        "priority": {"type": "string", "enum": ["high", "normal", "low"]},
        "language": {"type": "string", "enum": ["en", "zh"]},
        "summary": {"type": "string", "maxLength": 120},
        "entities": entities,
    }
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def ticket(rng: random.Random, language: str) -> Case:
    """Return a talk of two turns of the customer, and its ticket; which label is right does not show in the words."""
    draw, lines = Draw(rng, language), marked("tickets.txt")
    number = rng.randrange(len(intents()))
    mood = rng.choice(sorted(PRIORITIES))
    brought = rng.sample(sorted(ENTITIES), rng.randint(1, 3))
    opening = write(rng.choice(intents()[number][f"say.{language}"]), draw)
    extra = [write(rng.choice(lines[f"{mark}.{language}"]), draw) for mark in [*brought, *([mood] if mood else [])]]
    rng.shuffle(extra)
    between = "" if language == "zh" else " "
    asked = write(rng.choice(lines[f"ask.{language}"]), draw)
    keys = ["article", *(ENTITIES[mark] for mark in brought)]
    listed = ", ".join(keys) if language == "en" else "、".join(keys)
    options = ", ".join(labels(language)) if language == "en" else "、".join(labels(language))
    wish = lines[f"wish.{language}"][0].replace("<labels>", options).replace("<keys>", listed)
    entities = {"article": draw("product"), **{ENTITIES[mark]: draw(SLOTS[mark]) for mark in brought}}
    right = {
        "intent": labels(language)[number],
        "priority": PRIORITIES[mood],
        "language": language,
        **{f"entities.{key}": value for key, value in entities.items()},
    }
    messages = (system(wish), user(opening), assistant(asked), user(between.join(extra)))
    return Case("ticket", language, messages, schema=schema(language, keys), ticket=right)
