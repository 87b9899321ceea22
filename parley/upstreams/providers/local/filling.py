"""Filling in: calls out of forms, and what in them can't be right.

What was said once is meant once: where a small model fills in two arguments with the same words ("Lyon office" as the
thing and as the town), one of them is wrong, and it is asked again for each without the other's.
"""

import json
from itertools import combinations
from typing import Any

from parley.upstreams.providers.local.forms import LACKING, LEFT_OUT, Field, Form
from parley.upstreams.providers.local.quoting import count, words

LONGER = 3
"""Words by which a text that holds another argument's value may be longer than that, and be no sentence of its own."""


class ClashError(Exception):
    """Two arguments of the function *form*, by their *names*, have the same words among their *texts*."""

    def __init__(self, form: str, names: tuple[str, str], texts: dict[str, str]) -> None:
        """Keep what is known of it."""
        super().__init__(form, names)
        self.form = form
        self.names = names
        self.texts = texts


def clash(form: Form, texts: dict[str, str], said: str) -> tuple[str, str] | None:
    """Return two arguments of *form* whose *texts* have words in common that were *said* but once, if there are two."""
    open_to = [field.name for field in form.fields if field.name in texts and _is_open(field)]
    for first, second in combinations(open_to, 2):
        short, long = sorted((texts[first], texts[second]), key=len)
        if count(short, long) and _size(long) <= _size(short) + LONGER and count(short, said) == 1:
            return first, second
    return None


def _is_open(field: Field) -> bool:
    """Tell whether the value of *field* is one text or number out of the conversation."""
    return not field.listed and not field.choices and field.schema.get("type") != "boolean"


def _size(text: str) -> int:
    """Return how many words *text* has."""
    return sum(not it.isspace() for it in words(text))


class Filling:
    """Reads forms as they are filled in, and makes calls of them. A thought that is no form stays one.

    said: what the conversation says, where the first call is to be held against it.
    """

    def __init__(self, found: dict[str, Form], said: str = "") -> None:
        self._forms = found
        self._said = said
        self._held = ""
        self._lines: list[str] = []
        self._thinks = False

    def feed(self, text: str) -> tuple[str, list[tuple[str, str]]]:
        """Return what of *text* is only thought, and the name and arguments of each call that it has completed."""
        self._held += text
        if not self._lines and not self._thinks:
            if self._held == "#":
                return "", []
            self._thinks = not self._held.startswith("# ")
        if self._thinks:
            thought, self._held = self._held, ""
            return thought, []
        *lines, self._held = self._held.split("\n")
        found = [call for line in lines if (call := self._line(line))]
        return "", found

    def end(self) -> tuple[str, str] | None:
        """Return the last call, if its form is whole and lacks nothing.

        Raises ClashError where two arguments of the first call are made of the same words.
        """
        lines, self._lines = self._lines, []
        if not lines:
            return None
        form, given, texts = self._forms[lines[0].removeprefix("# ")], dict[str, Any](), dict[str, str]()
        if len(lines) - 1 < len(form.fields):  # a `stop` of the caller's cut it
            return None
        for field, line in zip(form.fields, lines[1:], strict=True):
            text = line.removeprefix(field.line).removeprefix(" ")
            if text == LACKING:
                return None
            if text != LEFT_OUT:
                given[field.name] = field.value(text)
                texts[field.name] = text
            elif field.empty:
                given[field.name] = []
        said, self._said = self._said, ""
        if said and (names := clash(form, texts, said)):
            raise ClashError(form.name, names, texts)
        return form.name, json.dumps(form.filled(given), ensure_ascii=False)

    def _line(self, line: str) -> tuple[str, str] | None:
        """Take a *line*; return the call that it ends by beginning another."""
        call = self.end() if line.startswith("# ") else None
        self._lines.append(line)
        return call
