"""The embedded engine's child dies in the middle of an answer."""

import asyncio
from pathlib import Path

import psutil  # type: ignore[import-untyped]
from gateways import CHAT, PATIENCE, Gateway, ask, chat, line, request, serving

LONG = {  # hundreds of numbers, whatever the model would rather say
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "n", "schema": {"type": "array", "items": {"type": "integer"}, "minItems": 400}},
    }
}


def kill_engine(gateway: Gateway) -> None:
    """End the engine's child as a crash would: at once."""
    for child in psutil.Process(gateway.process.pid).children():
        if "parley.engine.child" in child.cmdline():
            child.kill()


async def test_a_crash_in_mid_answer_is_told_and_the_next_call_is_answered(tmp_path: Path) -> None:
    """The stream ends with an error event and no `[DONE]`, in one record; a new child answers the next call."""
    async with serving(tmp_path, "") as gateway:
        async with line(gateway) as it:
            await it.send(request(gateway, CHAT, chat("parley-mini", stream=True, **LONG)))
            await it.head()
            assert (await it.event())["choices"]
            kill_engine(gateway)
            events = []
            while (event := await asyncio.wait_for(it.event(), PATIENCE)) is not None:
                events.append(event)
        assert events[-1]["error"]["code"] == "upstream_broken"
        after = await ask(gateway, CHAT, chat("parley-mini", max_tokens=3))
        assert after.status == 200
        assert [(row["status"], row["outcome"]) for row in gateway.rows()] == [(502, "failed"), (200, "answered")]
