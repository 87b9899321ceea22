"""Forms: how a small model calls functions, when its file says so (`parley.forms`).

Such a model does not write a call's JSON. It thinks: of each call the function's name and a line for each argument, as
its chat template tells them, with the value behind it or `-`. The grammar here lets it write nothing else but these
lines or a text, so that it has to choose only what matters: whether to call, which function, and the values. A text
or number for a value has to stand in the conversation, but for what is to be put into words, such as an answer; the
rest is what its schema says. `filling.py` makes the call. A structured answer is filled in like a call of the one
function that takes what its schema asks for.

The lines are those of `training/chat.py`; members of a list stand in one line with `; ` between them. A function that
no form holds (`$ref`, `pattern`, a list of objects, a line break in what is said of it) is called as with any other
model.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from parley.upstreams.providers.local.quoting import OWN, quotable, quoting, rest
from parley.upstreams.providers.local.schemas import VALUES
from parley.upstreams.providers.local.telling import TEXT, WORDED, telling

Without = Mapping[tuple[str, str], Sequence[str]]
"""By the names of a function and of an argument, the texts that its value has no part of."""
NUMBERS = {"integer": "WHOLE", "number": "NUMBER"}
LEFT_OUT, LACKING = "-", "?"
PLAIN = frozenset({"type", "enum", "description", "title", "default", "examples"})
SIZED = PLAIN | {"minLength", "maxLength"}
NUMERIC = PLAIN | {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
TWO = 2
DEEPEST = 3  # references within one another
DEFINED = ("$defs", "definitions", *VALUES)  # members in which no reference has to be followed
SINGLE = frozenset({"string", "integer", "number", "boolean"})
LISTED = PLAIN - {"enum"} | {"items", "minItems", "maxItems"}
BETWEEN, MOST = "; ", 16
"""Between the members of a list; the most of them, where its schema does not say."""
OUTER = frozenset(
    {
        "$defs",
        "definitions",
        "type",
        "properties",
        "required",
        "additionalProperties",
        "description",
        "title",
        "$schema",
    }
)


class Field(msgspec.Struct, frozen=True):
    """One argument.

    name: as its line has it. path: where its value stands. line: its line up to the value. choices: what it, or each
    member of a list, may be, by how the model writes it. null: left out it is null.
    """

    name: str
    path: tuple[str, ...]
    line: str
    schema: dict[str, Any]
    required: bool
    choices: dict[str, Any]
    null: bool

    @property
    def listed(self) -> bool:
        """Tell whether the value is a list."""
        return "items" in self.schema

    @property
    def single(self) -> dict[str, Any]:
        """Return the schema of the value, or of each member of a list."""
        single: dict[str, Any] = self.schema.get("items", self.schema)
        return single

    @property
    def empty(self) -> bool:
        """Tell whether the value is a list that has to be there, but may be empty."""
        return self.listed and self.required and not self.schema.get("minItems")

    def value(self, text: str) -> Any:
        """Return the value that *text* stands for."""
        return [self._one(it) for it in text.split(BETWEEN)] if self.listed else self._one(text)

    def _one(self, text: str) -> Any:
        """Return the value, or the member of a list, that *text* stands for."""
        if self.choices:
            return self.choices[text]
        return text if self.single.get("type") == "string" else json.loads(text)


class Form(msgspec.Struct, frozen=True):
    """One function."""

    name: str
    fields: tuple[Field, ...]

    def told(self, tool: dict[str, Any]) -> dict[str, Any]:
        """Return *tool*, this function, as the model is told of it: its arguments side by side, none within another."""
        declared = (tool["function"].get("parameters") or {}).get("properties") or {}
        if [*declared.values()] == [field.schema for field in self.fields]:
            return tool
        properties = {field.name: field.schema for field in self.fields}
        required = [field.name for field in self.fields if field.required]
        parameters = {"type": "object", "properties": properties, "required": required}
        return {**tool, "function": {**tool["function"], "parameters": parameters}}

    def filled(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments where those *given*, by name, are in their places."""
        found: dict[str, Any] = {}
        for field in self.fields:
            inner = found
            for name in field.path[:-1]:
                inner = inner.setdefault(name, {})
            if field.name in given or field.null:
                inner[field.path[-1]] = given.get(field.name)
        return found


def forms(tools: list[dict[str, Any]]) -> dict[str, Form] | None:
    """Return the forms of *tools* by name, or None where one of them has none."""
    found = [_form(tool["function"]) for tool in tools]
    return {form.name: form for form in found if form} if all(found) else None


