"""The public data sets, read from the folder given with --data; a set that is not there is an error.

Only sets whose licence lets a model made from them be passed on freely: star (MIT), taskmaster4 (CC BY
4.0), crosswoz (Apache-2.0), banking77 (CC BY 4.0), clinc150 (CC BY 3.0), multidogo (CDLA-Permissive-1.0).
The model card names them.
"""

import gzip
import itertools
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from training.chat import Conversation, Document, Turn, document, dumps, prose
from training.service import outside, system

LONGEST = 900
OUTSIDE = frozenset(
    [
        "translate",
        "definition",
        "spelling",
        "fun_fact",
        "tell_joke",
        "meaning_of_life",
        "calculator",
        "recipe",
        "play_music",
        "travel_suggestion",
        "oos",
        "measurement_conversion",
        "flip_coin",
        "roll_dice",
        "weather",
        "time",
        "traffic",
        "restaurant_suggestion",
        "nutrition_info",
        "calories",
        "distance",
        "directions",
        "text",
        "book_flight",
        "tire_pressure",
        "meal_suggestion",
    ]
)


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """Read one JSON object a line."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _talk(turns: list[dict[str, Any]], rng: random.Random, language: str) -> Conversation | None:
    """Return the spoken turns of a dialogue up to the length we train on; turns of one side are joined."""
    spoken: list[Turn] = list(system(rng, language))
    length = 0
    for turn in turns:
        text = turn.get("text", "").strip()
        if turn["role"] not in {"user", "assistant"} or not text:
            continue
        length += len(text)
        if length > LONGEST:
            break
        if spoken and spoken[-1].role == turn["role"]:
            spoken[-1] = Turn(turn["role"], f"{spoken[-1].text} {text}")
        else:
            spoken.append(Turn(turn["role"], text))
    return Conversation(tuple(spoken)) if any(turn.role == "assistant" for turn in spoken) else None


def dialogues(data: Path, rng: random.Random) -> Iterator[Document]:
    """Yield the dialogues between people, as chats."""
    for name, language in (("star/train.jsonl.gz", "en"), ("crosswoz/dialogues.jsonl.gz", "zh")):
        for row in rows(data / name):
            if row.get("happy", True) and (talk := _talk(row["turns"], rng, language)):
                yield document(talk)


def _arguments(text: str) -> dict[str, Any] | None:
    """Return the arguments written as JSON text, or nothing where people wrote something else."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _step(turns: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Yield each call that answers a user's turn directly: the words, the call, and its arguments."""
    for before, turn in itertools.pairwise(turns):
        if before["role"] == "user" and turn["role"] == "call":
            arguments = _arguments(turn["arguments"])
            if arguments and all(str(value).lower() in before["text"].lower() for value in arguments.values()):
                yield before["text"], turn, arguments


def calls(data: Path, rng: random.Random) -> Iterator[Document]:
    """Yield the coffee orders' calls whose arguments stand in the words before them."""
    for row in rows(data / "taskmaster4/train.jsonl.gz"):
        for text, turn, arguments in _step(row["turns"]):
            schema = {
                "name": turn["name"],
                "parameters": {
                    "type": "object",
                    "properties": {key: {"type": "string"} for key in arguments},
                },
            }
            if rng.random() < 0.5:
                schema["parameters"]["required"] = list(arguments)
            spoken = (
                Turn("user", text),
                Turn("assistant", calls=({"name": turn["name"], "arguments": arguments},)),
            )
            yield document(Conversation(spoken, (schema,)))


def strangers(data: Path, rng: random.Random) -> Iterator[Document]:
    """Yield what people ask that is not our job, with the honest answer."""
    reply = outside("en")[1]
    for row in rows(data / "clinc150/train.jsonl.gz"):
        if row["intent"] in OUTSIDE:
            yield document(Conversation((*system(rng, "en"), Turn("user", row["text"]), Turn("assistant", reply))))


def labels(data: Path, rng: random.Random) -> Iterator[Document]:
    """Yield messages to be sorted into the intents of a bank, and slots to be read out of a message."""
    bank = list(rows(data / "banking77/train.jsonl.gz"))
    names = sorted({row["intent"] for row in bank})
    for row in bank:
        options = [*rng.sample(names, 3), row["intent"]]
        rng.shuffle(options)
        listed = ", ".join(dict.fromkeys(options))
        wish = f"Classify the message as {listed}. Answer in JSON with the key intent."
        yield document(
            Conversation(
                (
                    Turn("system", wish),
                    Turn("user", row["text"]),
                    Turn("assistant", dumps({"intent": row["intent"]})),
                )
            )
        )
    for row in rows(data / "multidogo/train.jsonl.gz"):
        slots = {key: value for key, value in row["slots"] if value in row["text"]}
        if slots and len(row["text"]) < LONGEST:
            wish = f"Extract {', '.join(slots)} as JSON."
            yield document(
                Conversation((Turn("system", wish), Turn("user", row["text"]), Turn("assistant", dumps(slots))))
            )


def texts(data: Path, rng: random.Random) -> Iterator[Document]:
    """Yield plain text, for completions without a chat: single turns of the dialogues, whole."""
    for name in ("star/train.jsonl.gz", "crosswoz/dialogues.jsonl.gz"):
        for row in rows(data / name):
            spoken = [turn["text"] for turn in row["turns"] if turn["role"] == "assistant" and turn.get("text")]
            yield prose(" ".join(rng.sample(spoken, min(3, len(spoken)))))


PUBLIC = {
    "dialogues": (dialogues, 100),
    "calls": (calls, 800),
    "strangers": (strangers, 1200),
    "labels": (labels, 800),
    "texts": (texts, 150),
}


def public(data: Path, rng: random.Random, share: float = 1.0) -> Iterator[Document]:
    """Yield a fixed number of documents of each kind, chosen by *rng*."""
    for read, most in PUBLIC.values():
        found = list(read(data, rng))
        yield from rng.sample(found, min(len(found), int(most * share)))
