"""Tickets: the record holds what was said, under the keys and labels that were wished for."""

# ruff: noqa: S311 - these draws are meant to repeat

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from training.chat import Conversation, dumps
from training.tickets import KEYS, ticket

LANGUAGES = pytest.mark.parametrize("language", ["en", "zh"])


def leaves(record: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield each key of *record* with its value, those of objects in it too."""
    for key, value in record.items():
        if isinstance(value, dict):
            yield from leaves(value)
        else:
            yield key, value


def held(made: Conversation) -> dict[str, Any]:
    """Return the record of *made*, a form or JSON; of a list the one that is in it."""
    last = made.turns[-1]
    found = last.calls[0]["arguments"] if last.recorded else dict(leaves(json.loads(last.text)))
    return {key: value[0] if isinstance(value, list) else value for key, value in found.items()}


@LANGUAGES
def test_each_value_was_said(language: str) -> None:
    """Each label stands beside the keys that are told, or in the schema; each entity in the talk."""
    ways = {True: 0, False: 0}
    for number in range(300):
        made = ticket(random.Random(number), language)
        said = "\n".join((*(turn.text for turn in made.turns[:-1]), *map(dumps, made.tools)))
        for key, value in held(made).items():
            assert key in said
            assert isinstance(value, int | float) or value in said or key in KEYS["summary"]
        ways[made.turns[-1].recorded] += 1
    assert min(ways.values()) > 50


@LANGUAGES
def test_a_form_quotes(language: str) -> None:
    """Its summary is what the customer said first, as much of it as there may be room for."""
    quoted = 0
    for number in range(200):
        made = ticket(random.Random(number), language)
        summaries = [value for key, value in held(made).items() if key in KEYS["summary"]]
        if made.turns[-1].recorded and summaries:
            first = next(turn.text for turn in made.turns if turn.role == "user")
            quotations = [it for it in summaries if first.startswith(it)]  # a function's argument may be a `title` too
            assert all(len(it) <= 120 for it in quotations)
            quoted += bool(quotations)
    assert quoted > 50


@LANGUAGES
def test_most_are_about_something_else(language: str) -> None:
    """Hundreds of matters, so that labels are read and not remembered."""
    records = [held(ticket(random.Random(number), language)) for number in range(400)]
    labels = [record[key] for record in records for key in KEYS["intent"] if isinstance(record.get(key), str)]
    assert len({*labels}) > len(labels) / 3
