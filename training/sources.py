"""The public data sets, read from the folder given with --data; a set that is not there is an error.

Only sets whose licence lets a model made from them be passed on freely: star (MIT), taskmaster4 (CC BY
4.0), crosswoz (Apache-2.0), banking77 (CC BY 4.0), clinc150 (CC BY 3.0), multidogo (CDLA-Permissive-1.0),
natcs (CDLA-Permissive-2.0).
The model card names them.
"""

import gzip
import itertools
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from training import spoken
from training.chat import Conversation, Document, Turn, document, dumps, prose
from training.service import answer, outside, system, topics
from training.templates.values import Values

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
        "timezone",
        "date",
        "cook_time",
        "ingredient_substitution",
        "food_last",
        "ingredients_list",
        "mpg",
        "gas_type",
        "next_song",
        "what_song",
        "how_busy",
        "alarm",
        "timer",
        "next_holiday",
        "vaccines",
        "restaurant_reviews",
        "jump_start",
        "tire_change",
        "oil_change_how",
        "plug_type",
        "book_hotel",
        "smart_home",
        "todo_list",
        "uber",
        "do_you_have_pets",
        "what_are_your_hobbies",
    ]
)
INSIDE = {
    "order": "order_how",
    "order_status": "delivery",
    "cancel": "generic",
    "account_blocked": "login",
    "card_declined": "payment_failed",
    "damaged_card": "generic",
    "report_lost_card": "generic",
    "report_fraud": "unknown_charge",
    "pay_bill": "generic",
    "bill_due": "generic",
    "application_status": "generic",
    "rewards_balance": "points",
    "redeem_rewards": "points",
    "replacement_card_duration": "generic",
    "new_card": "generic",
    "change_user_name": "email_change",
    "reset_settings": "generic",
    "transactions": "generic",
    "pin_change": "generic",
    "sync_device": "generic",
}
"""The intents of clinc150 that customers have, and the topic that answers them."""
TRADES = {"finance", "software", "media", "insurance"}
CHATTER = frozenset(
    ["contentonly", "confirmation", "rejection", "openinggreeting", "closinggreeting", "thankyou", "outofdomain"]
)  # of multidogo: not a wish


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


def _wishes(data: Path) -> Iterator[tuple[str, str]]:
    """Yield what customers of other trades ask, and the topic that answers it."""
    for row in rows(data / "clinc150/train.jsonl.gz"):
        if row["intent"] in INSIDE:
            yield row["text"], INSIDE[row["intent"]]
    for row in rows(data / "banking77/train.jsonl.gz"):
        yield row["text"], "generic"
    for row in rows(data / "natcs/train.jsonl.gz"):
        yield row["text"].strip(), "generic"
    for row in rows(data / "multidogo/train.jsonl.gz"):
        if row["domain"] in TRADES and row["intent"] not in CHATTER and len(row["text"].split()) > 4:
            yield row["text"], "generic"


def customers(data: Path, rng: random.Random) -> Iterator[Document]:
    """Yield what customers ask in words we did not write, with an answer of the job: the border of `strangers`."""
    found = sorted(set(_wishes(data)))
    every = {topic.name: topic for topic in topics("en")}
    for text, name in rng.sample(found, min(len(found), 4000)):
        if len(text) < LONGEST:
            reply = answer(every[name], Values(rng, "en"))
            yield document(Conversation((*system(rng, "en"), Turn("user", text), Turn("assistant", reply))))


def tourists(data: Path, rng: random.Random) -> Iterator[Document]:
    """Yield the sights that people ask for in Chinese, with the honest answer."""
    reply = outside("zh")[1]
    for row in rows(data / "crosswoz/dialogues.jsonl.gz"):
        first = row["turns"][0]
        if first["role"] == "user" and "景点" in first["text"] and "酒店" not in first["text"]:
            yield document(Conversation((*system(rng, "zh"), Turn("user", first["text"]), Turn("assistant", reply))))


def slots(data: Path, rng: random.Random) -> Iterator[Document]:
    """Yield slots to be read out of what customers of six trades say."""
    for row in rows(data / "multidogo/train.jsonl.gz"):
        found = {key: value for key, value in row["slots"] if value in row["text"]}
        if found and len(row["text"]) < LONGEST and rng.random() < 0.5:
            wish = f"Extract {', '.join(found)} as JSON."
            yield document(
                Conversation((Turn("system", wish), Turn("user", row["text"]), Turn("assistant", dumps(found))))
            )


def _labelled(data: Path) -> list[tuple[str, str]]:
    """Return the messages of four sets and the intent of each, where its name says what it is."""
    names = ("clinc150", "banking77", "natcs", "multidogo")
    found = [row for name in names for row in rows(data / name / "train.jsonl.gz") if row.get("intent")]
    return [(row["text"], row["intent"]) for row in found if "slots" not in row or row["intent"] in spoken.RUN_TOGETHER]


def labels(data: Path, rng: random.Random) -> Iterator[Document]:
    """Yield messages of four sets to be sorted into some of their intents."""
    for talk in spoken.labels(_labelled(data), 5000, rng):
        yield document(talk)


def intents(data: Path, rng: random.Random) -> Iterator[Document]:
    """Yield functions without arguments, asked for by the messages of four sets."""
    for talk in spoken.intents(_labelled(data), 6000, rng):
        yield document(talk)


def forms(data: Path, rng: random.Random) -> Iterator[Document]:
    """Yield functions whose arguments stand in what customers of six trades say."""
    for talk in spoken.forms(rows(data / "multidogo/train.jsonl.gz"), 4000, rng):
        yield document(talk)


def places(data: Path, rng: random.Random) -> Iterator[Document]:
    """Yield functions whose arguments stand in what travellers say, in Chinese."""
    for talk in spoken.places(rows(data / "crosswoz/utterances.jsonl.gz"), 3000, rng):
        yield document(talk)


def texts(data: Path, rng: random.Random) -> Iterator[Document]:
    """Yield plain text, for completions without a chat: single turns of the dialogues, whole."""
    for name in ("star/train.jsonl.gz", "crosswoz/dialogues.jsonl.gz"):
        for row in rows(data / name):
            spoken = [turn["text"] for turn in row["turns"] if turn["role"] == "assistant" and turn.get("text")]
            yield prose(" ".join(rng.sample(spoken, min(3, len(spoken)))))


PUBLIC = {
    "dialogues": (dialogues, 100),
    "calls": (calls, 500),
    "strangers": (strangers, 1500),
    "customers": (customers, 1500),
    "tourists": (tourists, 150),
    "labels": (labels, 4000),
    "slots": (slots, 1000),
    "intents": (intents, 5000),
    "forms": (forms, 3000),
    "places": (places, 2500),
    "texts": (texts, 150),
}


def public(data: Path, rng: random.Random, share: float = 1.0) -> Iterator[Document]:
    """Yield a fixed number of documents of each kind, chosen by *rng*."""
    for read, most in PUBLIC.values():
        found = list(read(data, rng))
        yield from rng.sample(found, min(len(found), int(most * share)))