def _form(function: dict[str, Any]) -> Form | None:
    """Return the form of *function*, or None."""
    schema = _inlined(function.get("parameters") or {}, function.get("parameters") or {}, 0)
    fields: dict[str, Field] = {}
    if not _gather(schema, (), {*(schema.get("properties") or ())}, fields):
        return None
    told = "".join((function["name"], *(field.line for field in fields.values())))
    return Form(function["name"], tuple(fields.values())) if "\n" not in told else None


def _inlined(schema: Any, root: dict[str, Any], depth: int) -> Any:
    """Return *schema* with what its references, into *root*, lead to in their places; a circle stays a reference."""
    if isinstance(schema, list):
        return [_inlined(item, root, depth) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(schema.get("$ref"), str) and depth < DEEPEST:  # there may be a property of that name
        found: Any = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        beside = {name: it for name, it in schema.items() if name != "$ref"}
        return _inlined({**found, **beside} if isinstance(found, dict) else found, root, depth + 1)
    return {name: it if name in DEFINED else _inlined(it, root, depth) for name, it in schema.items()}


def _gather(schema: dict[str, Any], path: tuple[str, ...], outer: set[str], found: dict[str, Field]) -> bool:
    """Add the fields of *schema*, which stands at *path*, to *found*; return False if a line can't hold one of them.

    What stands within an object has its own name, or its path where that is taken by one of *outer* or *found*.
    """
    if not OUTER.issuperset(schema) or _open(schema):
        return False
    needed = schema.get("required") or ()
    for key, declared in (schema.get("properties") or {}).items():
        if not isinstance(declared, dict):  # `false`
            return False
        plain, null = _nullable(declared)
        way = (*path, key)
        if plain.get("type") == "object" and plain.get("properties") and key in needed and not null:
            if not _gather(plain, way, outer, found):
                return False
        elif not _holds(plain):
            return False
        else:
            name = ".".join(way) if path and (key in outer or key in found) else key
            if name in found or (path and name in outer):  # a property whose name looks like a path
                return False
            found[name] = _field(name, way, plain, required=key in needed and not null, null=null and key in needed)
    return True


def _open(schema: dict[str, Any]) -> bool:
    """Return whether *schema* is of keys that it leaves open: no line can hold them."""
    return not schema.get("properties") and bool(schema.get("additionalProperties"))


def _nullable(schema: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """Return *schema* without null, and whether it allows it beside one other thing."""
    ways, kinds = schema.get("anyOf"), schema.get("type")
    if (
        isinstance(ways, list)
        and len(ways) == TWO
        and {"type": "null"} in ways
        and schema.keys() - {"anyOf"} <= PLAIN - {"type", "enum"}
    ):
        other = next((way for way in ways if way != {"type": "null"}), None)
        if not isinstance(other, dict):
            return schema, False
        return {**{name: it for name, it in schema.items() if name != "anyOf"}, **other}, True
    if isinstance(kinds, list) and len(kinds) == TWO and "null" in kinds and "enum" not in schema:
        return {**schema, "type": next((kind for kind in kinds if kind != "null"), "")}, True
    return schema, False


def _holds(schema: dict[str, Any]) -> bool:
    """Return whether a line can hold a value of *schema*."""
    kind, items = schema.get("type"), schema.get("items")
    if kind == "array":
        return LISTED.issuperset(schema) and schema.get("maxItems") != 0 and _member(items)
    if "enum" in schema:
        return PLAIN.issuperset(schema) and all(type(it) in (str, int) for it in schema["enum"])
    if kind in ("integer", "number"):
        return NUMERIC.issuperset(schema)
    if kind == "string":
        return SIZED.issuperset(schema) and schema.get("maxLength") != 0
    return kind == "boolean" and PLAIN.issuperset(schema)


def _member(schema: Any) -> bool:
    """Return whether a value of *schema* can stand in a line beside others."""
    if not isinstance(schema, dict) or not PLAIN.issuperset(schema) or schema.get("type") not in SINGLE:
        return False
    return _holds(schema) and not any(BETWEEN in str(it) for it in schema.get("enum") or ())


def _field(name: str, path: tuple[str, ...], schema: dict[str, Any], *, required: bool, null: bool) -> Field:
    """Return the line of the argument *name*."""
    single = schema.get("items", schema)
    choices = {str(it): it for it in single.get("enum") or ()}
    kind = "|".join(choices) if choices else "" if single["type"] == "string" else single["type"]
    if "items" in schema:
        kind = f"list {kind}".rstrip()
    told = f" {_lower(schema['description'])}" if schema.get("description") else ""
    return Field(name, path, f"- {name}{'=' if required else '?'}{kind}{told}:", schema, required, choices, null)


def _lower(text: str) -> str:
    """Return *text* in lower case, as llama.cpp's templates have it: letters of ASCII alone."""
    return "".join(it.lower() if it.isascii() else it for it in text)


def form_grammar(
    found: dict[str, Form],
    heard: str,
    *,
    forced: bool,
    single: bool,
    worded: bool = False,
    without: Without = MappingProxyType({}),
) -> str:
    """Return the grammar of the calls of *found* whose texts stand in *heard*; of texts too, unless one is *forced*.

    worded: what is an answer, by its name, is put into words. without: what an argument is not made of.
    """
    told = telling(heard)
    rules, listed = [f'called: "<think>\\n" form{"" if single else "+"} "</think>"'], [*enumerate(found.values())]
    rules.append("form: " + " | ".join(f"form_{number}" for number, _ in listed))
    rules += [rule for number, form in listed for rule in _full(form, number, Source(heard, worded, without))]
    ways = ["called"]
    if not forced:
        ways += ["told", "TEXT"] if told else ["TEXT"]
        rules += told or [TEXT]
        asking = [(number, form) for number, form in listed if any(it.required for it in form.fields)]
        rules += [rule for number, form in asking for rule in _lacking(form, number)]
        if asking:
            ways.append("asked")
            rules.append("lack: " + " | ".join(f"lack_{number}" for number, _ in asking))
            rules.append(r'asked: "<think>\n" lack "</think>\n" QUESTION')
            rules.append(r"QUESTION: /[^<\n]{1,200}/")
    rules.append(f"ITEM: HEARD & /[^{BETWEEN[0]}]*/")
    return "\n".join(["%llguidance {}", "start: " + " | ".join(ways), *rules, *quoting(heard)])


class Source(NamedTuple):
    """What values are made of: see `form_grammar`."""

    heard: str
    worded: bool
    without: Without


def _full(form: Form, number: int, source: Source) -> Iterator[str]:
    """Yield the rules of *form* with all that is required, and of each of its lines."""
    lines = [f"line_{number}_{place}" for place in range(len(form.fields))]
    yield " ".join((f"form_{number}:", _text(f"# {form.name}\n"), *lines))
    for line, field in zip(lines, form.fields, strict=True):
        text, mark = source.heard, ""
        if gone := source.without.get((form.name, field.name)):
            text, mark = rest(text, gone), f"{line.upper()}_"
            yield from quoting(text, mark)
        said = "OWN" if source.worded and field.name in WORDED else f"{mark}HEARD"
        value, extra = _value(field, f"value_{line}", said, text, mark)
        yield from extra
        missing = "" if field.required and not field.empty else f' | " {LEFT_OUT}\\n"'
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


def _value(field: Field, rule: str, said: str, heard: str, mark: str) -> tuple[str, list[str]]:
    """Return what stands for a value of *field*, and the rule it needs; *said* is that of texts, which were *heard*.

    The rules of what was heard have *mark* before their names.

    Where nothing that was heard is as long, or as short, as a text has to be, it is in words of the model's own.
    """
    if field.listed:
        least = max(1, field.schema.get("minItems", 0))
        most = field.schema.get("maxItems", max(MOST, least))
        one, extra = _value(msgspec.structs.replace(field, schema=field.single), rule, "ITEM", heard, mark)
        more = f" ({_text(BETWEEN)} {one}){{{least - 1},{most - 1}}}" if most > 1 else ""
        return f"({one}{more})", extra
    if field.choices:
        return "(" + " | ".join(_text(it) for it in field.choices) + ")", []
    if field.schema["type"] == "string":
        return _quoted(field.schema, rule.upper(), said, heard)
    if field.schema["type"] in NUMBERS and PLAIN.issuperset(field.schema):
        return mark + NUMBERS[field.schema["type"]], []
    held = {name: it for name, it in field.schema.items() if name in NUMERIC - PLAIN or name == "type"}
    return rule, [f"{rule}: %json {json.dumps(held)}"]


def _quoted(schema: dict[str, Any], rule: str, said: str, heard: str) -> tuple[str, list[str]]:
    """Return what stands for a text of *schema*, and the *rule* it needs."""
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    if not least and most is None:
        return said, []
    if said != "OWN" and quotable(heard, least, most):
        return rule, [f"{rule}: {said} & /[^\\n]{{{least},{'' if most is None else most}}}/"]
    return rule, [f"{rule}: SOME & /[^\\n< ][^\\n<]{{{max(least, 1) - 1},{(most or max(least, OWN)) - 1}}}/"]


def _text(text: str) -> str:
    """Return *text* as a literal of the grammar."""
    return json.dumps(text, ensure_ascii=False)
