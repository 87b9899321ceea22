"""Forms: how a small model calls functions, when its file says so (`parley.forms`).

Such a model does not write a call's JSON. It thinks: of each call the function's name and a line for each argument, as
its chat template tells them, with the value behind it or `-`. The grammar here lets it write nothing else but these
lines or a text, so that it has to choose only what matters: whether to call, which function, and the values. A text
or number for a value has to stand in the conversation; the rest is what its schema says. `Filling` makes the call.

The lines are those of `training/chat.py`. A function that no form holds (`$ref`, `pattern`, a line break in what is
said of it) is called as with any other model.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

NUMBERS = {"integer": "WHOLE", "number": "NUMBER"}
LEFT_OUT, LACKING = "-", "?"
PLAIN = frozenset({"type", "enum", "description", "title", "default", "examples"})
SIZED = PLAIN | {"minLength", "maxLength"}
NUMERIC = PLAIN | {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
OUTER = frozenset({"type", "properties", "required", "additionalProperties", "description", "title", "$schema"})
LETTER = "[0-9A-Za-z\u00c0-\u024f]"
SIGN = "[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
OTHER = "[^\\W\\d_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+|\\s|."
WORDS = re.compile(f"{LETTER}+(?:[-.,:/@_'+]{LETTER}+)*|{SIGN}|{OTHER}", re.DOTALL)
"""What a text is made of: a word, code, date or address as a whole; a sign of Chinese, Japanese or Korean; the rest."""
FIGURES = re.compile(rf"{LETTER}+(?:[-:/@_]{LETTER}+)+|\d+(?:\.\d+)?|{SIGN}|{OTHER}", re.DOTALL)
"""The same for numbers: one may stand beside letters (5kg), but none within a code or a date."""


class Field(msgspec.Struct, frozen=True):
    """One argument. line: its line up to the value. choices: what it may be, by how the model writes it."""

    name: str
    line: str
    schema: dict[str, Any]
    required: bool
    choices: dict[str, Any]

    def value(self, text: str) -> Any:
        """Return the value that *text* stands for."""
        if self.choices:
            return self.choices[text]
        return text if self.schema.get("type") == "string" else json.loads(text)


class Form(msgspec.Struct, frozen=True):
    """One function."""

    name: str
    fields: tuple[Field, ...]


def forms(tools: list[dict[str, Any]]) -> dict[str, Form] | None:
    """Return the forms of *tools* by name, or None where one of them has none."""
    found = [_form(tool["function"]) for tool in tools]
    return {form.name: form for form in found if form} if all(found) else None


def _form(function: dict[str, Any]) -> Form | None:
    """Return the form of *function*, or None."""
    schema = function.get("parameters") or {}
    properties, required = schema.get("properties") or {}, schema.get("required") or ()
    if not OUTER.issuperset(schema) or not all(_holds(it) for it in properties.values()):
        return None
    fields = tuple(_field(name, it, required=name in required) for name, it in properties.items())
    told = "".join((function["name"], *(field.line for field in fields)))
    return Form(function["name"], fields) if "\n" not in told else None


def _holds(schema: dict[str, Any]) -> bool:
    """Return whether a line can hold a value of *schema*."""
    kind = schema.get("type")
    if "enum" in schema:
        return PLAIN.issuperset(schema) and all(type(it) in (str, int) for it in schema["enum"])
    if kind in ("integer", "number"):
        return NUMERIC.issuperset(schema)
    return (kind == "boolean" and PLAIN.issuperset(schema)) or (kind == "string" and SIZED.issuperset(schema))


def _field(name: str, schema: dict[str, Any], *, required: bool) -> Field:
    """Return the line of the argument *name*."""
    choices = {str(it): it for it in schema.get("enum") or ()}
    kind = "|".join(choices) if choices else "" if schema["type"] == "string" else schema["type"]
    told = f" {_lower(schema['description'])}" if schema.get("description") else ""
    return Field(name, f"- {name}{'=' if required else '?'}{kind}{told}:", schema, required, choices)


def _lower(text: str) -> str:
    """Return *text* in lower case, as llama.cpp's templates have it: letters of ASCII alone."""
    return "".join(it.lower() if it.isascii() else it for it in text)


