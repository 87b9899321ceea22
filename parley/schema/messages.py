"""The messages of a conversation, told apart by `role`.

Unknown fields are let through. A role that is not one, and content that its role may not hold, are refused by
name.
"""

from parley.schema.parts import AssistantContent, Text, UserContent
from parley.schema.wire import Wire


class SystemMessage(Wire, tag_field="role", tag="system"):
    """Instructions of the app's developer."""

    content: Text
    name: str | None = None


class DeveloperMessage(Wire, tag_field="role", tag="developer"):
    """Instructions of the app's developer, as newer models call them."""

    content: Text
    name: str | None = None


class UserMessage(Wire, tag_field="role", tag="user"):
    """What the end user said."""

    content: UserContent
    name: str | None = None


class CalledFunction(Wire):
    """A function the model called; `arguments` is JSON text, if the model wrote it well."""

    name: str
    arguments: str


class CalledCustom(Wire):
    """A custom tool the model called, with free text."""

    name: str
    input: str


class FunctionToolCall(Wire, tag_field="type", tag="function"):
    """A call of a function tool."""

    id: str
    function: CalledFunction


class CustomToolCall(Wire, tag_field="type", tag="custom"):
    """A call of a custom tool."""

    id: str
    custom: CalledCustom


ToolCall = FunctionToolCall | CustomToolCall


class AudioReference(Wire):
    """An earlier spoken answer of the model."""

    id: str


class AssistantMessage(Wire, tag_field="role", tag="assistant"):
    """What the model said."""

    content: AssistantContent | None = None
    name: str | None = None
    refusal: str | None = None
    audio: AudioReference | None = None
    tool_calls: list[ToolCall] | None = None
    function_call: CalledFunction | None = None


class ToolMessage(Wire, tag_field="role", tag="tool"):
    """What a tool answered to one call of the model."""

    content: Text
    tool_call_id: str


class FunctionMessage(Wire, tag_field="role", tag="function"):
    """What a function answered (deprecated: tool messages took its place)."""

    content: str | None
    name: str


Message = DeveloperMessage | SystemMessage | UserMessage | AssistantMessage | ToolMessage | FunctionMessage
