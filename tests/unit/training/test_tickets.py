"""Tickets: the record holds what was said, under the keys and labels that were wished for."""

# ruff: noqa: S311 - these draws are meant to repeat

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from training.tickets import KEYS, ticket

LANGUAGES = pytest.mark.parametrize("language", ["en", "zh"])


def leaves(record: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield each key of *record* with its value, those of objects in it too."""
    for key, value in record.items():
        if isinstance(value, dict):
            yield from leaves(value)
        else:
            yield key, value


@LANGUAGES
def test_each_value_was_said(language: str) -> None:
    """Where the keys are told, as they mostly are, each label stands beside them and each entity in the talk."""
    wished = 0
    for number in range(300):
        *talk, reply = ticket(random.Random(number), language).turns
        said = "\n".join(turn.text for turn in talk)
        found = dict(leaves(json.loads(reply.text)))
        if all(key in said for key in found):
            wished += 1
            copied = [value for key, value in found.items() if key not in KEYS["summary"]]
            assert all(isinstance(value, int | float) or value in said for value in copied), copied
    assert wished > 240


@LANGUAGES
def test_most_are_about_something_else(language: str) -> None:
    """Hundreds of matters, so that labels are read and not remembered."""
    records = [json.loads(ticket(random.Random(number), language).turns[-1].text) for number in range(400)]
    labels = [record[key] for record in records for key in KEYS["intent"] if isinstance(record.get(key), str)]
    assert len({*labels}) > len(labels) / 3
