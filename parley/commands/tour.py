"""The demo's way through the article, with the official client: each step asks, shows, and sees that it holds.

The questions are the article's own. A step that does not hold is a ParleyError; a call that fails is the client's.
"""

import json
from time import perf_counter
from typing import Any

import openai
from openai.types.chat import ChatCompletion
from rich.console import Console
from rich.rule import Rule

from parley.errors import ParleyError

MODEL = "gpt-4"
ANSWERED_BY = "parley-mini"
SEED = 1  # the demo shows the same answers every time
SERVICE = [{"role": "system", "content": "你是一个客服助手。"}, {"role": "user", "content": "如何退货?"}]
ENGLISH = [
    {"role": "system", "content": "You are a customer service assistant."},
    {"role": "user", "content": "How do I return an item?"},
]
WEATHER: dict[str, Any] = {
    "name": "get_weather",
    "description": "Get the weather of a place.",
    "parameters": {
        "type": "object",
        "properties": {"location": {"type": "string"}, "date": {"type": "string"}},
        "required": ["location"],
    },
}
ORDER: dict[str, Any] = {
    "name": "get_order",
    "description": "Look up an order by its number. 根据订单号查询订单。",
    "parameters": {
        "type": "object",
        "properties": {"order_id": {"type": "string", "description": "The order number. 订单号"}},
        "required": ["order_id"],
    },
}
NUMBER = "KX4411-202"
RETURNS: tuple[tuple[str, str, str, dict[str, str]], ...] = (
    (
        "你是一个客服助手。",
        f"我的订单号是{NUMBER}，请查询订单。",
        "如何退货?",
        {"status": "已签收", "date": "11月26日"},
    ),
    (
        "You are a customer service assistant.",
        f"Please look up order {NUMBER}.",
        "How do I return it?",
        {"status": "arrived", "date": "November 26"},
    ),
)
TICKET: dict[str, Any] = {
    "type": "object",
    "properties": {
        "intent": {"type": "string", "enum": ["return", "refund", "delivery", "other"]},
        "urgent": {"type": "boolean"},
        "summary": {"type": "string", "maxLength": 80},
    },
    "required": ["intent", "urgent", "summary"],
    "additionalProperties": False,
}


