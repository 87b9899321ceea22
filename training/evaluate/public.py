"""Cases of the public sets' dev splits: functions never seen (`sgd`, `xsid`), labels, questions in and out of the job.

Read from the folder given with --data (see `training/sources.py` for its form). Nothing of it is written anywhere but
into the report.
"""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from training.heldout.cases import Case, Message, assistant, system, user
from training.sources import OUTSIDE, rows

LONGEST_TALK = 7  # turns before a call
SMALL_TALK = frozenset(["contact_customer_service", "review", "set_up_shipping_address", "switch_account"])


def _function(service: dict[str, Any], intent: dict[str, Any]) -> dict[str, Any]:
    """Return an intent of a service's schema as a function."""
    slots = {slot["name"]: slot for slot in service["slots"]}
    names = [*intent["required_slots"], *intent["optional_slots"]]
    properties: dict[str, Any] = {}
    for name in names:
        properties[name] = {"type": "string", "description": slots[name]["description"]}
        if slots[name]["is_categorical"]:
            properties[name]["enum"] = slots[name]["possible_values"]
    parameters = {"type": "object", "properties": properties, "required": intent["required_slots"]}
    told = {"name": intent["name"], "description": intent["description"], "parameters": parameters}
    return {"type": "function", "function": told}


def _first(turns: list[dict[str, Any]]) -> tuple[list[Message], dict[str, Any]] | None:
    """Return the first call of a dialogue and the talk before it."""
    said: list[Message] = []
    for turn in turns:
        if turn.get("calls"):
            return said, turn["calls"][0]
        said.append(user(turn["text"]) if turn["role"] == "user" else assistant(turn["text"]))
    return None


def sgd(data: Path) -> Iterator[Case]:
    """Yield first calls of services that the train split has not, whose values all stand in the user's words."""
    seen = {row["service_name"] for row in rows(data / "sgd/schema_train.jsonl.gz")}
    services = {row["service_name"]: row for row in rows(data / "sgd/schema_dev.jsonl.gz")}
    for row in rows(data / "sgd/dev.jsonl.gz"):
        found = _first(row["turns"])
        if not found or found[1]["service"] in seen or len(found[0]) > LONGEST_TALK:
            continue
        said, call = found
        words = " ".join(message["content"] for message in said if message["role"] == "user").lower()
        values = [value.lower() for value in call["arguments"].values()]
        if values and all(value in words for value in values):
            service = services[call["service"]]
            tools = tuple(_function(service, intent) for intent in service["intents"])
            right = {"name": call["name"], "arguments": call["arguments"]}
            yield Case("sgd", "en", tuple(said), tools, (right,))


def _xsid_tools(intents: dict[str, set[str]]) -> dict[str, dict[str, Any]]:
    """Return a function for each intent, with every slot that its sentences have."""
    made: dict[str, dict[str, Any]] = {}
    for intent, slots in intents.items():
        properties = {slot.replace("/", "_"): {"type": "string"} for slot in sorted(slots)}
        told = {"name": intent.replace("/", "_"), "parameters": {"type": "object", "properties": properties}}
        made[intent] = {"type": "function", "function": told}
    return made


def xsid(data: Path) -> Iterator[Case]:
    """Yield Chinese commands to an assistant, with the function of their intent among two others."""
    found = [row for row in rows(data / "xsid/dev.jsonl.gz") if row["lang"] == "zh" and row["slots"]]
    intents: dict[str, set[str]] = {}
    for row in found:
        intents.setdefault(row["intent"], set()).update(name for name, _ in row["slots"])
    tools = _xsid_tools(intents)
    for row in found:
        slots = {name.replace("/", "_"): value for name, value in row["slots"]}
        if len(slots) == len(row["slots"]) and all(value in row["text"] for value in slots.values()):
            rng = random.Random(row["id"])
            others = rng.sample(sorted(set(tools) - {row["intent"]}), 2)
            offered = [tools[row["intent"]], *(tools[name] for name in others)]
            rng.shuffle(offered)
            right = {"name": row["intent"].replace("/", "_"), "arguments": slots}
            yield Case("xsid", "zh", (user(row["text"]),), tuple(offered), (right,))


def banking77(data: Path) -> Iterator[Case]:
    """Yield messages to a bank, to be sorted under one of four labels."""
    found = list(rows(data / "banking77/dev.jsonl.gz"))
    names = sorted({row["intent"] for row in found})
    for row in found:
        rng = random.Random(row["id"])
        options = sorted({row["intent"], *rng.sample([name for name in names if name != row["intent"]], 3)})
        wish = system(f"Fill in the ticket: intent, one of {', '.join(options)}.")
        properties = {"intent": {"type": "string", "enum": options}}
        schema = {"type": "object", "properties": properties, "required": ["intent"], "additionalProperties": False}
        yield Case("banking77", "en", (wish, user(row["text"])), schema=schema, ticket={"intent": row["intent"]})


def clinc150(data: Path) -> Iterator[Case]:
    """Yield questions that are not of the job."""
    for row in rows(data / "clinc150/dev.jsonl.gz"):
        if row["intent"] in OUTSIDE:
            yield Case("clinc150", "en", (user(row["text"]),))


def bitext(data: Path) -> Iterator[Case]:
    """Yield questions of the job."""
    for row in rows(data / "bitext_intents/dev.jsonl.gz"):
        if row["intent"] not in SMALL_TALK:
            yield Case("bitext", "en", (user(row["text"]),))


def words(data: Path) -> Iterator[str]:
    """Yield texts of the train splits, for the words in them."""
    for name in ("clinc150/train.jsonl.gz", "banking77/train.jsonl.gz", "crosswoz/utterances.jsonl.gz"):
        for row in rows(data / name):
            yield row["text"]


SETS = {
    "sgd": (sgd, 150),
    "xsid": (xsid, 80),
    "banking77": (banking77, 80),
    "clinc150": (clinc150, 80),
    "bitext": (bitext, 80),
}


def build(data: Path, seed: int) -> Iterator[Case]:
    """Yield the cases of every set, as many as the table says, drawn from *seed*."""
    for name, (read, most) in SETS.items():
        found = list(read(data))
        yield from random.Random(f"{seed}/{name}").sample(found, min(most, len(found)))
