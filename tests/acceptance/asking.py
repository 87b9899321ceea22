"""What the acceptance tests ask: the models, tools and messages that several of them share."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

import openai
from pydantic import BaseModel, Field

MODEL = "parley-mini"
HELLO: Any = [{"role": "user", "content": "Hello, who are you?"}]


class Weather(BaseModel):
    """Tell the weather."""

    location: Annotated[str, Field(max_length=40)]
    unit: Literal["celsius", "fahrenheit"]


class Light(BaseModel):
    """Switch a light."""

    room: Literal["hall", "kitchen"]
    on: bool


class Shopping(BaseModel):
    """An answer of a form that any model can keep to."""

    kind: Literal["order", "return", "question"]
    urgent: bool
    count: Annotated[int, Field(ge=0, le=99)]
    note: Annotated[str, Field(max_length=40)]


FORMS: dict[str, type[BaseModel]] = {"Weather": Weather, "Light": Light}
TOOLS: Any = [openai.pydantic_function_tool(form) for form in FORMS.values()]


def check_calls(calls: Iterable[Any]) -> list[str]:
    """Return the names of *calls*, each of whose arguments must match its schema."""
    names = []
    for call in calls:
        assert call.type == "function"
        assert call.id.startswith("call_")
        FORMS[call.function.name].model_validate_json(call.function.arguments)
        names.append(call.function.name)
    return names