class Tour:
    """The steps. `sent` counts the calls that the server has to have recorded."""

    def __init__(self, client: openai.OpenAI, console: Console) -> None:
        self._client = client
        self._console = console
        self.sent = 0

    def walk(self) -> None:
        """Take every step. Raises ParleyError, openai.OpenAIError."""
        self._title("A chat: the article's first call")
        self._chat(SERVICE, temperature=0.7, seed=SEED, max_tokens=100)
        self._title("The same in English")
        self._chat(ENGLISH, temperature=0, max_tokens=100)
        self._title("Streamed, token by token")
        self._stream(SERVICE, temperature=0.7, seed=SEED)
        self._stream(ENGLISH, temperature=0)
        self._title("A function call")
        self._function()
        self._title("A return, in Chinese and in English: the order is looked up")
        for talk in RETURNS:
            self._return(*talk)
        self._title("A conversation of three turns")
        self._conversation()
        self._title("A structured answer: a ticket that fits a JSON schema")
        self._structured()
        self._title("A wrong key is refused")
        self._wrong_key()

    def _chat(self, messages: list[Any], **options: Any) -> str:
        """Ask, show, and return the answer's text."""
        answer = self._create(messages, **options)
        text = answer.choices[0].message.content or ""
        hold(bool(text.strip()), "the answer is empty")
        self._says("assistant", text)
        return text

    def _stream(self, messages: list[Any], **options: Any) -> None:
        self._shows(messages)
        self._console.print("  ← assistant: ", end="", style="green")
        begun, first, tokens = perf_counter(), 0.0, 0
        stream = self._client.chat.completions.create(
            model=MODEL, messages=messages, max_tokens=100, stream=True, **options
        )
        self.sent += 1
        for chunk in stream:
            text = chunk.choices[0].delta.content if chunk.choices else None
            if text:
                first = first or perf_counter() - begun
                tokens += 1
                self._console.print(text, end="", markup=False, style="green")
        hold(tokens > 1, "the stream came in one piece")
        total = perf_counter() - begun
        self._note(f"\n    first piece after {first:.2f} s, {tokens} pieces in {total:.2f} s")

    def _function(self) -> None:
        messages: list[Any] = [{"role": "user", "content": "What is the weather in Paris?"}]
        tools: Any = [{"type": "function", "function": WEATHER}]
        choice = {"type": "function", "function": {"name": "get_weather"}}
        call, arguments = self._call(messages, tools=tools, tool_choice=choice)
        hold(isinstance(arguments.get("location"), str), "the arguments do not fit the schema")
        result = {"location": arguments["location"], "forecast": "sunny", "celsius": 21}
        messages.append({"role": "tool", "tool_call_id": call, "content": json.dumps(result)})
        self._chat(messages, tools=tools, tool_choice="none", temperature=0, max_tokens=100)

    def _call(self, messages: list[Any], **options: Any) -> tuple[str, dict[str, Any]]:
        """Ask, show the one call that is made, add it to *messages*; return its id and its arguments."""
        message = self._create(messages, temperature=0, max_tokens=100, **options).choices[0].message
        calls = message.tool_calls or []
        hold(len(calls) == 1 and calls[0].type == "function", "the function was not called")
        call: Any = calls[0]
        arguments: dict[str, Any] = json.loads(call.function.arguments)
        self._says("calls", f"{call.function.name}({json.dumps(arguments, ensure_ascii=False)})")
        messages.append(message.model_dump(exclude_none=True))
        return call.id, arguments

    def _return(self, system: str, asked: str, then: str, found: dict[str, str]) -> None:
        """Have the model choose to look the order up, tell it what was *found*, and ask how to return it."""
        messages: list[Any] = [{"role": "system", "content": system}, {"role": "user", "content": asked}]
        tools: Any = [{"type": "function", "function": ORDER}]
        call, arguments = self._call(messages, tools=tools)
        hold(arguments == {"order_id": NUMBER}, "another order was looked up")
        messages.append({"role": "tool", "tool_call_id": call, "content": json.dumps(found, ensure_ascii=False)})
        text = self._chat(messages, tools=tools, temperature=0, max_tokens=100)
        hold(all(value in text for value in found.values()), "what was found is not told")
        messages += [{"role": "assistant", "content": text}, {"role": "user", "content": then}]
        self._chat(messages, temperature=0, max_tokens=100)  # with functions it would look the order up once more

    def _conversation(self) -> None:
        messages: list[Any] = [{"role": "system", "content": "你是一个技术顾问。"}]
        for said in ("如何部署Python应用?", "Docker的具体步骤?", "谢谢!"):
            messages.append({"role": "user", "content": said})
            text = self._chat(messages, temperature=0, max_tokens=100)
            messages.append({"role": "assistant", "content": text})

    def _structured(self) -> None:
        messages = [{"role": "user", "content": "My parcel never came and I need it today!"}]
        wanted = {"type": "json_schema", "json_schema": {"name": "ticket", "schema": TICKET, "strict": True}}
        answer = self._create(messages, response_format=wanted, temperature=0, max_tokens=200)
        ticket = json.loads(answer.choices[0].message.content or "")
        hold(ticket.keys() == TICKET["properties"].keys(), "the answer does not fit the schema")
        self._says("assistant", json.dumps(ticket, ensure_ascii=False))

    def _wrong_key(self) -> None:
        stranger = self._client.with_options(api_key="sk-parley-not-a-key")
        try:
            stranger.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "Hello"}])
        except openai.AuthenticationError as error:
            self._says(f"{type(error).__name__} ({error.status_code})", error.message)
            return
        raise ParleyError("the demo: a wrong key was taken")

    def _create(self, messages: list[Any], **options: Any) -> ChatCompletion:
        """Send *messages*, show them, and return the answer."""
        self._shows(messages)
        begun = perf_counter()
        answer: ChatCompletion = self._client.chat.completions.create(model=MODEL, messages=messages, **options)
        self.sent += 1
        hold(answer.model == ANSWERED_BY, f"the answer does not say that {ANSWERED_BY} gave it")
        usage = answer.usage
        counted = f"{usage.prompt_tokens} tokens in, {usage.completion_tokens} out" if usage else "no usage"
        self._note(f"    {perf_counter() - begun:.2f} s, {counted}, model {answer.model}")
        return answer

    def _title(self, title: str) -> None:
        self._console.print()
        self._console.print(Rule(title, align="left", characters="─"))

    def _shows(self, messages: list[Any]) -> None:
        """Print the last message, and how many went before it."""
        last = messages[-1]
        before = f" (after {len(messages) - 1} other)" if len(messages) > 1 else ""
        self._console.print(f"  → {last['role']}: {last['content']}{before}", markup=False)

    def _says(self, who: str, text: str) -> None:
        self._console.print(f"  ← {who}: {text}", markup=False, style="green")

    def _note(self, text: str) -> None:
        self._console.print(text, markup=False, style="dim")


def hold(claim: bool, otherwise: str) -> None:
    """Raise ParleyError, saying *otherwise*, unless *claim* holds."""
    if not claim:
        raise ParleyError(f"the demo: {otherwise}")
