"""Budgets where the embedded engine answers at a price: they hold there too."""

from pathlib import Path
from typing import Any

import openai
import pytest
from servers import serving

SETTINGS = """
[limits]
longest_answer = 6
[models."paid"]
targets = ["local/parley-mini"]
price = { input = "1", output = "1000" }
"""
STORY = "Tell me a long story about my order"
ASKED: list[dict[str, Any]] = [{"max_tokens": 50}, {"max_completion_tokens": 50}, {}, {"n": 2}]


def test_an_answer_of_the_engine_is_no_longer_than_is_paid_for(tmp_path: Path) -> None:
    """Made to fit, or as long as the settings say; what is spent is never more than the budget."""
    with serving(tmp_path, SETTINGS) as server:
        for number, more in enumerate(ASKED):
            name = f"fit-{number}"
            key = server.key("--project", name)
            server.run("budget", "set", "--project", name, "--ever", "0.005", "--fit")  # five tokens
            with openai.OpenAI(base_url=server.base_url, api_key=key, max_retries=0) as client:
                messages: Any = [{"role": "user", "content": STORY}]
                answer = client.chat.completions.create(model="paid", messages=messages, temperature=0, **more)
                assert answer.choices[0].finish_reason == "length"
                assert answer.usage
                assert answer.usage.completion_tokens < 5
                with pytest.raises(openai.RateLimitError) as refused:
                    client.chat.completions.create(model="paid", messages=messages, max_tokens=50)
                assert refused.value.code == "insufficient_quota"
        key = server.key("--project", "plain")
        server.run("budget", "set", "--project", "plain", "--ever", "1")
        with openai.OpenAI(base_url=server.base_url, api_key=key, max_retries=0) as client:
            answer = client.chat.completions.create(model="paid", messages=messages, temperature=0)
            assert answer.usage
            assert answer.usage.completion_tokens == 6
