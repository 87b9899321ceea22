"""What we ask llama.cpp for a chat: OpenAI's parameters in its words, and a refusal by name of what it cannot do.

llama.cpp ignores much in silence (a named `tool_choice`, the older `functions`, unknown fields), so nothing reaches it
that was not put here on purpose. It is always asked for a stream: that is cancelled at once when the client leaves, and
it tells the tokens of every choice.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from parley.core.call import Call
from parley.errors import InvalidRequest
from parley.schema.chat import KNOWN, ChatRequest
from parley.schema.tools import AllowedChoice, CustomTool, FunctionChoice, Named, TextAnswer
from parley.upstreams.providers.local.bounded import bounded
from parley.upstreams.providers.local.dropped import dropped, false_at
from parley.upstreams.providers.local.forcing import Forced, forced_schema
from parley.upstreams.providers.local.forms import Form, form_grammar, forms
from parley.upstreams.providers.local.grammar import grammar
from parley.upstreams.providers.local.schemas import check_schema, unheld
from parley.upstreams.providers.local.telling import heard, object_grammar, telling_grammar

SAMPLING = ("temperature", "top_p", "seed", "stop", "presence_penalty", "frequency_penalty", "logit_bias", "n")
EXTRAS = frozenset({"top_k", "min_p", "repeat_penalty"})  # llama.cpp's own, honoured when sent
IMPOSSIBLE = (
    "audio",
    "moderation",
    "prediction",
    "verbosity",
    "web_search_options",
)
ANY = frozenset({"type", "title", "description", "$schema"})
"""Members of the schema of an object of which nothing is known."""
STREAM = {"stream": True, "stream_options": {"include_usage": True}, "timings_per_token": True}


class Plan(msgspec.Struct):
    """A request for the engine, and how to read its answer."""

    body: dict[str, Any]
    forced: Forced | None = None
    forms: dict[str, Form] | None = None  # what the model fills in to call a function
    schema: dict[str, Any] | None = None  # what the answer is held to
    record: dict[str, Any] | None = None  # the function that would take what a structured answer holds
    required: bool = False  # a function has to be called
    several: bool = False  # several answers are wanted
    said: str = ""  # what calls are held against, so that no two arguments are made of the same words
    without: dict[tuple[str, str], list[str]] = {}  # what arguments of functions are not made of
    legacy: bool = False  # the client speaks of functions, not of tools
    single: bool = False  # at most one tool call is wanted; llama.cpp may make several all the same
    vision: bool = False


def refuse(param: str, message: str | None = None) -> InvalidRequest:
    """Return the refusal of a parameter that the engine cannot honour."""
    message = message or f"Unsupported parameter: '{param}' is not supported with this model."
    return InvalidRequest(message, param=param, code="unsupported_parameter")


def refuse_unknown(call: Call, known: frozenset[str]) -> None:
    """Raise InvalidRequest for a parameter that is not in *known*."""
    for name in call.fields:
        if name not in known and name not in EXTRAS:
            raise InvalidRequest(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")


def sampling(call: Call) -> dict[str, Any]:
    """Return the parameters that the engine takes as they are."""
    names = (*SAMPLING, *sorted(EXTRAS))
    return {name: call.fields[name] for name in names if name in call.fields and bytes(call.fields[name]) != b"null"}


def plan_chat(call: Call) -> Plan:
    """Return what to ask the engine for *call*. Raises InvalidRequest, naming what it cannot do."""
    ask: ChatRequest = call.ask
    refuse_unknown(call, KNOWN)
    for name in IMPOSSIBLE:
        if getattr(ask, name) is not None:
            raise refuse(name)
    if ask.modalities and "audio" in ask.modalities:
        raise refuse("modalities")
    if ask.reasoning_effort not in (None, "none"):
        raise refuse("reasoning_effort")
    if ask.stop is not None and "" in (ask.stop if isinstance(ask.stop, list) else [ask.stop]):
        raise InvalidRequest("Invalid 'stop': an empty text can't end an answer.", param="stop", code="invalid_value")
    messages, vision = translated(msgspec.json.decode(call.fields["messages"]))
    plan = Plan({"messages": messages, **STREAM, **sampling(call)}, vision=vision, several=(ask.n or 1) > 1)
    if ask.limit is not None:
        plan.body["max_tokens"] = ask.limit
    if ask.logprobs:
        plan.body |= {"logprobs": True, "top_logprobs": ask.top_logprobs or 1}
    _add_format(plan, ask, call)
    _add_tools(plan, ask, call)
    return plan


def _add_format(plan: Plan, ask: ChatRequest, call: Call) -> None:
    if isinstance(ask.response_format, TextAnswer | None):
        return
    schema = getattr(ask.response_format, "json_schema", None)
    if schema is None:
        plan.body["response_format"] = call.fields["response_format"]
    else:
        checked = check_schema(schema.schema, "response_format.json_schema.schema")
        _hold(plan, checked)
        if isinstance(checked, dict) and checked.get("type") == "object" and not ask.logprobs:
            plan.record = {"name": schema.name, "description": schema.description or "", "parameters": checked}


def _hold(plan: Plan, schema: Any) -> None:
    """Hold the answer to *schema*."""
    plan.schema, plan.body["grammar"] = schema, grammar(schema)


def _add_tools(plan: Plan, ask: ChatRequest, call: Call) -> None:
    """Put the tools into *plan*, and what must be called."""
    plan.legacy = ask.functions is not None
    placed = list(enumerate(_tools(ask, call)))
    choice = _choice(ask)
    if isinstance(choice, list):  # allowed_tools
        placed = [(number, tool) for number, tool in placed if tool["function"]["name"] in choice]
        choice = ask.tool_choice.allowed_tools.mode if isinstance(ask.tool_choice, AllowedChoice) else "auto"
    tools = [tool for _, tool in placed]
    if not tools or choice == "none":
        return
    if ask.logprobs:
        raise refuse("logprobs", "'logprobs' is not supported together with tools with this model.")
    for number, tool in placed:
        where = f"functions[{number}]" if plan.legacy else f"tools[{number}].function"
        if parameters := tool["function"].get("parameters"):
            tool["function"]["parameters"] = check_schema(parameters, f"{where}.parameters")
            if choice == "auto":
                _check_choosable(tool["function"], f"{where}.parameters")
    plan.body["tools"] = tools
    if choice != "auto":
        plan.required = True
        names = [tool["function"]["name"] for tool in tools]
        plan.forced, schema = forced_schema(tools, None if choice == "required" else choice, names)
        plan.body["tool_choice"] = "none"
        _hold(plan, schema)
        return
    if not isinstance(ask.response_format, TextAnswer | None):
        raise refuse("response_format", "'response_format' is not supported together with tools with this model.")
    plan.single = plan.legacy or ask.parallel_tool_calls is False
    plan.body |= {"tool_choice": "auto", "parallel_tool_calls": not plan.single}


def ways(plan: Plan) -> Iterator[tuple[Plan, str]]:
    """Yield *plan* for a model that fills in forms, each with a grammar to try it by: the first that holds is good.

    None at all if it is no chat, or if nothing is called, no JSON asked for and nothing there to tell. The last way,
    where there is a schema, is JSON that is bounded: the only one where a function has no form.
    """
    if "messages" not in plan.body:
        return
    said, record = heard(plan.body["messages"]), None if plan.body.get("tools") else plan.record
    if said.strip():
        if record is not None or plan.body.get("tools"):
            yield from _formed(plan, said, record)
        else:
            yield from _telling(plan, said)
    if plan.schema is not None:
        text = grammar(bounded(plan.schema))
        yield msgspec.structs.replace(plan, body={**plan.body, "grammar": text}), text


def _formed(plan: Plan, said: str, record: dict[str, Any] | None) -> Iterator[tuple[Plan, str]]:
    """Yield *plan* with forms to fill in, if all have one: those of its functions, or that of a *record*."""
    shown: list[dict[str, Any]] = plan.body.get("tools") or [{"type": "function", "function": record}]
    only = plan.forced.name if plan.forced is not None else None
    found = forms([tool for tool in shown if only in (None, tool["function"]["name"])])
    if record is not None and ANY.issuperset(record["parameters"]):
        yield msgspec.structs.replace(plan, body={**plan.body, "grammar": object_grammar(said)}), object_grammar("any")
    elif found is not None:
        forced = plan.forced is not None or record is not None
        tools = [found[name].told(tool) if (name := tool["function"]["name"]) in found else tool for tool in shown]
        body = {**plan.body, "tools": tools, "tool_choice": "none"}
        body.pop("parallel_tool_calls", None)
        single, worded = forced or plan.single, record is not None
        body["grammar"] = form_grammar(found, said, forced=forced, single=single, worded=worded)
        filled = msgspec.structs.replace(plan, body=body, forms=found, forced=None, record=record)
        if record is None and not plan.several:
            filled.said = said
        yield filled, form_grammar(found, "any", forced=True, single=True)


def _telling(plan: Plan, said: str) -> Iterator[tuple[Plan, str]]:
    """Yield *plan* for a model that answers out of what was *said*, if there is anything to tell."""
    if "response_format" in plan.body:  # any JSON
        body = {name: it for name, it in plan.body.items() if name != "response_format"}
        yield msgspec.structs.replace(plan, body={**body, "grammar": object_grammar(said)}), object_grammar("any")
    elif plan.schema is None and (told := telling_grammar(said)) is not None:
        trial = str(telling_grammar("any", start="told"))
        yield msgspec.structs.replace(plan, body={**plan.body, "grammar": told}), trial


def _check_choosable(function: dict[str, Any], place: str) -> None:
    """Raise InvalidRequest where llama.cpp's own grammar, the only one for a free choice, can't do for *function*."""
    schema = function["parameters"]
    if (where := false_at(schema)) is not None:
        raise unheld(place, "false", where)
    if function.get("strict"):
        for name, where in dropped(schema):
            raise unheld(place, name, where)


def _tools(ask: ChatRequest, call: Call) -> list[dict[str, Any]]:
    """Return the tools, or the older functions as tools, without the nulls that llama.cpp can't read.

    Raises InvalidRequest for a tool that is no function.
    """
    for number, tool in enumerate(ask.tools or ()):
        if isinstance(tool, CustomTool):
            raise refuse(f"tools[{number}].type", "Tools of type 'custom' are not supported with this model.")
    if ask.functions is not None:
        functions = msgspec.json.decode(call.fields["functions"])
    else:
        functions = [tool["function"] for tool in msgspec.json.decode(call.fields["tools"])] if ask.tools else []
    told = [{name: value for name, value in function.items() if value is not None} for function in functions]
    return [{"type": "function", "function": function} for function in told]


def _choice(ask: ChatRequest) -> Any:
    """Return what is to be called: "auto", "none", "required", a list of allowed names, or `Named`."""
    chosen = ask.function_call if ask.functions is not None else ask.tool_choice
    if isinstance(chosen, FunctionChoice):
        return chosen.function.name
    if isinstance(chosen, Named):
        return chosen.name
    if isinstance(chosen, AllowedChoice):
        return [tool.function.name for tool in chosen.allowed_tools.tools if isinstance(tool, FunctionChoice)]
    return chosen or "auto"


def translated(messages: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], bool]:
    """Return *messages* as llama.cpp reads them, and whether there is an image. Raises InvalidRequest."""
    told: list[dict[str, Any]] = []
    vision = False
    for number, message in enumerate(messages):
        parts = message.get("content")
        for place, part in enumerate(parts if isinstance(parts, list) else ()):
            if part["type"] not in ("text", "image_url", "refusal"):
                raise refuse(f"messages[{number}].content[{place}].type")
            vision = vision or part["type"] == "image_url"
        told.append(_message(message, f"call_{number - 1}", number))
    return told, vision


def _message(message: dict[str, Any], previous: str, number: int) -> dict[str, Any]:
    """Return one *message* in llama.cpp's words; *previous* stands for the id that older functions lack."""
    role, content = message["role"], message.get("content")
    if isinstance(content, list):
        content = [{"type": "text", "text": part["refusal"]} if part["type"] == "refusal" else part for part in content]
    if role == "developer":
        return {"role": "system", "content": content}
    if role == "function":
        return {"role": "tool", "tool_call_id": previous, "content": content or ""}
    if role != "assistant":
        return {**{name: value for name, value in message.items() if value is not None}, "content": content}
    calls = message.get("tool_calls") or []
    if message.get("function_call"):
        calls = [{"id": f"call_{number}", "type": "function", "function": message["function_call"]}]
    calls = [_called(called, f"messages[{number}].tool_calls[{place}]") for place, called in enumerate(calls)]
    told = {"role": "assistant", "content": content or message.get("refusal") or ("" if calls else None)}
    return {**told, "tool_calls": calls} if calls else {**told, "content": told["content"] or ""}


def _called(called: dict[str, Any], place: str) -> dict[str, Any]:
    """Return a call of the history as a template can show it: no arguments are `{}`. Raises InvalidRequest."""
    if called.get("type", "function") != "function":
        raise refuse(f"{place}.type")
    function = called["function"]
    arguments = function["arguments"] or "{}"
    try:
        good = isinstance(msgspec.json.decode(arguments), dict)
    except (msgspec.DecodeError, UnicodeEncodeError):
        good = False
    if not good:
        raise InvalidRequest(
            f"Invalid value for '{place}.function.arguments': expected a JSON object.",
            param=f"{place}.function.arguments",
            code="invalid_value",
        )
    return {**called, "function": {**function, "arguments": arguments}}