def form_grammar(found: dict[str, Form], heard: str, *, forced: bool, single: bool) -> str:
    """Return the grammar of the calls of *found* whose texts stand in *heard*; of texts too, unless one is *forced*."""
    rules, listed = [f'called: "<think>\\n" form{"" if single else "+"} "</think>"'], [*enumerate(found.values())]
    rules.append("form: " + " | ".join(f"form_{number}" for number, _ in listed))
    rules += [rule for number, form in listed for rule in _full(form, number)]
    ways = ["called"]
    if not forced:
        ways += ["told", "TEXT"]
        rules.append(r'told: "<think>\n" HEARD "\n</think>\n" TEXT')
        rules.append(r"TEXT: /[^<]([^<]|<[^\/t])*/")
        asking = [(number, form) for number, form in listed if any(it.required for it in form.fields)]
        rules += [rule for number, form in asking for rule in _lacking(form, number)]
        if asking:
            ways.append("asked")
            rules.append("lack: " + " | ".join(f"lack_{number}" for number, _ in asking))
            rules.append(r'asked: "<think>\n" lack "</think>\n" QUESTION')
            rules.append(r"QUESTION: /[^<\n]+/")
    for name, parts in (("PART", WORDS), ("FIGURES", FIGURES)):
        chunks = json.dumps(parts.findall(heard), ensure_ascii=False)
        rules.append(f'{name}: %regex {{"substring_chunks": {chunks}}}')
    rules.append(r"HEARD: PART & /[^\n ]([^\n]*[^\n ])?/ & /[^\n]*[^\n ?-][^\n]*/")
    rules.append(r"WHOLE: (FIGURES & /-?(0|[1-9][0-9]*)/) | /[0-9]|1[0-2]/")  # a small one may be said as a word
    rules.append(r"NUMBER: WHOLE | (FIGURES & /-?(0|[1-9][0-9]*)\.[0-9]+/)")
    return "\n".join(["%llguidance {}", "start: " + " | ".join(ways), *rules])


def _full(form: Form, number: int) -> Iterator[str]:
    """Yield the rules of *form* with all that is required, and of each of its lines."""
    lines = [f"line_{number}_{place}" for place in range(len(form.fields))]
    yield " ".join((f"form_{number}:", _text(f"# {form.name}\n"), *lines))
    for line, field in zip(lines, form.fields, strict=True):
        value, extra = _value(field, f"value_{line}")
        yield from extra
        missing = "" if field.required else f' | " {LEFT_OUT}\\n"'
        yield f'{line}: {_text(field.line)} (" "? {value} "\\n"{missing})'


def _lacking(form: Form, number: int) -> Iterator[str]:
    """Yield the rules of *form* without something that is required: from each line on with something lacking or not."""
    head = _text(f"# {form.name}\n")
    yield f"lack_{number}: {head} lack_{number}_0"
    yield f'rest_{number}_{len(form.fields)}: ""'
    for place, field in enumerate(form.fields):
        given, after = f"line_{number}_{place}", f"{number}_{place + 1}"
        gap = f'{_text(field.line)} " {LACKING}\\n" rest_{after}' if field.required else ""
        later = any(it.required for it in form.fields[place + 1 :])
        if ways := [way for way in (f"{given} lack_{after}" if later else "", gap) if way]:
            yield f"lack_{number}_{place}: " + " | ".join(ways)
        yield f"rest_{number}_{place}: {given} rest_{after}" + (f" | {gap}" if gap else "")


def _value(field: Field, rule: str) -> tuple[str, list[str]]:
    """Return what stands for a value of *field*, and the rule it needs."""
    if field.choices:
        return "(" + " | ".join(_text(it) for it in field.choices) + ")", []
    if field.schema["type"] == "string":
        least, most = field.schema.get("minLength", 0), field.schema.get("maxLength", "")
        if not least and most == "":
            return "HEARD", []
        return rule.upper(), [f"{rule.upper()}: HEARD & /[^\\n]{{{least},{most}}}/"]
    if field.schema["type"] in NUMBERS and PLAIN.issuperset(field.schema):
        return NUMBERS[field.schema["type"]], []
    held = {name: it for name, it in field.schema.items() if name in NUMERIC - PLAIN or name == "type"}
    return rule, [f"{rule}: %json {json.dumps(held)}"]


def _text(text: str) -> str:
    """Return *text* as a literal of the grammar."""
    return json.dumps(text, ensure_ascii=False)


def heard(messages: list[dict[str, Any]]) -> str:
    """Return all that is said in *messages*."""
    return "\n".join(_said(message) for message in messages)


def _said(message: dict[str, Any]) -> str:
    """Return the texts of one *message*, and what its calls passed."""
    content = message.get("content") or ""
    parts = [content] if isinstance(content, str) else [part.get("text") or "" for part in content]
    return "\n".join([*parts, *(called["function"]["arguments"] for called in message.get("tool_calls") or ())])


class Filling:
    """Reads forms as they are filled in, and makes calls of them. A thought that is no form stays one."""

    def __init__(self, found: dict[str, Form]) -> None:
        self._forms = found
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
        """Return the last call, if its form is whole and lacks nothing."""
        lines, self._lines = self._lines, []
        if not lines:
            return None
        form, given = self._forms[lines[0].removeprefix("# ")], dict[str, Any]()
        if len(lines) - 1 < len(form.fields):  # a `stop` of the caller's cut it
            return None
        for field, line in zip(form.fields, lines[1:], strict=True):
            text = line.removeprefix(field.line).removeprefix(" ")
            if text == LACKING:
                return None
            if text != LEFT_OUT:
                given[field.name] = field.value(text)
        return form.name, json.dumps(given, ensure_ascii=False)

    def _line(self, line: str) -> tuple[str, str] | None:
        """Take a *line*; return the call that it ends by beginning another."""
        call = self.end() if line.startswith("# ") else None
        self._lines.append(line)
        return call
