"""What the model may call and how it is told to (tools, the older functions), and the form of its answer."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from parley.schema.wire import Name, Wire


class Function(Wire):
    """A function the model may call; `parameters` is a JSON Schema."""

    name: Name
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class FunctionTool(Wire, tag_field="type", tag="function"):
    """A tool that is a function."""

    function: Function


class Grammar(Wire):
    """A grammar that a custom tool's input follows."""

    definition: str
    syntax: Literal["lark", "regex"]


class GrammarFormat(Wire, tag_field="type", tag="grammar"):
    """Input that follows a grammar."""

    grammar: Grammar


class TextFormat(Wire, tag_field="type", tag="text"):
    """Free text."""


class Custom(Wire):
    """A tool that takes text."""

    name: Name
    description: str | None = None
    format: TextFormat | GrammarFormat | None = None


class CustomTool(Wire, tag_field="type", tag="custom"):
    """A tool that takes text in a form of its own."""

    custom: Custom


Tool = FunctionTool | CustomTool


class Named(Wire):
    """The name of a tool or function."""

    name: str


class FunctionChoice(Wire, tag_field="type", tag="function"):
    """Call this function."""

    function: Named


class CustomChoice(Wire, tag_field="type", tag="custom"):
    """Call this custom tool."""

    custom: Named


class AllowedTools(Wire):
    """The tools that may be called, each as `{"type": "function", "function": {"name": ...}}`."""

    mode: Literal["auto", "required"]
    tools: list[FunctionChoice | CustomChoice]


class AllowedChoice(Wire, tag_field="type", tag="allowed_tools"):
    """Call none but these."""

    allowed_tools: AllowedTools


ToolChoice = Literal["none", "auto", "required"] | FunctionChoice | CustomChoice | AllowedChoice
FunctionCallChoice = Literal["none", "auto"] | Named
Functions = Annotated[list[Function], Meta(min_length=1, max_length=128)]
Tools = Annotated[list[Tool], Meta(max_length=128)]


class JSONSchema(Wire):
    """The schema that the answer must match."""

    name: Name
    schema: dict[str, Any]
    description: str | None = None
    strict: bool | None = None


class TextAnswer(Wire, tag_field="type", tag="text"):
    """The answer is text."""


class JSONAnswer(Wire, tag_field="type", tag="json_object"):
    """The answer is a JSON object."""


class SchemaAnswer(Wire, tag_field="type", tag="json_schema"):
    """The answer is JSON that matches a schema."""

    json_schema: JSONSchema


ResponseFormat = TextAnswer | JSONAnswer | SchemaAnswer
